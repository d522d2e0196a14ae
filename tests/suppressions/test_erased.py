import timeit

from twisted.internet.task import Clock

from scaisend.http.route import Route
from scaisend.identity.instance_store import reseal_fact_across_tenants, sealed_facts_across_tenants
from scaisend.messages.moments import read_moment
from scaisend.sealing import Sealer
from scaisend.suppressions.api import SuppressionsApi
from scaisend.suppressions.erase_store import hide
from scaisend.suppressions.erased import KNOWN_AFTER_S, ErasedNames, Erasure, with_names
from scaisend.suppressions.groups_api import GroupsApi
from scaisend.suppressions.groups_store import leave
from tests.base import PlainTestCase
from tests.suppressions.routing import RoutedTestCase
from tests.suppressions.test_store import put_on_lists
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.tenants import NOW


class ErasedNamesTests(PlainTestCase):
    def test_names(self) -> None:
        """One address has one name in a tenant, another in each other one; without the key nothing leads back."""
        names = ErasedNames(b"k" * 32)
        name = names.name("tnt_1", "jane@x.test")
        self.assertEqual(name, names.name("tnt_1", "jane@x.test"))
        self.assertEqual(len({name, names.name("tnt_2", "jane@x.test"), names.name("tnt_1", "joe@x.test"), ErasedNames(b"x" * 32).name("tnt_1", "jane@x.test")}), 4)
        self.assertTrue(name.startswith("erased:") and "jane" not in name and len(name) == 47)
        self.assertEqual(names.with_names([("tnt_1", "a@x.test")]), {("tnt_1", "a@x.test"): ("tnt_1", "a@x.test"), ("tnt_1", names.name("tnt_1", "a@x.test")): ("tnt_1", "a@x.test")})

    def test_all_processes_have_one_key(self) -> None:
        """Whoever erases first makes it; the others learn of it in time; a change of SECRET_KEY leaves the names as they are."""
        database, clock = inline_database(), Clock()
        old, new = (Sealer(key, lambda count: b"n" * count) for key in (b"old", b"new"))
        first, second = (Erasure(old, lambda count, digit=digit: digit * count, clock.seconds) for digit in (b"1", b"2"))
        self.assertIsNone(database.now(second.names))
        self.assertTrue(database.now(first.made))
        clock.advance(KNOWN_AFTER_S)
        found = [database.now(first.names), database.now(second.names)]
        self.assertFalse(database.now(second.made))
        ((name, sealed),) = database.now(sealed_facts_across_tenants, "", 10)
        fresh = Sealer(b"new", lambda count: b"m" * count, [b"old"]).resealed(name, sealed)
        assert fresh is not None
        self.assertTrue(database.now(reseal_fact_across_tenants, name, sealed, fresh))
        found.append(database.now(Erasure(new, lambda count: b"3" * count, clock.seconds).names))
        self.assertEqual(len({each.name("tnt_1", "a@x.test") for each in found if each is not None}), 1)
        self.assertNotIn(None, found)

    def test_nobody_was_erased(self) -> None:
        """The database is asked now and then, not at each look-up."""
        database, clock = inline_database(), Clock()
        erasure = Erasure(Sealer(b"key", lambda count: b"n" * count), lambda count: b"1" * count, clock.seconds)
        for _ in range(3):
            self.assertIsNone(database.now(erasure.names))
        self.assertEqual(database.now(lambda txn: with_names(erasure, txn, "tnt_1", ["a"])), ["a"])
        database.now(Erasure(Sealer(b"key", lambda count: b"n" * count), lambda count: b"1" * count, clock.seconds).made)
        self.assertIsNone(database.now(erasure.names))
        clock.advance(KNOWN_AFTER_S)
        self.assertIsNotNone(database.now(erasure.names))

    def test_with_names(self) -> None:
        """Where nobody erases the addresses stand for themselves."""
        database = inline_database()
        self.assertEqual(database.now(lambda txn: with_names(None, txn, "tnt_1", ["a"])), ["a"])

    def test_a_name_costs_little(self) -> None:
        """Some microseconds each: a claim of fifty asks for fifty."""
        names = ErasedNames(b"k" * 32)
        self.assertLess(min(timeit.repeat(lambda: names.name("tnt_1", "jane@x.test"), number=1_000, repeat=5)), 0.05)


class OffTheListsTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        self.erasure = Erasure(Sealer(b"secret", lambda count: b"n" * count), lambda count: b"k" * count, lambda: 0.0)
        database.now(self.erasure.made)
        return [*SuppressionsApi(database=database, parse_moment=read_moment, erasure=self.erasure).routes(), *GroupsApi(database=database, erasure=self.erasure).routes()]

    def test_taken_off_by_address(self) -> None:
        """Who knows the address takes its hash off the lists, globally and of a group; another tenant's stays."""
        for tenant_id in (self.tenant.id, self.other.id):
            self.database.now(put_on_lists, [(tenant_id, "bounces", "jane@x.test"), (tenant_id, "unsubscribes", "jane@x.test")])
            self.database.now(lambda txn, tenant_id=tenant_id: txn.insert("asm_groups", ("id", "tenant_id", "name", "created_at", "updated_at"), [(7, tenant_id, "News", 0, 0)]))
            self.database.now(leave, tenant_id, 7, ["jane@x.test"], NOW)
            self.database.now(lambda txn, tenant_id=tenant_id: hide(txn, tenant_id, "jane@x.test", with_names(self.erasure, txn, tenant_id, ["jane@x.test"])[1]))
        self.assertTrue(self.ask("GET", "/v3/suppression/bounces")[1][0]["email"].startswith("erased:"))
        self.assertEqual(self.ask("DELETE", "/v3/suppression/bounces/jane@x.test")[0], 204)
        self.assertEqual(self.ask("DELETE", "/v3/asm/suppressions/global/jane@x.test")[0], 204)
        self.assertEqual(self.ask("DELETE", "/v3/asm/groups/7/suppressions/jane@x.test")[0], 204)
        self.assertEqual(self.database.rows("SELECT tenant_id, list FROM suppressions ORDER BY list"), [(self.other.id, "bounces"), (self.other.id, "unsubscribes")])
        self.assertEqual(self.database.rows("SELECT tenant_id FROM asm_suppressions"), [(self.other.id,)])

    def test_hidden_twice(self) -> None:
        """An address that was listed again after it was erased ends as one entry."""
        for _ in range(2):
            self.database.now(put_on_lists, [(self.tenant.id, "bounces", "jane@x.test")])
            self.assertEqual(self.database.now(hide, self.tenant.id, "jane@x.test", "erased:x"), 1)
        self.assertEqual(self.database.rows("SELECT email FROM suppressions"), [("erased:x",)])
