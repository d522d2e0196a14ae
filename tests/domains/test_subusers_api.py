from typing import Any

from twisted.internet.defer import succeed

from scaisend.domains.domains import Domains
from scaisend.domains.links_api import LinksApi
from scaisend.domains.records import Hosts
from scaisend.domains.subusers_api import SubuserDomainsApi
from scaisend.domains.whitelabel_api import WhitelabelApi
from scaisend.http.route import Route
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.sealing import Sealer
from tests.world.dns_table import DnsTable
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW

DOMAINS, LINKS = "/v3/whitelabel/domains", "/v3/whitelabel/links"
HOST = "track.example.net"


class SubuserDomainsApiTests(RoutedTestCase):
    scopes = ("domains.read", "domains.write")

    def routes(self, database: InlineDatabase) -> list[Route]:
        dns = DnsTable({})
        domains = Domains(
            database=database, resolver=dns, sealer=Sealer(b"secret", lambda count: b"n" * count), ids=self.ids,
            in_thread=lambda fn: succeed(fn()), hosts=Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net"),
        )
        return [
            *SubuserDomainsApi(database=database, domains=domains, tracking_host=HOST).routes(),
            *WhitelabelApi(database=database, domains=domains, sources=()).routes(),
            *LinksApi(database=database, resolver=dns, tracking_host=HOST).routes(),
        ]

    def as_partner(self, target: str) -> tuple[int, Any]:
        return self.ask("GET", target, caller=administrator(self.tenant.partner_id, PARTNER_ADMIN))

    def test_what_a_tenant_has(self) -> None:
        """Just as the tenant itself is shown it: the default domain, all domains, the default link."""
        self.ask("POST", DOMAINS, {"domain": "a.example"})
        second = self.ask("POST", DOMAINS, {"domain": "b.example", "default": True})[1]
        link = self.ask("POST", LINKS, {"domain": "a.example", "default": True})[1]
        self.ask("POST", LINKS, {"domain": "b.example"})
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser?username=Acme"), (200, second))
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser/all?username=Acme"), self.ask("GET", DOMAINS))
        self.assertEqual(self.as_partner(f"{LINKS}/subuser?username={self.tenant.id}"), (200, link))

    def test_nothing_to_show(self) -> None:
        """404 where it has none, 400 without a name."""
        for path, status in ((f"{DOMAINS}/subuser", 404), (f"{DOMAINS}/subuser/all", 200), (f"{LINKS}/subuser", 404)):
            self.assertEqual(self.as_partner(f"{path}?username=Acme")[0], status)
            self.assertEqual(self.fields(self.as_partner(path)), ["username"])

    def test_who_else_tries(self) -> None:
        """A key is 403; another partner's tenant is unknown."""
        second = self.database.now(make_partner, self.ids, name="Second", now_s=NOW)
        theirs = self.database.now(make_tenant, self.ids, name="Theirs", partner_id=second.id, now_s=NOW)
        for path in (f"{DOMAINS}/subuser", f"{DOMAINS}/subuser/all", f"{LINKS}/subuser"):
            self.assertEqual(self.ask("GET", f"{path}?username=Acme")[0], 403)
            for name in ("Theirs", theirs.id, "nobody"):
                status, body = self.as_partner(f"{path}?username={name}")
                self.assertEqual((status, body["errors"][0]["message"]), (400, "invalid username"))
