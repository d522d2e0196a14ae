from typing import Any

from twisted.internet.defer import succeed

from scaisend.domains.domains import Domains
from scaisend.domains.records import Hosts
from scaisend.domains.store import sender_domains_across_tenants
from scaisend.domains.whitelabel_api import WhitelabelApi
from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.sealing import Sealer
from tests.world.dns_table import DnsTable
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase

ALL = "/v3/whitelabel/domains"


class WhitelabelApiTests(RoutedTestCase):
    scopes = ("domains.read", "domains.write")

    def routes(self, database: InlineDatabase) -> list[Route]:
        self.dns = DnsTable({})
        domains = Domains(
            database=database, resolver=self.dns, sealer=Sealer(b"secret", lambda count: b"n" * count), ids=self.ids,
            in_thread=lambda fn: succeed(fn()), hosts=Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net"),
        )
        return WhitelabelApi(database=database, domains=domains, sources=("8.8.8.8", "2001:db8::1")).routes()

    def made(self, name: str = "example.com", *, tenant: str = "", **more: object) -> Any:
        status, domain = self.ask("POST", ALL, {"domain": name, **more}, tenant=tenant)
        self.assertEqual(status, 201, domain)
        return domain

    def test_life_of_a_domain(self) -> None:
        """201 with an integer id and the records; found by id, in the list and by name; 204 when deleted, and its id is not given again."""
        domain = self.made()
        self.assertEqual((type(domain["id"]), domain["valid"], domain["default"], len(domain["dns"])), (int, False, True, 5))
        self.assertEqual(self.ask("GET", f"{ALL}/{domain['id']}"), (200, domain))
        other = self.made("example.org")
        self.assertEqual(self.ask("GET", ALL)[1], [domain, other])
        self.assertEqual(self.ask("GET", f"{ALL}?limit=1&offset=1")[1], [other])
        self.assertEqual(self.ask("GET", f"{ALL}?domain=example.org")[1], [other])
        self.assertEqual(self.ask("DELETE", f"{ALL}/{other['id']}"), (204, ""))
        self.assertEqual(self.ask("GET", f"{ALL}/{other['id']}")[0], 404)
        self.at += 2
        self.assertNotIn(self.made("example.org")["id"], (domain["id"], other["id"]))
        self.assertEqual(self.ask("POST", ALL, {"domain": "example.com"})[0], 409)
        self.assertEqual(self.fields(self.ask("POST", ALL, {"domain": "no domain"})), ["domain"])

    def test_the_default(self) -> None:
        """One at a time; a PATCH moves it, and `domain` asks for one by name."""
        first, second = self.made(), self.made("example.org")
        self.assertEqual(self.ask("GET", f"{ALL}/default")[1]["id"], first["id"])
        self.assertTrue(self.ask("PATCH", f"{ALL}/{second['id']}", {"default": True})[1]["default"])
        self.assertEqual([each["default"] for each in self.ask("GET", ALL)[1]], [False, True])
        self.assertTrue(self.made("example.net", default=True)["default"])
        self.assertEqual(self.ask("GET", f"{ALL}/default?domain=example.com")[1]["id"], first["id"])
        self.assertEqual(self.ask("GET", f"{ALL}/default?domain=x.example")[0], 404)
        self.assertEqual(self.ask("GET", f"{ALL}/default", tenant=self.other.id)[0], 404)

    def test_validation(self) -> None:
        """200 whatever is found; what DNS has of a key makes the domain valid."""
        domain = self.made()
        status, found = self.ask("POST", f"{ALL}/{domain['id']}/validate", {})
        self.assertEqual((status, found["valid"], list(found["validation_results"])), (200, False, list(domain["dns"])))
        key = domain["dns"]["dkim1"]
        self.dns.records[key["host"], "TXT"] = [key["data"]]
        found = self.ask("POST", f"{ALL}/{domain['id']}/validate", {})[1]
        self.assertEqual((found["valid"], found["validation_results"]["dkim1"]), (True, {"valid": True, "reason": None}))
        shown = self.ask("GET", f"{ALL}/{domain['id']}")[1]
        self.assertEqual((shown["valid"], shown["dns"]["dkim1"]["valid"], shown["last_validation_attempt_at"]), (True, True, int(self.at)))

    def test_source_addresses(self) -> None:
        """200 with the domain, each way; some of those that the service sends from; the audit log tells, and delivery is told."""
        domain = self.made(ips=["8.8.8.8"])
        one = f"{ALL}/{domain['id']}/ips"
        self.assertEqual(domain["ips"], ["8.8.8.8"])
        for _ in range(2):
            status, shown = self.ask("POST", one, {"ip": "2001:DB8:0::1"})
            self.assertEqual((status, shown["ips"]), (200, ["8.8.8.8", "2001:db8::1"]))
        (sender,) = self.database.now(sender_domains_across_tenants, [(self.tenant.id, "example.com")]).values()
        self.assertEqual(sender.addresses, ("8.8.8.8", "2001:db8::1"))
        self.assertEqual(self.fields(self.ask("POST", one, {"ip": "192.0.2.1"})), ["ip"])
        self.assertEqual(self.fields(self.ask("POST", one, {})), ["ip"])
        status, shown = self.ask("DELETE", f"{one}/8.8.8.8")
        self.assertEqual((status, shown["ips"]), (200, ["2001:db8::1"]))
        self.assertEqual(self.ask("DELETE", f"{one}/8.8.8.8")[0], 404)
        self.assertEqual(self.ask("DELETE", f"{one}/2001:db8::1")[1]["ips"], [])
        for method, path, body in (("POST", one, {"ip": "8.8.8.8"}), ("DELETE", f"{one}/8.8.8.8", None)):
            self.assertEqual(self.ask(method, path, body, tenant=self.other.id)[0], 404)
        done = [act.change for act in self.database.now(acts, self.tenant.id, before=None, most=20) if act.action == "domain.addresses"][::-1]
        self.assertEqual(done[1], {"before": ["8.8.8.8"], "after": ["8.8.8.8", "2001:db8::1"]})
        self.assertEqual(len(done), 4)

    def test_another_tenants_domain_is_unknown(self) -> None:
        """By any method, and so is what can be no id."""
        domain = self.made()
        for number in (domain["id"], 1, "x", "é", "0", "9" * 30):
            for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/validate")):
                self.assertEqual(self.ask(method, f"{ALL}/{number}{path}", {}, tenant=self.other.id)[0], 404)
        self.assertEqual(self.ask("GET", f"{ALL}/{domain['id']}")[0], 200)
