from typing import Any

from scaisend.faults import Forbidden
from scaisend.http.route import Route
from scaisend.identity.account_api import user_id
from scaisend.identity.audit_store import acts
from scaisend.identity.mirror_store import TENANTS, News, mirror_across_tenants
from scaisend.identity.people_store import Tenant, make_partner, make_tenant, roles, set_tenant_status, tenants_called
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
        return SubusersApi(database=database, ids=self.ids, sources=("192.0.2.1", "2001:db8::1")).routes()

    def as_partner(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        return self.ask(method, target, body, caller=administrator(self.tenant.partner_id, PARTNER_ADMIN))

    def called(self, username: str) -> Tenant:
        (found,) = self.database.now(tenants_called, username, partner_id=None)
        return found

    def faults(self, answer: tuple[int, Any]) -> list[tuple[str | None, str]]:
        self.assertEqual(answer[0], 400, answer)
        return [(each["field"], each["message"]) for each in answer[1]["errors"]]

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

    def test_a_new_one(self) -> None:
        """200 in SendGrid's shape; a tenant of the partner's with the default roles and no key, and the act in its log."""
        asked = {"username": "jane", "email": "jane@example.org", "password": "secret", "ips": ["192.0.2.1", "2001:DB8::1", "192.0.2.1"]}
        status, shown = self.as_partner("POST", "/v3/subusers", asked)
        made = self.called("jane")
        self.assertEqual((status, shown), (200, {
            "username": "jane", "user_id": user_id(made.id), "email": "jane@example.org", "credit_allocation": {"type": "unlimited"},
        }))
        self.assertEqual((made.partner_id, made.name, made.slug, made.status), (self.tenant.partner_id, "jane", "jane", "active"))
        self.assertEqual(len(self.database.now(roles, made.id)), 3)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM api_keys WHERE tenant_id = ?", made.id), [(0,)])
        self.assertEqual(self.as_partner("GET", "/v3/subusers/jane/ips"), (200, {"ips": ["192.0.2.1", "2001:db8::1"]}))
        self.assertIn({"id": user_id(made.id), "username": "jane", "email": "jane@example.org", "disabled": False}, self.as_partner("GET", "/v3/subusers")[1])
        (act,) = self.database.now(acts, made.id, before=None, most=9)
        self.assertEqual((act.actor, act.action, act.change["username"]), ("usr_above", "tenant.create", "jane"))
        self.assertNotIn("secret", str(self.database.rows("SELECT * FROM tenants") + self.database.rows("SELECT * FROM audit_log")))
        self.assertEqual(self.faults(self.as_partner("POST", "/v3/subusers", asked)), [("username", "username exists")])

    def test_what_a_new_one_may_not_be(self) -> None:
        """Every fault at once, by its field; nothing is made."""
        before = self.database.rows("SELECT COUNT(*) FROM tenants")
        wrong = self.as_partner("POST", "/v3/subusers", {"username": "a\r\nb", "email": "nobody", "password": 1, "ips": ["203.0.113.1", "x"]})
        self.assertEqual([field for field, _ in self.faults(wrong)], ["username", "email", "password", "ips.0", "ips.1"])
        self.assertEqual([field for field, _ in self.faults(self.as_partner("POST", "/v3/subusers", {}))], ["username", "email"])
        for name in ("tnt_01", "a/b", "ü", "-a", "a" * 65):
            self.assertEqual(self.fields(self.as_partner("POST", "/v3/subusers", {"username": name, "email": "a@example.org"})), ["username"])
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM tenants"), before)

    def test_whose_it_becomes(self) -> None:
        """A partner admin's own partner's, whatever it names; a super admin names the partner, unless there is only one."""
        asked = {"username": "jane", "email": "jane@example.org"}
        second = self.database.now(make_partner, self.ids, name="Second", now_s=NOW)
        self.assertEqual(self.as_partner("POST", "/v3/subusers", {**asked, "partner_id": second.id})[0], 404)
        above = administrator("")
        self.assertEqual(self.fields(self.ask("POST", "/v3/subusers", asked, caller=above)), ["partner_id"])
        for partner_id in (self.tenant.partner_id, second.id):  # each partner has its own names
            self.assertEqual(self.ask("POST", "/v3/subusers", {**asked, "partner_id": partner_id}, caller=above)[0], 200)
        status, body = self.ask("PATCH", "/v3/subusers/jane", {"disabled": True}, caller=above)
        self.assertEqual((status, len(self.database.now(tenants_called, "jane", partner_id=None))), (409, 2), body)
        (one,) = self.database.now(tenants_called, "jane", partner_id=second.id)
        self.assertEqual(self.ask("PATCH", f"/v3/subusers/{one.id}", {"disabled": True}, caller=above)[0], 204)

    def test_disabling(self) -> None:
        """204; who is disabled is refused from the next request on, and the identity provider's word does not let it go on."""
        news = {"partner_id": self.tenant.partner_id, "name": "Hers", "slug": "hers", "status": "active"}
        hers = self.database.now(mirror_across_tenants, self.ids, TENANTS, News("ext-1", NOW, news), now_s=NOW)
        self.assertEqual(self.caller(hers, "mail.send").tenant_id, hers)
        for _ in range(2):
            self.assertEqual(self.as_partner("PATCH", "/v3/subusers/hers", {"disabled": True}), (204, ""))
        self.database.now(mirror_across_tenants, self.ids, TENANTS, News("ext-1", NOW + 9, news), now_s=NOW + 9)
        self.assertEqual(self.called("hers").status, "suspended")
        with self.assertRaisesRegex(Forbidden, "suspended"):
            self.caller(hers, "mail.send")
        self.assertTrue(self.as_partner("GET", "/v3/subusers?username=hers")[1][0]["disabled"])
        self.assertEqual(self.as_partner("PATCH", "/v3/subusers/hers", {"disabled": False}), (204, ""))
        self.assertEqual(self.caller(hers, "mail.send").tenant_id, hers)
        self.assertEqual([each.action for each in self.database.now(acts, hers, before=None, most=9)], ["tenant.enable", "tenant.disable"])
        self.assertEqual(self.faults(self.as_partner("PATCH", "/v3/subusers/hers", {})), [("disabled", "no fields provided")])
        self.assertEqual(self.fields(self.as_partner("PATCH", "/v3/subusers/hers", {"disabled": "yes"})), ["disabled"])
        self.database.now(set_tenant_status, hers, "suspended", now_s=NOW)
        self.assertEqual(self.as_partner("PATCH", "/v3/subusers/hers", {"disabled": False})[0], 409)

    def test_removing(self) -> None:
        """204; it is not there any more, its keys open nothing, and its username is free; rows stay. The provider's are removed at the provider."""
        asked = {"username": "jane", "email": "jane@example.org"}
        self.as_partner("POST", "/v3/subusers", asked)
        made = self.called("jane")
        self.assertEqual(self.as_partner("DELETE", "/v3/subusers/jane"), (204, ""))
        with self.assertRaisesRegex(Forbidden, "deactivated"):
            self.caller(made.id, "mail.send")
        self.assertEqual(self.as_partner("GET", "/v3/subusers?username=jane"), (200, []))
        for method, body in (("DELETE", None), ("PATCH", {"disabled": False})):
            self.assertEqual(self.faults(self.as_partner(method, "/v3/subusers/jane", body)), [("username", "invalid username")])
        self.assertEqual(self.as_partner("POST", "/v3/subusers", asked)[0], 200)
        self.assertNotEqual(self.called("jane").id, made.id)
        news = {"partner_id": self.tenant.partner_id, "name": "Hers", "status": "active"}
        self.database.now(mirror_across_tenants, self.ids, TENANTS, News("ext-1", NOW, news), now_s=NOW)
        self.assertEqual(self.as_partner("DELETE", "/v3/subusers/Hers")[0], 409)

    def test_addresses(self) -> None:
        """A bare array, answered as an object; an empty one is any."""
        one = f"/v3/subusers/{self.tenant.id}/ips"
        self.assertEqual(self.as_partner("GET", one), (200, {"ips": []}))
        self.assertEqual(self.as_partner("PUT", one, ["2001:db8:0::1"]), (200, {"ips": ["2001:db8::1"]}))
        self.assertEqual(self.as_partner("GET", one), (200, {"ips": ["2001:db8::1"]}))
        self.assertEqual(self.fields(self.as_partner("PUT", one, ["192.0.2.1", "192.0.2.9"])), ["ips.1"])
        self.assertEqual(self.fields(self.as_partner("PUT", one, {"ips": []})), ["ips"])
        self.assertEqual(self.as_partner("PUT", one, []), (200, {"ips": []}))
        self.assertEqual([each.action for each in self.database.now(acts, self.tenant.id, before=None, most=9)], ["tenant.addresses"] * 2)

    def test_who_else_tries(self) -> None:
        """A key of any tenant is 403; another partner's tenant is as unknown as one that never was."""
        second = self.database.now(make_partner, self.ids, name="Second", now_s=NOW)
        theirs = self.database.now(make_tenant, self.ids, name="Theirs", slug="theirs", partner_id=second.id, now_s=NOW)
        calls = (("PATCH", "", {"disabled": True}), ("DELETE", "", None), ("GET", "/ips", None), ("PUT", "/ips", ["192.0.2.1"]))
        for method, rest, body in calls:
            answers = [self.as_partner(method, f"/v3/subusers/{name}{rest}", body) for name in ("theirs", theirs.id, "Theirs", "nobody", "ü")]
            self.assertEqual([self.faults(each) for each in answers], [[("username", "invalid username")]] * 5)
            self.assertEqual(self.ask(method, f"/v3/subusers/{self.tenant.id}{rest}", body)[0], 403)
        self.assertEqual(self.ask("POST", "/v3/subusers", {"username": "jane", "email": "jane@example.org"})[0], 403)
        self.assertEqual(self.called("theirs"), theirs)
