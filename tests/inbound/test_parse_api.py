from scaisend.http.route import Route
from scaisend.inbound.parse_api import ParseApi
from scaisend.inbound.parse_posts_store import ParsePost, add_across_tenants
from scaisend.inbound.parse_store import owners_across_tenants
from scaisend.reporting.webhook_request import Targets
from tests.world.inline_database import InlineDatabase
from tests.world.road import add_verified_domain
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW

ALL = "/v3/user/webhooks/parse/settings"
GOOD = {"hostname": "In.Example.org", "url": "https://app.example.com/mail"}


class ParseApiTests(RoutedTestCase):
    scopes = ("webhooks.write", "webhooks.read")

    def setUp(self) -> None:
        super().setUp()
        self.database.now(add_verified_domain, self.tenant.id)
        self.database.now(add_verified_domain, self.other.id, "example.net", False)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return ParseApi(database=database, url_fault=Targets().fault, reserved=("bounces.example.org",)).routes()

    def test_life_of_a_setting(self) -> None:
        """201, read and changed by its host in any case, 204."""
        shown = {"hostname": "in.example.org", "url": GOOD["url"], "spam_check": False, "send_raw": True}
        self.assertEqual(self.ask("POST", ALL, {**GOOD, "send_raw": True}), (201, shown))
        self.assertEqual(self.ask("GET", ALL), (200, {"result": [shown]}))
        self.assertEqual(self.ask("PATCH", f"{ALL}/IN.example.org", {"spam_check": True}), (200, {**shown, "spam_check": True}))
        self.assertEqual(self.database.now(owners_across_tenants, ["in.example.org", "x.example"])["in.example.org"][0], self.tenant.id)
        self.assertEqual(self.ask("DELETE", f"{ALL}/in.example.org"), (204, ""))
        for path in ("in.example.org", "x", "é"):
            self.assertEqual(self.ask("GET", f"{ALL}/{path}")[0], 404)

    def test_nobody_takes_anothers_mail(self) -> None:
        """A host must be of a domain that the tenant has verified; our own hosts and taken ones are refused."""
        self.assertEqual(self.ask("POST", ALL, GOOD)[0], 201)
        for hostname, tenant in (
            ("in.example.org", self.tenant.id), ("in.example.org", self.other.id), ("mail.example.org", self.other.id),
            ("in.example.net", self.other.id), ("notexample.org", self.tenant.id), ("bounces.example.org", self.tenant.id), ("org", self.tenant.id),
        ):
            self.assertEqual(self.fields(self.ask("POST", ALL, {**GOOD, "hostname": hostname}, tenant=tenant)), ["hostname"], hostname)
        for method in ("GET", "PATCH", "DELETE"):
            self.assertEqual(self.ask(method, f"{ALL}/in.example.org", {}, tenant=self.other.id)[0], 404)

    def test_urls_must_be_public(self) -> None:
        """What may not be called is refused when it is set."""
        for url in ("http://app.example.com/", "https://127.0.0.1/", "https://[::1]/", "nothing", ""):
            self.assertEqual(self.fields(self.ask("POST", ALL, {**GOOD, "url": url})), ["url"], url)
        self.ask("POST", ALL, GOOD)
        self.assertEqual(self.fields(self.ask("PATCH", f"{ALL}/in.example.org", {"url": "https://10.0.0.1/"})), ["url"])

    def test_statistics(self) -> None:
        """One element for each period, zeros where nothing came; another tenant's mail is not in it."""
        for number, (tenant_id, day) in enumerate(((self.tenant.id, 0), (self.tenant.id, 0), (self.tenant.id, 1), (self.other.id, 0))):
            self.database.now(add_across_tenants, [ParsePost(f"inb_{number}", tenant_id, "in.example.org", ("a@in.example.org",), 0, NOW + day * 86_400)])
        path = "/v3/user/webhooks/parse/stats"
        status, found = self.ask("GET", f"{path}?start_date=2027-01-14&end_date=2027-01-16")
        self.assertEqual((status, [(each["date"], each["stats"]) for each in found]), (200, [
            (day, [{"metrics": {"received": count}}]) for day, count in (("2027-01-14", 0), ("2027-01-15", 2), ("2027-01-16", 1))
        ]))
        found = self.ask("GET", f"{path}?start_date=2027-01-14&end_date=2027-01-16&aggregated_by=month")[1]
        self.assertEqual([(each["date"], each["stats"][0]["metrics"]["received"]) for each in found], [("2027-01-01", 3)])
        self.assertEqual(self.ask("GET", f"{path}?start_date=2027-01-15&end_date=2027-01-15", tenant=self.other.id)[1][0]["stats"][0]["metrics"], {"received": 1})
        self.assertEqual(len(self.ask("GET", f"{path}?start_date=2027-01-01&end_date=2027-01-31&limit=2&offset=30")[1]), 1)
        self.assertEqual(self.fields(self.ask("GET", path)), ["start_date"])
