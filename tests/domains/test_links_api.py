from typing import Any

from scaisend.domains.links_api import ALL, LinksApi
from scaisend.http.route import Route
from scaisend.identity.account_api import user_id
from scaisend.identity.audit_store import acts
from tests.world.dns_table import DnsTable
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase

TRACKING = "track.example.net"


class LinksApiTests(RoutedTestCase):
    scopes = ("domains.read", "domains.write")

    def routes(self, database: InlineDatabase) -> list[Route]:
        self.dns = DnsTable({})
        return LinksApi(database=database, resolver=self.dns, tracking_host=TRACKING).routes()

    def made(self, domain: str = "example.com", *, tenant: str = "", **more: object) -> Any:
        status, link = self.ask("POST", ALL, {"domain": domain, **more}, tenant=tenant)
        self.assertEqual(status, 201, link)
        return link

    def test_life_of_a_link(self) -> None:
        """201 with the records to publish; found by id and in the list; validated by DNS; 204 when deleted."""
        link = self.made(subdomain="go")
        self.assertEqual((link["domain"], link["subdomain"], link["default"], link["valid"], link["user_id"]), ("example.com", "go", False, False, user_id(self.tenant.id)))
        self.assertEqual({each["data"] for each in link["dns"].values()}, {TRACKING})
        self.assertEqual(self.ask("GET", f"{ALL}/{link['id']}"), (200, link))
        other = self.made("example.org")
        self.assertEqual(self.ask("GET", ALL), (200, [link, other]))
        self.assertEqual(self.ask("GET", f"{ALL}?limit=1&offset=1"), (200, [other]))
        self.assertEqual(self.ask("POST", ALL, {"domain": "example.com", "subdomain": "go"})[0], 409)
        self.assertEqual(self.ask("DELETE", f"{ALL}/{other['id']}"), (204, ""))
        self.assertEqual(self.ask("GET", f"{ALL}/{other['id']}")[0], 404)

    def test_validation(self) -> None:
        """200 whatever is found, and the link is valid when both records are there, until DNS denies it."""
        link = self.made()
        found = self.ask("POST", f"{ALL}/{link['id']}/validate", {})
        self.assertEqual((found[0], found[1]["valid"], list(found[1]["validation_results"])), (200, False, ["domain_cname", "owner_cname"]))
        for each in link["dns"].values():
            self.dns.records[each["host"], "CNAME"] = [each["data"]]
        found = self.ask("POST", f"{ALL}/{link['id']}/validate", {})
        self.assertEqual(found[1], {
            "id": link["id"], "valid": True, "validation_results": {name: {"valid": True, "reason": None} for name in ("domain_cname", "owner_cname")},
        })
        shown = self.ask("GET", f"{ALL}/{link['id']}")[1]
        self.assertEqual((shown["valid"], shown["dns"]["owner_cname"]["valid"], shown["last_validation_attempt_at"]), (True, True, int(self.at)))
        self.dns.records.clear()
        self.assertFalse(self.ask("POST", f"{ALL}/{link['id']}/validate", {})[1]["valid"])
        done = [(act.action, act.change) for act in self.database.now(acts, self.tenant.id, before=None, most=9)][::-1]
        self.assertEqual([name for name, _ in done], ["branded_link.create", "branded_link.validate", "branded_link.validate"])

    def test_the_default(self) -> None:
        """One at a time; `domain` asks for that domain's."""
        first, second = self.made(default=True), self.made("example.org")
        self.assertEqual(self.ask("GET", f"{ALL}/default")[1]["id"], first["id"])
        self.assertTrue(self.ask("PATCH", f"{ALL}/{second['id']}", {"default": True})[1]["default"])
        self.assertEqual([each["default"] for each in self.ask("GET", ALL)[1]], [False, True])
        self.assertEqual(self.ask("GET", f"{ALL}/default?domain=example.com")[1]["id"], first["id"])
        self.assertEqual(self.ask("GET", f"{ALL}/default?domain=x.example")[0], 404)
        self.assertFalse(self.ask("PATCH", f"{ALL}/{second['id']}", {"default": False})[1]["default"])
        self.assertEqual(self.ask("GET", f"{ALL}/default")[0], 404)
        self.assertEqual(self.fields(self.ask("PATCH", f"{ALL}/{second['id']}", {})), ["default"])

    def test_another_tenants_link_is_unknown(self) -> None:
        """By any method; and both may have the same host, each with its own owner's record."""
        link, theirs = self.made(), self.made(tenant=self.other.id)
        self.assertNotEqual(link["dns"]["owner_cname"], theirs["dns"]["owner_cname"])
        for number in (link["id"], "x", "é", "0", "9" * 30):
            for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/validate")):
                self.assertEqual(self.ask(method, f"{ALL}/{number}{path}", {"default": True}, tenant=self.other.id)[0], 404)
        self.assertEqual(self.ask("GET", f"{ALL}/{link['id']}"), (200, link))
        self.assertEqual(self.ask("GET", ALL, tenant=self.other.id)[1], [theirs])

    def test_who_may(self) -> None:
        """The permissions of domains."""
        reader = self.caller(self.tenant.id, "domains.read")
        self.assertEqual([self.ask("GET", ALL, caller=reader)[0], self.ask("POST", ALL, {"domain": "a.test"}, caller=reader)[0]], [200, 403])
        self.assertEqual(self.ask("GET", ALL, caller=self.caller(self.tenant.id, "mail.send"))[0], 403)
