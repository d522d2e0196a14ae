"""The tables of domains."""

from twisted.internet import reactor

from scaisend.domains import store
from scaisend.domains.dkim_keys import ED25519, RSA, NewKey
from scaisend.domains.store import ACTIVE, PENDING, RETIRED, Check, Domain
from scaisend.faults import Conflict
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb

NOW = 1_800_000_000.0


class StoreTests(PlainTestCase):
    """Rows in, dataclasses out, one tenant at a time."""

    def setUp(self) -> None:
        self.database = inline_database()

    def add(self, tenant: str = "tnt_a", name: str = "example.com", mark: str = "1") -> Domain:
        keys = [
            (f"dky_{tenant}{mark}r", f"ss{mark}", NewKey(RSA, b"sealed\x00r", b"\x30\xff")),
            (f"dky_{tenant}{mark}e", f"se{mark}", NewKey(ED25519, b"sealed\x00e", b"\x31\xff")),
        ]
        return self.database.now(store.add_domain, tenant, domain_id=f"dom_{tenant}{mark}", name=name, keys=keys, now_s=NOW)

    def check(self, domain: Domain, *seen: str, verified: bool = True, ready: bool = False, at: float = NOW + 1) -> Domain:
        check = Check(({"type": "TXT", "name": "x", "found": "é", "valid": True},), frozenset(seen), verified, ready, at)
        return self.database.now(store.save_check, domain.tenant_id, domain.id, check)

    def statuses(self, domain: Domain) -> dict[str, str]:
        keys = self.database.now(store.keys_of, domain.tenant_id, [domain.id])[domain.id]
        return {key.selector: key.status for key in keys}

    def test_add_and_find(self) -> None:
        """What was added is found by id and by name, with its keys, bytes unchanged; the first one is the default."""
        made = self.add()
        self.assertTrue(made.is_default)
        self.assertEqual(self.database.now(store.domain, "tnt_a", made.id), made)
        self.assertEqual(self.database.now(store.domain_named, "tnt_a", "example.com"), made)
        rsa, edwards = self.database.now(store.keys_of, "tnt_a", [made.id])[made.id]
        self.assertEqual((rsa.algorithm, rsa.sealed_private, rsa.public, rsa.status), (RSA, b"sealed\x00r", b"\x30\xff", PENDING))
        self.assertEqual(edwards.algorithm, ED25519)
        self.assertFalse(self.add(name="example.org", mark="2").is_default)
        self.assertEqual([each.domain for each in self.database.now(store.domains, "tnt_a")], ["example.com", "example.org"])

    def test_add_twice(self) -> None:
        """A tenant has a domain once; another tenant may have it too."""
        self.add()
        with self.assertRaises(Conflict):
            self.add(mark="2")
        self.add("tnt_b")

    def test_another_tenant(self) -> None:
        """Another tenant neither sees, changes nor deletes it."""
        made = self.add()
        self.assertIsNone(self.database.now(store.domain, "tnt_b", made.id))
        self.assertIsNone(self.database.now(store.domain_named, "tnt_b", "example.com"))
        self.assertEqual(self.database.now(store.keys_of, "tnt_b", [made.id]), {made.id: []})
        self.assertFalse(self.database.now(store.delete_domain, "tnt_b", made.id))
        self.assertIsNone(self.database.now(store.save_check, "tnt_b", made.id, Check((), frozenset(), True, True, NOW)))
        self.assertEqual(self.database.now(store.verified_domains, [("tnt_a", "example.com"), ("tnt_b", "example.com")]), set())
        self.assertEqual(len(self.statuses(made)), 2)

    def test_delete(self) -> None:
        """A deleted domain leaves no key behind."""
        made = self.add()
        self.assertTrue(self.database.now(store.delete_domain, "tnt_a", made.id))
        self.assertFalse(self.database.now(store.delete_domain, "tnt_a", made.id))
        self.assertEqual(self.statuses(made), {})

    def test_seen_keys_sign(self) -> None:
        """Only keys that were seen sign; the moment of first verification stays."""
        made = self.add()
        self.assertEqual(self.database.now(store.signing_keys, "tnt_a", "example.com"), [])
        after = self.check(made, "dky_tnt_a1r", ready=True)
        self.assertEqual((after.verified, after.verified_at, after.checked_at, after.return_path_ready), (True, NOW + 1, NOW + 1, True))
        self.assertEqual(after.check_result[0]["found"], "é")
        self.assertEqual(self.statuses(made), {"ss1": ACTIVE, "se1": PENDING})
        self.assertEqual([key.selector for key in self.database.now(store.signing_keys, "tnt_a", "example.com")], ["ss1"])
        self.assertEqual(self.check(made, verified=False, at=NOW + 9).verified_at, NOW + 1)
        self.assertEqual(self.statuses(made)["ss1"], ACTIVE)

    def test_rotation(self) -> None:
        """The old key signs until the new one of its kind is seen."""
        made = self.add()
        self.check(made, "dky_tnt_a1r", "dky_tnt_a1e")
        new = [("dky_2r", "ss2", NewKey(RSA, b"s", b"p")), ("dky_2e", "se2", NewKey(ED25519, b"s", b"p"))]
        self.database.now(store.add_keys, "tnt_a", domain_id=made.id, keys=new, now_s=NOW + 2)
        self.check(made, "dky_tnt_a1r")
        self.assertEqual(self.statuses(made), {"ss1": ACTIVE, "se1": ACTIVE, "ss2": PENDING, "se2": PENDING})
        self.check(made, "dky_2r", "dky_tnt_a1r")
        self.assertEqual(self.statuses(made), {"ss1": RETIRED, "se1": ACTIVE, "ss2": ACTIVE, "se2": PENDING})
        self.assertEqual([key.selector for key in self.database.now(store.signing_keys, "tnt_a", "example.com")], ["ss2", "se1"])

    def test_verified_domains(self) -> None:
        """Of many pairs, those that are verified for just that tenant."""
        self.check(self.add("tnt_a"))
        self.add("tnt_b")
        pairs = [("tnt_a", "example.com"), ("tnt_b", "example.com"), ("tnt_a", "example.org")]
        self.assertEqual(self.database.now(store.verified_domains, pairs), {("tnt_a", "example.com")})
        self.assertEqual(self.database.now(store.verified_domains, []), set())

    def test_sender_domains(self) -> None:
        """Delivery gets each pair's keys, RSA first, and the return path once it is ready; no key of another tenant."""
        self.check(self.add("tnt_a"), "dky_tnt_a1r", "dky_tnt_a1e", ready=True)
        self.add("tnt_b")
        pairs = [("tnt_a", "example.com"), ("tnt_b", "example.com"), ("tnt_c", "example.com")]
        found = self.database.now(store.sender_domains_across_tenants, pairs)
        self.assertEqual(set(found), set(pairs[:2]))
        self.assertEqual([key.algorithm for key in found[pairs[0]].keys], [RSA, ED25519])
        self.assertEqual(found[pairs[0]].return_path_host, "bounces.example.com")
        self.assertEqual((found[pairs[1]].keys, found[pairs[1]].return_path_host), ((), None))


