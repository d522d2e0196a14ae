import json

from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.reporting import webhooks_api
from scaisend.reporting.deliveries_store import NewDelivery, add_deliveries, claim_across_tenants, settle
from scaisend.reporting.webhook import MOST_WEBHOOKS, TOLD
from scaisend.reporting.webhook_request import Targets
from scaisend.reporting.webhooks_api import WebhooksApi
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, World, ask

URL = "https://hooks.example.com/in"


class WebhooksApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World()
        self.pushed: list[str] = []
        self.secrets = 0
        self.api = WebhooksApi(
            database=self.world.database, ids=self.world.ids, sealer=self.world.sealer, random_bytes=self.random, targets=Targets(), pushing=self,
        )

    def random(self, size: int) -> bytes:
        self.secrets += 1
        return bytes([self.secrets]) * size

    def push(self, ids: list[str]) -> None:
        self.pushed += ids

    def ask(self, what, body: object = None, who=None, **path):  # type: ignore[no-untyped-def]
        reply = ask(self, what, who or self.world.caller, body, **path)
        return reply.status, json.loads(reply.body) if reply.body else None

    def refused(self, kind: type[Exception], message: str, what, *args, **path) -> Exception:  # type: ignore[no-untyped-def]
        error: Exception = self.assertRaises(kind, self.ask, what, *args, **path)
        self.assertIn(message, str(error))
        return error

    def test_life(self) -> None:
        """Made with its secret, shown without, changed, deleted with its deliveries."""
        status, made = self.ask(self.api.make, {"url": URL, "events": ["delivered", "bounce"]})
        self.assertEqual((status, made["events"], made["enabled"], made["url"]), (201, ["delivered", "bounce"], True, URL))
        secret = made.pop("signing_secret")
        self.assertEqual(secret, "whsec_" + "01" * 32)
        self.assertEqual(self.ask(self.api.show, webhook_id=made["id"])[1], made)
        self.assertEqual(self.ask(self.api.show_all)[1], {"webhooks": [made]})
        self.assertEqual(self.ask(self.api.secret, webhook_id=made["id"])[1], {"signing_secret": secret})
        self.assertEqual(self.ask(self.api.new_secret, webhook_id=made["id"])[1], {"signing_secret": "whsec_" + "02" * 32})
        self.assertEqual(self.ask(self.api.change, {"enabled": False, "events": ["open"]}, webhook_id=made["id"])[1]["events"], ["open"])
        self.assertEqual(self.ask(self.api.secret, webhook_id=made["id"])[1], {"signing_secret": "whsec_" + "02" * 32})
        self.world.database.now(add_deliveries, self.world.tenant.id, [NewDelivery("whd_1", made["id"], ["evt_1"])], NOW)
        self.assertEqual(self.ask(self.api.delete, webhook_id=made["id"]), (204, None))
        self.assertEqual(self.world.database.rows("SELECT COUNT(*) FROM webhook_deliveries"), [(0,)])
        self.refused(NotFound, "webhook not found", self.api.show, webhook_id=made["id"])

    def test_all_events_unless_chosen(self) -> None:
        """Without a list all that is told is wanted."""
        self.assertEqual(self.ask(self.api.make, {"url": URL})[1]["events"], list(TOLD))

    def test_refusals(self) -> None:
        """Every fault is told at once, with its field; URLs of the inside are refused; the number is bounded."""
        error = self.refused(Invalid, "not a valid url", self.api.make, {"url": "http://10.0.0.1/", "events": ["nonsense", "open"], "more": 1, "enabled": "x"})
        self.assertEqual({fault.field for fault in error.faults}, {"url", "events.0", "more", "enabled"})  # type: ignore[attr-defined]
        self.refused(Invalid, "at least one", self.api.make, {"url": URL, "events": []})
        self.refused(Invalid, "url", self.api.make, {})
        made = self.ask(self.api.make, {"url": URL})[1]
        self.refused(Invalid, "url", self.api.change, {"url": ""}, webhook_id=made["id"])
        for _ in range(MOST_WEBHOOKS - 1):
            self.ask(self.api.make, {"url": URL})
        self.refused(Invalid, "at most", self.api.make, {"url": URL})

    def test_deliveries(self) -> None:
        """Deliveries are listed newest first, by pages and by status."""
        webhook = self.world.webhook()
        ids = [f"whd_{number}" for number in range(5)]
        self.world.database.now(add_deliveries, self.world.tenant.id, [NewDelivery(each, webhook.id, ["evt_1", "evt_2"]) for each in ids], NOW)
        self.world.database.now(claim_across_tenants, webhook.id, 1, "att_1", NOW + 60, NOW)
        self.world.database.now(settle, self.world.tenant.id, ids[0], "att_1", status="delivered", answer="204", due_at=None, now=NOW + 1)
        first = json.loads(ask(self, self.api.deliveries, self.world.caller, query={"limit": ["3"]}, webhook_id=webhook.id).body)
        self.assertEqual([each["id"] for each in first["deliveries"]], ids[:1:-1])
        rest = json.loads(ask(self, self.api.deliveries, self.world.caller, query={"limit": ["3"], "cursor": [first["next"]]}, webhook_id=webhook.id).body)
        self.assertEqual(([each["id"] for each in rest["deliveries"]], rest["next"]), (ids[1::-1], None))
        done = rest["deliveries"][1]
        self.assertEqual((done["status"], done["attempts"], done["last_answer"], done["event_count"], done["next_attempt_at"]), ("delivered", 1, "204", 2, None))
        only = json.loads(ask(self, self.api.deliveries, self.world.caller, query={"status": ["delivered"]}, webhook_id=webhook.id).body)
        self.assertEqual([each["id"] for each in only["deliveries"]], ["whd_0"])
        for query in ({"status": ["odd"]}, {"cursor": ["%%"]}, {"limit": ["0"]}):
            self.assertRaises(Invalid, ask, self, self.api.deliveries, self.world.caller, query=query, webhook_id=webhook.id)

    def test_replay(self) -> None:
        """A delivery is posted again with all its attempts before it; not while it is in somebody's hands, nor to a webhook that is off."""
        webhook = self.world.webhook()
        self.world.database.now(add_deliveries, self.world.tenant.id, [NewDelivery("whd_1", webhook.id, ["evt_1"])], NOW)
        self.world.database.now(claim_across_tenants, webhook.id, 1, "att_1", NOW + 60, NOW)
        self.refused(Conflict, "being posted", self.api.replay, webhook_id=webhook.id, delivery_id="whd_1")
        self.world.database.now(settle, self.world.tenant.id, "whd_1", "att_1", status="failed", answer="500", due_at=None, now=NOW)
        status, again = self.ask(self.api.replay, webhook_id=webhook.id, delivery_id="whd_1")
        self.assertEqual((status, again["status"], again["attempts"], self.pushed), (202, "queued", 0, ["whd_1"]))
        self.assertEqual([each.id for each in self.world.database.now(claim_across_tenants, webhook.id, 5, "att_2", NOW + 60, NOW)], ["whd_1"])
        self.refused(NotFound, "delivery not found", self.api.replay, webhook_id=webhook.id, delivery_id="whd_2")
        self.world.database.connection.execute("UPDATE webhooks SET enabled = 0")
        self.refused(Conflict, "switched off", self.api.replay, webhook_id=webhook.id, delivery_id="whd_1")

    def test_replay_of_a_range(self) -> None:
        """The events of a time range that the webhook wants are posted again, those of other times, types and tenants are not."""
        webhook = self.world.webhook(told=("delivered",))
        wanted = []
        for number in range(6):
            self.world.now = NOW + number * 60
            _, event_id = self.world.delivered_mail()
            wanted.append(event_id)
            self.world.delivered_mail(tenant_id=self.world.other.id)
        self.patch(webhooks_api, "REPLAYED_MOST", 3)
        status, done = self.ask(self.api.replay_range, {"since": str(int(NOW + 60)), "until": str(int(NOW + 290))}, webhook_id=webhook.id)
        self.assertEqual((status, done["events"], done["deliveries"]), (202, 3, 1))
        status, rest = self.ask(self.api.replay_range, {"cursor": done["next"], "until": str(int(NOW + 290))}, webhook_id=webhook.id)
        self.assertEqual((rest["events"], rest["next"]), (1, None))
        listed = [json.loads(row[0]) for row in self.world.database.rows("SELECT event_ids FROM webhook_deliveries ORDER BY id")]
        self.assertEqual(listed, [wanted[1:4], wanted[4:5]])
        self.assertEqual(len(self.pushed), 2)
        for body in ({}, {"since": "yesterday"}, {"since": "1h", "odd": 1}):
            self.refused(Invalid, "", self.api.replay_range, body, webhook_id=webhook.id)

    def test_another_tenant(self) -> None:
        """Another tenant's endpoint is an unknown one, whatever is asked of it; SendGrid's model is not among them either."""
        webhook = self.world.webhook()
        self.world.database.now(add_deliveries, self.world.tenant.id, [NewDelivery("whd_1", webhook.id, ["evt_1"])], NOW)
        stranger = self.world.stranger
        for what, body in (
            (self.api.show, None), (self.api.change, {"url": URL}), (self.api.delete, None), (self.api.secret, None), (self.api.new_secret, None),
            (self.api.deliveries, None), (self.api.replay, None), (self.api.replay_range, {"since": "1h"}),
        ):
            self.refused(NotFound, "webhook not found", what, body, who=stranger, webhook_id=webhook.id, delivery_id="whd_1")
        self.assertEqual(self.ask(self.api.show_all, who=stranger)[1], {"webhooks": []})
        theirs = self.world.webhook(model="sendgrid")
        self.refused(NotFound, "webhook not found", self.api.show, webhook_id=theirs.id)

    def test_routes(self) -> None:
        """Whoever sees the secret may write; making is limited."""
        permissions = {(each.method, each.path.rpartition("/")[2]): each.permission for each in self.api.routes()}
        self.assertEqual(permissions[("GET", "signing_secret")], "webhooks.write")
        self.assertEqual(permissions[("GET", "deliveries")], "webhooks.read")
        self.assertEqual([each.limit for each in self.api.routes() if (each.method, each.path) == ("POST", "/v3/user/webhooks")], ["writes"])
