from scaisend.delivery.ips_api import IpsApi
from scaisend.delivery.shaping_store import keep_plan_across_tenants
from scaisend.delivery.sources import parse_sources
from scaisend.delivery.warming import DAY_S, Plan, midnight
from scaisend.http.route import Route
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase

POOLS = "/v3/ips/pools"


class IpsApiTests(RoutedTestCase):
    scopes = ("admin.settings",)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return IpsApi(database=database, ids=self.ids, sources=parse_sources("192.0.2.1=a.example,2001:db8::1=b.example", helo_name="h.example")).routes()

    def test_addresses(self) -> None:
        """Each source with its name; one by itself in any spelling; others are unknown."""
        self.assertEqual([(each["ip"], each["rdns"]) for each in self.ask("GET", "/v3/ips")[1]], [("192.0.2.1", "a.example"), ("2001:db8::1", "b.example")])
        self.assertEqual([each["ip"] for each in self.ask("GET", "/v3/ips?limit=1&offset=1")[1]], ["2001:db8::1"])
        self.assertEqual(self.ask("GET", "/v3/ips/2001:DB8:0::1")[1]["ip"], "2001:db8::1")
        for wrong in ("192.0.2.9", "x", "٣"):
            self.assertEqual(self.ask("GET", f"/v3/ips/{wrong}")[0], 404)

    def test_addresses_that_warm_up(self) -> None:
        """An address whose plan has days left says so, with its first day; one whose plan is over or not begun by a source of ours does not."""
        today = midnight(self.at)
        for source, started, ceilings in (("192.0.2.1", today, (5, 10)), ("2001:db8::1", today - 5 * DAY_S, (5, 10)), ("192.0.2.9", today, (5,))):
            self.database.now(keep_plan_across_tenants, Plan(source, started, ceilings), self.at)
        self.assertEqual(self.ask("GET", "/v3/ips/warmup"), (200, [{"ip": "192.0.2.1", "start_date": int(today)}]))
        self.assertEqual(self.ask("GET", "/v3/ips/warmup/192.0.2.1"), (200, [{"ip": "192.0.2.1", "start_date": int(today)}]))
        for warm in ("2001:db8::1", "192.0.2.9", "x"):
            self.assertEqual(self.ask("GET", f"/v3/ips/warmup/{warm}")[0], 404)
        for path in ("/v3/ips", "/v3/ips/assigned"):
            self.assertEqual([(each["warmup"], each["start_date"]) for each in self.ask("GET", path)[1]], [(True, int(today)), (False, None)])

    def test_life_of_a_pool(self) -> None:
        """200 when made, renamed by PUT, 201 and 204 for its addresses, 204 when deleted."""
        self.assertEqual(self.ask("POST", POOLS, {"name": "bulk"}), (200, {"name": "bulk"}))
        self.assertEqual(self.fields(self.ask("POST", POOLS, {"name": "bulk"})), ["name"])
        added = self.ask("POST", f"{POOLS}/bulk/ips", {"ip": "192.0.2.1"})
        self.assertEqual(added, (201, {"ip": "192.0.2.1", "pools": ["bulk"], "start_date": None, "warmup": False}))
        self.assertEqual(self.fields(self.ask("POST", f"{POOLS}/bulk/ips", {"ip": "192.0.2.9"})), ["ip"])
        self.assertEqual(self.ask("GET", f"{POOLS}/bulk")[1], {"pool_name": "bulk", "ips": ["192.0.2.1"]})
        self.assertEqual(self.ask("GET", "/v3/ips/assigned")[1][0], {"ip": "192.0.2.1", "pools": ["bulk"], "warmup": False, "start_date": None})
        self.assertEqual(self.ask("PUT", f"{POOLS}/bulk", {"name": "news"}), (200, {"name": "news"}))
        self.assertEqual(self.ask("GET", POOLS), (200, [{"name": "news"}]))
        self.assertEqual(self.ask("DELETE", f"{POOLS}/news/ips/192.0.2.1"), (204, ""))
        self.assertEqual(self.ask("DELETE", f"{POOLS}/news/ips/192.0.2.1")[0], 404)
        self.assertEqual(self.ask("DELETE", f"{POOLS}/news"), (204, ""))
        self.assertEqual(self.ask("GET", f"{POOLS}/news")[0], 404)

    def test_another_tenants_pool_is_unknown(self) -> None:
        """By any method, and its name is free to others."""
        self.ask("POST", POOLS, {"name": "bulk"})
        for method, path, body in (("GET", "bulk", None), ("PUT", "bulk", {"name": "mine"}), ("DELETE", "bulk", None), ("POST", "bulk/ips", {"ip": "192.0.2.1"})):
            self.assertEqual(self.ask(method, f"{POOLS}/{path}", body, tenant=self.other.id)[0], 404)
        self.assertEqual(self.ask("POST", POOLS, {"name": "bulk"}, tenant=self.other.id)[0], 200)
        self.assertEqual(self.ask("GET", f"{POOLS}/é")[0], 404)
