"""Domains that a tenant has from another, on MariaDB, and what is signed for them."""

import dkim
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.delivery.dkim import load_signing_key, sign
from scaisend.domains import store
from scaisend.domains.dkim_keys import RSA, SEAL, make_key, published
from scaisend.domains.sharing_store import (
    associate,
    associated,
    associations_across_tenants,
    has_owner_across_tenants,
    numbered_across_tenants,
)
from scaisend.domains.whitelabel_store import numbers
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.sealing import Sealer
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW, id_maker

SEALER = Sealer(b"secret", lambda count: b"n" * count)
CHECK = store.Check(({"type": "TXT", "name": "x", "found": "é", "valid": True},), frozenset({"dky_1"}), True, True, NOW + 1)


class SharingStoreTests(PlainTestCase):
    def test_signed(self) -> None:
        """Mail of the other tenant verifies with the owner's record, by dkimpy; no third tenant has a key."""
        database, key = inline_database(), make_key(RSA, SEALER)
        owned = database.now(store.add_domain, "tnt_a", domain_id="dom_1", name="a.example", keys=[("dky_1", "ss1", key)], now_s=NOW)
        owned = database.now(store.save_check, "tnt_a", owned.id, CHECK)
        made = database.now(associate, "tnt_b", id_maker(), owned, now_s=NOW + 2)
        self.assertEqual((made.verified, made.return_path_ready, made.check_result, made.checked_at, made.verified_at), (True, True, CHECK.result, NOW + 1, NOW + 1))
        (its,) = database.now(store.signing_keys, "tnt_b", "a.example")
        private = load_signing_key("a.example", its.selector, its.algorithm, SEALER.open(SEAL, its.sealed_private))
        mail = b"From: b@a.example\r\nTo: c@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"
        records = {b"ss1._domainkey.a.example.": published(RSA, key.public).encode()}
        self.assertTrue(dkim.verify(sign(mail, [private], 1_700_000_000.0) + mail, dnsfunc=lambda name, timeout=5: records.get(name)))
        self.assertEqual(database.now(store.signing_keys, "tnt_c", "a.example"), [])
        self.assertEqual(database.now(associated, "tnt_a"), [])


class MariadbSharingTests(ReactorTestCase):
    timeout = 120

    async def test_two_at_once(self) -> None:
        """Of two that associate the same domain at the same time one does, and it is found by its owner's id alone."""
        server, ids = private_mariadb(), id_maker()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(database.close)
        partner = await database.run(make_partner, ids, name="P", now_s=NOW)
        owner, other = [await database.run(make_tenant, ids, name=name, partner_id=partner.id, now_s=NOW) for name in ("O", "T")]
        key = make_key(RSA, SEALER)
        await database.run(store.add_domain, owner.id, domain_id="dom_1", name="a.example", keys=[("dky_1", "ss1", key)], now_s=NOW)
        owned = await database.run(store.save_check, owner.id, "dom_1", CHECK)
        made = await gatherResults(
            [database.run(associate, other.id, ids, owned, now_s=NOW + 2).addErrback(lambda failure: failure.type.__name__) for _ in range(2)])
        (its,) = await database.run(associated, other.id)
        self.assertEqual(sorted(type(each).__name__ for each in made), ["Domain", "str"])
        self.assertIn("Conflict", made)
        self.assertEqual(len(await database.run(store.signing_keys, other.id, "a.example")), 1)
        number = (await database.run(numbers, owner.id, now_s=NOW))["dom_1"]
        await database.run(numbers, other.id, now_s=NOW)
        for partner_id, owner_id, found in ((partner.id, None, True), (None, None, True), ("prt_x", None, False), (None, other.id, False)):
            places = await database.run(numbered_across_tenants, number, partner_id=partner_id, owner_id=owner_id)
            self.assertEqual(places, [(owner.id, "dom_1")] if found else [])
        self.assertEqual(await database.run(associations_across_tenants, "dom_1"), [(other.id, its.id)])
        self.assertTrue(await database.run(has_owner_across_tenants, "dom_1"))
        await database.run(store.delete_domain, owner.id, "dom_1")
        self.assertFalse(await database.run(has_owner_across_tenants, "dom_1"))
