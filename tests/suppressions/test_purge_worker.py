from scaisend.identity.settings_store import change_setting, having_across_tenants
from scaisend.storage.database import Txn
from scaisend.suppressions.purge_worker import AT_ONCE, DAY_S, BouncePurge, wanted
from scaisend.suppressions.store import Standing, listed_across_tenants, standings_across_tenants
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, id_maker, make_a_tenant, now


class SettingsOfSuppressions(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, ids = inline_database(), id_maker()
        self.tenant, self.other = make_a_tenant(self.database, ids).id, make_a_tenant(self.database, ids, "Other").id

    def set(self, name: str, **values: object) -> None:
        self.database.now(change_setting, self.tenant, "mail_settings", name, values, now_s=NOW)

    def put(self, *rows: tuple[str, str, str, str | None, float]) -> None:
        def insert(txn: Txn) -> None:
            columns = ("tenant_id", "list", "email", "status", "created_at")
            txn.insert("suppressions", columns, [(*row[:4], int((NOW - row[4] * DAY_S) * 1_000_000)) for row in rows])

        self.database.now(insert)

    def left(self) -> list[str]:
        return [row[0] for row in self.database.rows("SELECT email FROM suppressions ORDER BY number")]

    def test_old_bounces_leave(self) -> None:
        """Hard and soft ones each after their own days; newer ones, other lists and other tenants stay."""
        self.put(
            (self.tenant, "bounces", "hard-old@x.test", "5.1.1", 8), (self.tenant, "bounces", "unknown-old@x.test", None, 8),
            (self.tenant, "bounces", "hard@x.test", "5.1.1", 6), (self.tenant, "bounces", "soft-old@x.test", "4.2.2", 3),
            (self.tenant, "bounces", "soft@x.test", "4.2.2", 1), (self.tenant, "spam_reports", "spam@x.test", None, 90), (self.other, "bounces", "other@x.test", None, 90),
        )
        purge = BouncePurge(database=self.database, now_s=lambda: NOW)
        now(self, purge.turn())
        self.assertEqual(len(self.left()), 7)
        self.set("bounce_purge", enabled=True, hard_bounces=7, soft_bounces=2)
        now(self, purge.turn())
        self.assertEqual(self.left(), ["hard@x.test", "soft@x.test", "spam@x.test", "other@x.test"])

    def test_many_leave_in_portions(self) -> None:
        """A turn takes more than one portion."""
        self.put(*[(self.tenant, "bounces", f"{n}@x.test", None, 9.0) for n in range(AT_ONCE + 5)])
        self.set("bounce_purge", enabled=True, hard_bounces=1, soft_bounces=None)
        now(self, BouncePurge(database=self.database, now_s=lambda: NOW).turn())
        self.assertEqual(self.left(), [])

    def test_what_is_wanted(self) -> None:
        """Nothing while it is off, or no days are set."""
        self.assertEqual(wanted({"enabled": True, "soft_bounces": 3, "hard_bounces": None}), [(True, 3)])
        self.assertEqual(wanted({"enabled": False, "soft_bounces": 3, "hard_bounces": 3}), [])
        self.assertEqual(wanted({}), [])
        self.set("footer", enabled=True)
        self.assertEqual(self.database.now(having_across_tenants, "mail_settings", "bounce_purge"), {})

    def test_whom_a_tenant_always_mails_is_on_no_list(self) -> None:
        """For that tenant alone; who left a group has left it."""
        self.put((self.tenant, "bounces", "a@x.test", None, 1), (self.other, "bounces", "a@x.test", None, 1), (self.tenant, "bounces", "b@y.test", None, 1))
        self.database.now(lambda txn: txn.insert("asm_suppressions", ("tenant_id", "group_id", "email", "created_at"), [(self.tenant, 7, "a@x.test", 0)]))
        asked = [(self.tenant, "a@x.test"), (self.other, "a@x.test"), (self.tenant, "b@y.test")]
        self.assertEqual(len(self.database.now(listed_across_tenants, asked)), 3)
        self.set("address_whitelist", enabled=True, list=["x.test"])
        self.assertEqual(set(self.database.now(listed_across_tenants, asked)), {asked[1], asked[2]})
        standings = self.database.now(standings_across_tenants, asked)
        self.assertEqual(standings[asked[0]], Standing(frozenset(), frozenset({7})))
        self.assertEqual((standings[asked[1]].lists, standings[asked[2]].lists), ({"bounces"}, {"bounces"}))
