import json

from scaisend.caller import Caller
from scaisend.delivery.destinations_api import PoolsApi
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.http.reply import Reply
from scaisend.identity.audit_store import acts
from scaisend.identity.permissions import OURS
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class PoolsTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.caller = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, OURS))
        self.api = PoolsApi(database=self.database, ids=self.ids, addresses=["192.0.2.1", "192.0.2.2", "2001:db8::1"])

    def ask(self, what, body: object = None, pool_id: str = "", caller: Caller | None = None, **query: str) -> Reply:  # type: ignore[no-untyped-def]
        raw = b"" if body is None else json.dumps(body).encode()
        lists = {name: [value] for name, value in query.items()}
        return now(self, what(call_by(caller or self.caller, body=raw, path={"pool_id": pool_id}, query=lists)))

    def data(self, *args, **more):  # type: ignore[no-untyped-def]
        return json.loads(self.ask(*args, **more).body)["data"]

    def test_life_of_a_pool(self) -> None:
        """A pool is made, listed, changed in part and removed, and the log tells of each."""
        made = self.data(self.api.add, {"name": "bulk", "addresses": ["192.0.2.1", "2001:DB8:0::1", "192.0.2.1"]})
        self.assertEqual((made["name"], made["addresses"]), ("bulk", ["192.0.2.1", "2001:db8::1"]))
        self.assertEqual(self.data(self.api.show, pool_id=made["id"]), made)
        self.assertEqual(self.data(self.api.change, {"addresses": ["192.0.2.2"]}, made["id"])["name"], "bulk")
        self.assertEqual(self.data(self.api.change, {"name": "größe"}, made["id"])["addresses"], ["192.0.2.2"])
        self.assertEqual([each["name"] for each in self.data(self.api.show_all)], ["größe"])
        self.assertEqual(self.ask(self.api.remove, pool_id=made["id"]).status, 204)
        self.assertEqual(self.data(self.api.show_all), [])
        actions = [act.action for act in self.database.now(acts, self.tenant.id, before=None, most=9)]
        self.assertEqual(actions, ["ip_pool.remove", "ip_pool.change", "ip_pool.change", "ip_pool.create"])

    def test_refused(self) -> None:
        """Names of 2 to 64 characters, configured addresses only; all faults at once."""
        for body, fields in (
            ({}, {"name", "addresses"}), ({"name": "x", "addresses": []}, {"name", "addresses"}), ({"name": "x" * 65, "addresses": ["192.0.2.1"]}, {"name"}),
            ({"name": "ok", "addresses": ["192.0.2.9", "mx.test", 7]}, {"addresses.0", "addresses.1", "addresses.2"}),
            ({"name": "ok", "addresses": "192.0.2.1"}, {"addresses"}), ({"name": "ok\n", "addresses": ["192.0.2.1"], "ips": 1}, {"name", "ips"}),
            ([], {None}), ({"name": "ok", "addresses": ["192.0.2.1"] * 101}, {"addresses"}),
        ):
            error = self.assertRaises(Invalid, self.ask, self.api.add, body)
            self.assertEqual({fault.field for fault in error.faults}, fields, body)

    def test_a_name_is_taken_once(self) -> None:
        """Two pools of one name are a conflict, by creation and by renaming; another tenant may have the name."""
        self.ask(self.api.add, {"name": "bulk", "addresses": ["192.0.2.1"]})
        second = self.data(self.api.add, {"name": "other", "addresses": ["192.0.2.1"]})
        self.assertRaises(Conflict, self.ask, self.api.add, {"name": "bulk", "addresses": ["192.0.2.1"]})
        self.assertRaises(Conflict, self.ask, self.api.change, {"name": "bulk"}, second["id"])
        other = make_a_tenant(self.database, self.ids, "Other")
        stranger = caller_with(self.database, make_a_key(self.database, self.ids, other.id, OURS))
        self.assertEqual(self.ask(self.api.add, {"name": "bulk", "addresses": ["192.0.2.1"]}, caller=stranger).status, 201)
        for what, body in ((self.api.show, None), (self.api.change, {"name": "mine"}), (self.api.remove, None)):
            self.assertRaises(NotFound, self.ask, what, body, second["id"], stranger)
            self.assertRaises(NotFound, self.ask, what, body, "ipp_ü")
