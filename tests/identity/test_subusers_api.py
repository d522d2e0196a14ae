from scaisend.http.route import Route
from scaisend.identity.account_api import user_id
from scaisend.identity.people_store import make_tenant, set_tenant_status
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.identity.settings_store import change_setting
from scaisend.identity.subusers_api import SubusersApi
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW


class SubusersApiTests(RoutedTestCase):
    scopes = OURS

    def routes(self, database: InlineDatabase) -> list[Route]:
        return SubusersApi(database=database).routes()

    def test_who_sees_what(self) -> None:
        """A partner admin sees its partner's tenants, a super admin all, who is of a tenant none."""
        second = self.database.now(make_tenant, self.ids, name="Second", slug="second", partner_id=self.tenant.partner_id, now_s=NOW)
        self.database.now(set_tenant_status, second.id, "suspended", now_s=NOW)
        self.database.now(change_setting, second.id, "user", "account", {"email": "a@second.test"}, now_s=NOW)
        partner, above = administrator(self.tenant.partner_id, PARTNER_ADMIN), administrator("")
        shown = [
            {"id": user_id(self.tenant.id), "username": "Acme", "email": "", "disabled": False},
            {"id": user_id(second.id), "username": "second", "email": "a@second.test", "disabled": True},
        ]
        self.assertEqual(self.ask("GET", "/v3/subusers", caller=partner), (200, shown))
        self.assertEqual(self.ask("GET", "/v3/subusers?limit=1&offset=1", caller=partner), (200, shown[1:]))
        self.assertEqual(self.ask("GET", "/v3/subusers?username=second", caller=partner), (200, shown[1:]))
        self.assertEqual(self.ask("GET", "/v3/subusers?username=Other", caller=partner), (200, []))
        self.assertEqual({each["username"] for each in self.ask("GET", "/v3/subusers", caller=above)[1]}, {"Acme", "Other", "second"})
        self.assertEqual(self.ask("GET", "/v3/subusers"), (200, []))
        self.assertEqual(self.ask("GET", "/v3/subusers/reputations"), (200, []))
        found = self.ask("GET", "/v3/subusers/reputations?usernames=second&usernames=Other", caller=partner)
        self.assertEqual(found, (200, [{"username": "second", "reputation": 100}]))
        self.assertEqual(self.fields(self.ask("GET", "/v3/subusers?limit=x", caller=partner)), ["limit"])
