import json
from dataclasses import replace

from scaisend.caller import Caller
from scaisend.delivery.orders_api import DestinationsApi
from scaisend.faults import Forbidden, Invalid, NotFound
from scaisend.http.reply import Reply
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import ABOVE
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class DestinationsApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.caller = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, OURS))
        self.api = DestinationsApi(database=self.database, addresses=["192.0.2.1", "2001:db8::1"])

    def ask(self, what, name: str = "", body: object = None, caller: Caller | None = None, **query: str) -> Reply:  # type: ignore[no-untyped-def]
        raw = b"" if body is None else json.dumps(body).encode()
        lists = {key: [value] for key, value in query.items()}
        return now(self, what(call_by(caller or self.caller, body=raw, path={"name": name, "source": name}, query=lists)))

    def data(self, *args, **more):  # type: ignore[no-untyped-def]
        return json.loads(self.ask(*args, **more).body)["data"]

    def test_orders(self) -> None:
        """Pause, limits and another route are seen, changed and taken back."""
        self.assertTrue(self.data(self.api.pause, "Example.com", {"reason": "asked to"})["order"]["paused"])
        self.data(self.api.reroute, "example.com", {"route": "mx.test:2525"})
        self.data(self.api.limits, "example.com", {"most_connections": 2, "most_per_minute": 30.5})
        (shown,) = self.data(self.api.show_all)
        order = shown["order"]
        self.assertEqual((shown["name"], shown["state"]), ("example.com", "paused"))
        self.assertEqual((order["route"], order["most_connections"], order["most_per_minute"]), ("mx.test:2525", 2, 30.5))
        self.assertEqual(self.data(self.api.show, "example.com")["order"], order)
        self.data(self.api.resume, "example.com")
        self.data(self.api.reroute, "example.com", {"route": None})
        self.data(self.api.limits, "example.com", {})
        self.assertEqual(self.data(self.api.show_all), [])
        self.assertEqual(self.data(self.api.flush, "example.com")["hastened"], 0)

    def test_pages(self) -> None:
        """By name, so many a page."""
        for number in range(5):
            self.data(self.api.pause, f"d{number}.test")
        page = json.loads(self.ask(self.api.show_all, limit="2").body)
        self.assertEqual([each["name"] for each in page["data"]], ["d0.test", "d1.test"])
        page = json.loads(self.ask(self.api.show_all, limit="3", cursor=page["next"]).body)
        self.assertEqual(([each["name"] for each in page["data"]], page["next"]), (["d2.test", "d3.test", "d4.test"], None))

    def test_refused(self) -> None:
        """Each fault with its field."""
        for what, name, body, field in (
            (self.api.reroute, "a.test", {}, "route"), (self.api.reroute, "a.test", {"route": 5}, "route"), (self.api.reroute, "a.test", {"route": "a b"}, "route"),
            (self.api.limits, "a.test", {"most_connections": 0}, "most_connections"), (self.api.pause, "a b", {}, "name"), (self.api.pause, "a.test", {"why": "x"}, "why"),
            (self.api.pause, "a.test", {"reason": "a\r\nb"}, "reason"), (self.api.keep_plan, "192.0.2.9", {}, "source"), (self.api.keep_plan, "x", {}, "source"),
            (self.api.keep_plan, "192.0.2.1", {"ceilings": []}, "ceilings"), (self.api.pause, "a.test", [], None),
        ):
            self.assertEqual(self.assertRaises(Invalid, self.ask, what, name, body).faults[0].field, field, (name, body))
        for what in (self.api.resume, self.api.show, self.api.drop_plan):
            self.assertRaises(NotFound, self.ask, what, "192.0.2.1")

    def test_only_the_operator_of_several_tenants(self) -> None:
        """A tenant admin beside another tenant neither sees nor orders anything."""
        make_a_tenant(self.database, self.ids, "Other")
        calls = (
            (self.api.show_all, None), (self.api.show, None), (self.api.pause, None), (self.api.resume, None), (self.api.flush, None),
            (self.api.reroute, {"route": "evil.test"}), (self.api.limits, {}), (self.api.plans, None), (self.api.keep_plan, {}), (self.api.drop_plan, None),
        )
        for what, body in calls:
            self.assertRaises(Forbidden, self.ask, what, "192.0.2.1", body)
        operator = Caller(tenant_id="", partner_id="", credential_id="op", permissions=frozenset(OURS) | {ABOVE}, role="super_admin")
        self.assertTrue(self.data(self.api.pause, "a.test", caller=operator)["order"]["paused"])
        acting = replace(operator, tenant_id=self.tenant.id, permissions=frozenset(OURS))
        self.assertRaises(Forbidden, self.ask, self.api.pause, "a.test", None, caller=acting)

    def test_warming(self) -> None:
        """A plan begins today, is listed with what is left, and ends; all of it in the log."""
        made = self.data(self.api.keep_plan, "2001:DB8::1", {"ceilings": [20, 40]})
        self.assertEqual((made["source"], made["day"], made["ceiling"], made["left_this_hour"]), ("2001:db8::1", 1, 20, 2))
        self.assertEqual(self.data(self.api.plans), [made])
        self.assertEqual(self.ask(self.api.drop_plan, "2001:db8::1").status, 204)
        self.assertEqual(self.data(self.api.plans), [])
        actions = [row[0] for row in self.database.now(lambda txn: txn.rows("SELECT action FROM audit_log ORDER BY number"))]
        self.assertEqual(actions, ["warmup.begin", "warmup.end"])
