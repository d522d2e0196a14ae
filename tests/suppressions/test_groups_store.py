from twisted.internet import reactor

from scaisend.faults import Invalid
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from scaisend.suppressions import groups_store, store
from scaisend.suppressions.groups_store import MOST_GROUPS, Group, add_group
from scaisend.suppressions.store import Entry, Wanted
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW


def group(txn: Txn, name: str, tenant_id: str = "tnt_a") -> Group:
    return add_group(txn, tenant_id, name=name, description=None, is_default=False, now=NOW)


class GroupsStoreTests(PlainTestCase):
    def test_numbers(self) -> None:
        """Groups made in the same second have different numbers; tenants share none by accident, for each is under its tenant."""
        database = inline_database()
        numbers = [database.now(group, f"g{n}").id for n in range(5)]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(database.now(group, "g0", "tnt_b").id, numbers[0])
        self.assertEqual(len(database.now(groups_store.groups, "tnt_a")), 5)

    def test_most(self) -> None:
        """A tenant has at most MOST_GROUPS groups."""
        database = inline_database()
        for n in range(MOST_GROUPS):
            database.now(group, f"g{n}")
        with self.assertRaises(Invalid):
            database.now(group, "one more")


class MariadbGroupsTests(ReactorTestCase):
    timeout = 120

    async def test_statements(self) -> None:
        """Groups, members and lists mean the same on MariaDB."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(database.close)
        made = await database.run(group, "Nachrichten ü")
        other = await database.run(group, "Deals")
        self.assertEqual((await database.run(groups_store.change_group, "tnt_a", made.id, name="News", description="d", is_default=True, now=NOW)).name, "News")
        self.assertEqual(await database.run(groups_store.leave, "tnt_a", made.id, ["a@x.test", "b@x.test"], NOW), 2)
        self.assertEqual(await database.run(groups_store.leave, "tnt_a", made.id, ["b@x.test", "c@x.test"], NOW), 1)
        self.assertEqual(await database.read(groups_store.members, "tnt_a", made.id, limit=2, offset=1), ["b@x.test", "c@x.test"])
        self.assertEqual(await database.read(groups_store.counts, "tnt_a"), {made.id: 3})
        self.assertEqual(await database.read(groups_store.members_among, "tnt_a", made.id, ["c@x.test", "d@x.test"]), {"c@x.test"})
        self.assertEqual([each.group_name for each in await database.read(groups_store.all_left, "tnt_a", limit=5, offset=0)], ["News"] * 3)
        asked = [("tnt_a", "a@x.test", made.id), ("tnt_a", "a@x.test", other.id), ("tnt_b", "a@x.test", made.id)]
        self.assertEqual(await database.read(groups_store.left_across_tenants, asked), {asked[0]})
        self.assertTrue(await database.run(groups_store.come_back, "tnt_a", made.id, "a@x.test"))
        self.assertTrue(await database.run(groups_store.delete_group, "tnt_a", made.id))
        self.assertEqual(await database.run(groups_store.forget_some, "tnt_a", made.id, 10), 2)
        entries = [Entry("tnt_a", "bounces", f"{n:02}@x.test", "no\0t", "5.1.1", None, None, "r1", NOW + n // 2) for n in range(10)]
        self.assertEqual(await database.run(store.list_across_tenants, entries), 10)
        self.assertEqual(await database.run(store.list_across_tenants, entries), 0)
        page = await database.read(store.listed, "tnt_a", "bounces", Wanted(NOW + 1, NOW + 3, "0%@x"), limit=3, offset=0)
        self.assertEqual([each.email for each in page], ["05@x.test", "04@x.test", "03@x.test"])
        walked, after = [], None
        while rows := await database.read(store.listed_after, "tnt_a", "bounces", after, limit=3):
            walked += [each.email for each in rows]
            after = rows[-1]
        self.assertEqual(walked, [each.email for each in entries])
        numbers = await database.run(store.numbers_by_rule, "tnt_a", "r1", NOW + 4, lists=("bounces", "blocks"), most=5)
        self.assertEqual(await database.run(store.unlist_numbers, "tnt_a", numbers), 2)
        self.assertEqual(await database.run(store.unlist_some, "tnt_a", "bounces", 100), 8)
        self.assertEqual(await database.read(store.evidence, "tnt_a", "00@x.test"), [])
