import json

from scaisend.faults import Invalid
from scaisend.messages import event as events
from scaisend.reporting.events_api import SETTLED_S, EventsApi
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, World, ask
from tests.world.messages import To


class EventsApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World()
        self.api = EventsApi(database=self.world.database)

    def ask(self, now_s: float = NOW + 3600, who=None, **query: str):  # type: ignore[no-untyped-def]
        reply = ask(self, self.api.stream, who or self.world.caller, query={name: [value] for name, value in query.items()}, now_s=now_s)
        return json.loads(reply.body)

    def test_every_event_once(self) -> None:
        """Following `next` shows every event of the tenant once, in order, and nobody else's; at the end it can be asked again."""
        expected = []
        for number in range(7):
            self.world.now = NOW + number
            made = self.world.mail(To(status="sending"))
            self.world.happen(made, events.DELIVERED)
            self.world.delivered_mail(tenant_id=self.world.other.id)
        expected = [row[0] for row in self.world.database.rows("SELECT id FROM events WHERE tenant_id = ? ORDER BY id", self.world.tenant.id)]
        found, page = [], self.ask(limit="3")
        while page["events"]:
            found += [each["event_id"] for each in page["events"]]
            page = self.ask(limit="3", cursor=page["next"])
        self.assertEqual((found, len(found)), (expected, 14))
        self.world.now = NOW + 100
        _, latest = self.world.delivered_mail()
        self.assertEqual(self.ask(cursor=page["next"])["events"][-1]["event_id"], latest)

    def test_fresh_events_wait(self) -> None:
        """An event is shown when it is ten seconds old, so that none recorded beside it is passed over."""
        self.world.delivered_mail()
        self.assertEqual(self.ask(now_s=NOW + SETTLED_S - 1)["events"], [])
        empty = self.ask(now_s=NOW + SETTLED_S - 1)["next"]
        self.assertEqual(len(self.ask(now_s=NOW + SETTLED_S + 1, cursor=empty)["events"]), 2)

    def test_choice(self) -> None:
        """The stream begins where it is asked to, and shows the types it is asked for."""
        self.world.delivered_mail()
        self.world.now = NOW + 60
        _, late = self.world.delivered_mail()
        self.assertEqual([each["event_id"] for each in self.ask(since=str(int(NOW + 30)), event_type="delivered")["events"]], [late])
        for query in ({"since": "x"}, {"event_type": "odd"}, {"cursor": "x"}, {"limit": "1001"}, {"type": "delivered"}):
            self.assertRaises(Invalid, self.ask, **query)
