from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.domains.whitelabel_store import numbers, set_default
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.road import add_verified_domain
from tests.world.tenants import NOW, id_maker


def defaults(txn: Txn) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in txn.rows("SELECT domain, is_default FROM domains ORDER BY domain")]


class WhitelabelStoreTests(PlainTestCase):
    def test_numbers_stay(self) -> None:
        """Each domain has its own, whenever it is asked for; a tenant knows its own alone."""
        database = inline_database()
        first = database.now(add_verified_domain, "tnt_a", "a.example")
        before = database.now(numbers, "tnt_a", now_s=NOW)
        second = database.now(add_verified_domain, "tnt_a", "b.example")
        database.now(add_verified_domain, "tnt_b", "b.example")
        after = database.now(numbers, "tnt_a", now_s=NOW)
        self.assertEqual((set(after), after[first], after[second]), ({first, second}, before[first], before[first] + 1))
        self.assertEqual(database.now(numbers, "tnt_a", now_s=NOW + 9_999), after)
        self.assertEqual(database.now(numbers, "tnt_none", now_s=NOW), {})

    def test_one_default(self) -> None:
        """Another default takes the place of the one before, of the same tenant only."""
        database = inline_database()
        ids = [database.now(add_verified_domain, tenant, name) for tenant, name in (("tnt_a", "a.example"), ("tnt_a", "b.example"), ("tnt_b", "c.example"))]
        for domain_id, tenant in zip(ids, ("tnt_a", "tnt_a", "tnt_b"), strict=True):
            database.now(set_default, tenant, domain_id, True)
        self.assertEqual(database.now(defaults), [("a.example", 0), ("b.example", 1), ("c.example", 1)])
        database.now(set_default, "tnt_a", ids[1], False)
        database.now(set_default, "tnt_a", ids[2], False)
        self.assertEqual(database.now(defaults), [("a.example", 0), ("b.example", 0), ("c.example", 1)])


class MariadbWhitelabelTests(ReactorTestCase):
    timeout = 120

    async def test_two_at_once(self) -> None:
        """Two that ask for numbers at the same time are told the same ones."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(database.close)
        ids = id_maker()
        partner = await database.run(make_partner, ids, name="P", now_s=NOW)
        tenant = await database.run(make_tenant, ids, name="T", partner_id=partner.id, now_s=NOW)
        for number in range(5):
            await database.run(add_verified_domain, tenant.id, f"{number}.example")
        answers = await gatherResults([database.run(numbers, tenant.id, now_s=NOW + n) for n in range(4)])
        self.assertEqual(len(set(answers[0].values())), 5)
        self.assertEqual(answers, [answers[0]] * 4)
