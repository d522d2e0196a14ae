from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.identity.limits import TenantLimits
from scaisend.identity.limits_api import LimitsApi
from scaisend.identity.limits_worker import LimitsWatch
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.storage.limiter import Limit
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator
from tests.world.routed import RoutedTestCase
from tests.world.tenants import now

USUAL = {"mail_send": Limit(10_000, 1.0), "messages": Limit(100, 1.0), "writes": Limit(10, 60.0), "default": None}


class LimitsApiTests(RoutedTestCase):
    scopes = ("admin.settings",)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return LimitsApi(database=database, usual=USUAL).routes()

    def path(self, tenant_id: str | None = None) -> str:
        return f"/api/admin/tenants/{tenant_id or self.tenant.id}/limits"

    def test_usual(self) -> None:
        """A tenant without its own sees the installation's rates and no quota."""
        found = self.ask("GET", self.path())[1]["data"]
        self.assertEqual({name: each["limit"] for name, each in found["rates"].items()}, {"mail_send": "10000/s", "messages": "100/s", "writes": "10/min", "default": "off"})
        self.assertEqual(({each["own"] for each in found["rates"].values()}, found["quotas"]), ({False}, {}))

    def test_change(self) -> None:
        """What is given changes, null takes away; the act is in the tenant's log; other processes know after their next look."""
        above = administrator(self.tenant.partner_id, PARTNER_ADMIN)
        found = self.ask("PUT", self.path(), {"mail_send": "5/s", "mails_per_day": 100}, caller=above)[1]["data"]
        self.assertEqual((found["rates"]["mail_send"], found["quotas"]["mails_per_day"]["remaining"]), ({"limit": "5/s", "own": True}, 100))
        limits = TenantLimits()
        now(self, LimitsWatch(database=self.database, limits=limits).turn())
        self.assertEqual(limits.of(self.tenant.id, "mail_send", None), Limit(5, 1.0))
        found = self.ask("PUT", self.path(), {"mail_send": None}, caller=above)[1]["data"]
        self.assertEqual((found["rates"]["mail_send"]["own"], list(found["quotas"])), (False, ["mails_per_day"]))
        changes = [act.change for act in self.database.now(acts, self.tenant.id, before=None, most=10)]
        self.assertEqual(changes[0], {"before": {"mail_send": "5/s", "mails_per_day": 100}, "after": {"mails_per_day": 100}})

    def test_who_may(self) -> None:
        """A tenant sees its limits and cannot change them; another tenant, and another partner, find nothing there."""
        self.assertEqual(self.ask("PUT", self.path(), {"mails_per_day": 10**6})[0], 403)
        unknown = self.ask("GET", self.path("tnt_x"))
        self.assertEqual(unknown[0], 404)
        self.assertEqual(self.ask("GET", self.path(self.other.id)), unknown)
        partner = administrator(self.tenant.partner_id, PARTNER_ADMIN)
        self.assertEqual(self.ask("PUT", self.path(self.other.id), {"mails_per_day": 1}, caller=partner), unknown)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM tenant_limits"), [(0,)])

    def test_wrong(self) -> None:
        """Every fault is told, with its field."""
        above = administrator(self.tenant.partner_id, PARTNER_ADMIN)
        status, answer = self.ask("PUT", self.path(), {"mail_send": "fast", "mails_per_day": -1, "x": 1}, caller=above)
        self.assertEqual((status, [each["field"] for each in answer["errors"]]), (400, ["mail_send", "mails_per_day", "x"]))
        self.assertEqual(self.ask("PUT", self.path(), [], caller=above)[0], 400)