class MariadbTests(ReactorTestCase):
    """The same statements on a MariaDB server."""

    async def test_life(self) -> None:
        """Added, seen, rotated, found for delivery, refused twice, deleted."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor)
        self.addCleanup(database.close)
        tenant, pair = "tnt_a", ("tnt_a", "example.com")
        keys = [("dky_1r", "ss1", NewKey(RSA, b"sealed\x00\xff'\\", b"p")), ("dky_1e", "se1", NewKey(ED25519, b"s", b"p"))]
        made = await database.run(store.add_domain, tenant, domain_id="dom_1", name="example.com", keys=keys, now_s=NOW)
        with self.assertRaises(Conflict):
            await database.run(store.add_domain, tenant, domain_id="dom_2", name="example.com", keys=[], now_s=NOW)
        self.assertEqual(await database.run(store.domain, tenant, "dom_1"), made)
        check = Check(({"found": "é\U0001f600"},), frozenset({"dky_1r", "dky_1e"}), True, True, NOW + 1)
        after = await database.run(store.save_check, tenant, "dom_1", check)
        self.assertEqual((after.verified, after.check_result[0]["found"]), (True, "é\U0001f600"))
        await database.run(store.add_keys, tenant, domain_id="dom_1", keys=[("dky_2r", "ss2", keys[0][2])], now_s=NOW + 2)
        await database.run(store.save_check, tenant, "dom_1", Check((), frozenset({"dky_2r"}), True, True, NOW + 3))
        self.assertEqual(await database.run(store.verified_domains, [pair, ("tnt_b", "example.com")]), {pair})
        found = (await database.run(store.sender_domains_across_tenants, [pair]))[pair]
        self.assertEqual([key.selector for key in found.keys], ["ss2", "se1"])
        self.assertEqual(found.keys[0].sealed_private, b"sealed\x00\xff'\\")
        self.assertTrue(await database.run(store.delete_domain, tenant, "dom_1"))
        self.assertEqual(await database.run(store.domains, tenant), [])
