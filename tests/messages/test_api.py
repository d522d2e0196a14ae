import json

from scaisend.caller import Caller
from scaisend.delivery import orders_store
from scaisend.delivery.destination import BACKING_OFF, DestinationState
from scaisend.delivery.destinations_store import keep_states_across_tenants
from scaisend.delivery.ordering import as_tenant
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.http.reply import Reply
from scaisend.identity.permissions import OURS
from scaisend.messages.api import MOST_DESTINATIONS, MessagesApi
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW, call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class Pushes:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def push(self, ids) -> None:  # type: ignore[no-untyped-def]
        self.ids.extend(ids)


class MessagesApiTestCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.caller = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, OURS))
        self.other = make_a_tenant(self.database, self.ids, "Other")
        self.stranger = caller_with(self.database, make_a_key(self.database, self.ids, self.other.id, OURS))
        self.renders, self.deliveries = Pushes(), Pushes()
        self.api = MessagesApi(database=self.database, ids=self.ids, renders=self.renders, deliveries=self.deliveries, now_s=lambda: NOW + 60, destination=as_tenant)

    def make(self, *recipients: To, **more) -> Made:  # type: ignore[no-untyped-def]
        return self.database.now(insert_message, self.ids, self.tenant.id, recipients, **more)

    def ask(self, what, message_id: str = "", caller: Caller | None = None, **query: str) -> Reply:  # type: ignore[no-untyped-def]
        asked = call_by(caller or self.caller, path={"message_id": message_id}, query={name: [value] for name, value in query.items()})
        return now(self, what(asked))

    def answer(self, *args, **more):  # type: ignore[no-untyped-def]
        return json.loads(self.ask(*args, **more).body)

    def found(self, **query: str) -> list[str]:
        return [each["id"] for each in self.answer(self.api.find, **query)["messages"]]

    def recipient(self, made: Made, place: int = 0) -> tuple:  # type: ignore[type-arg]
        return self.database.rows(
            "SELECT status, waiting, due_at, attempt_id FROM recipients WHERE id = ?", made.recipients[place]
        )[0]

    def message(self, made: Made) -> tuple:  # type: ignore[type-arg]
        return self.database.rows("SELECT status, due_at, has_body FROM messages WHERE id = ?", made.id)[0]


class ListTests(MessagesApiTestCase):
    def test_shape_newest_first(self) -> None:
        """The newest message stands first, with its recipients and why and until when each waits."""
        first = self.make(To("ann@example.net", "delivered", None))
        second = self.make(
            To("bob@example.net", "deferred", "greylisted", "451 4.7.1 later", due_at=NOW + 300), To("cy@example.net", "delivered", None, kind="cc"),
            status="deferred", categories=["a", "b"], subject="Hi",
        )
        answer = self.answer(self.api.find)
        self.assertEqual([each["id"] for each in answer["messages"]], [second.id, first.id])
        self.assertIsNone(answer["next"])
        shown = answer["messages"][0]
        self.assertEqual(
            (shown["x_message_id"], shown["status"], shown["from_email"], shown["subject"], shown["categories"], shown["accepted_at"]),
            (second.request_id, "deferred", "shop@acme.test", "Hi", ["a", "b"], "2027-01-15T08:00:00.000Z"),
        )
        self.assertEqual(shown["recipients"][0], {
            "email": "bob@example.net", "kind": "to", "status": "deferred", "reason": "451 4.7.1 later", "waiting": "greylisted",
            "next_attempt_at": "2027-01-15T08:05:00.000Z",
        })
        self.assertEqual((shown["recipients"][1]["kind"], shown["recipients"][1]["waiting"]), ("cc", None))

    def test_each_filter(self) -> None:
        """Each filter finds its own and leaves the others out."""
        wanted = self.make(
            To("Ann@Example.net", "bounced", None), status="bounced", subject="100%_sure!", from_email="Me@acme.test", categories=['a"b', "ünï"],
            batch_id="batch_1", accepted_at=NOW - 86_400 * 0.01,
        )
        self.make(To("x@example.net"), subject="100 sure", categories=['b"', "a"], accepted_at=NOW - 86_400 * 0.5)
        for query in (
            {"status": "bounced"}, {"email": "Ann@Example.net"}, {"to_email": "Ann@Example.net"},
            {"from_email": "Me@acme.test"}, {"subject": "100%"}, {"subject": "100%_sure!"}, {"category": 'a"b'}, {"category": "ünï"},
            {"batch_id": "batch_1"}, {"x_message_id": wanted.request_id}, {"since": str(NOW - 86_400 * 0.1)}, {"since": "2027-01-15T07:00:00Z"},
            {"status": "bounced", "category": "ünï", "until": "2027-01-15T08:00:00Z"},
        ):
            self.assertEqual(self.found(**query), [wanted.id], query)
        for query in (
            {"status": "delivered"}, {"to_email": "nn@example.net"}, {"subject": "sure"}, {"category": "ün"}, {"batch_id": "batch_2"},
            {"x_message_id": "ü" * 22}, {"batch_id": "bätch"}, {"x_message_id": "short"}, {"until": "2027-01-01"}, {"category": '"'},
        ):
            self.assertEqual(self.found(**query), [], query)

    def test_status_filter_agrees_with_the_shown_status(self) -> None:
        """Whatever the states of the recipients, a message is found by the status it is shown with, and by no other."""
        stages = ("queued", "processing", "rendered", "scheduled", "paused")
        mixes = [(stage, [state]) for stage in stages for state in ("queued", "deferred", "sending", "in_doubt")]
        mixes += [("processing", ["queued", "dropped"]), ("deferred", ["delivered", "deferred", "sending"]), ("rendered", ["in_doubt", "queued"])]
        mixes += [("queued", ["queued", "delivered"]), ("deferred", ["queued"]), ("bounced", ["bounced", "delivered"]), ("sandbox", ["sandbox"])]
        for stage, states in mixes:
            self.make(*[To(f"{n}@example.net", state) for n, state in enumerate(states)], status=stage)
        shown = {each["id"]: each["status"] for each in self.answer(self.api.find, limit="500")["messages"]}
        for status in set(shown.values()) | {"cancelled", "failed", "dropped"}:
            self.assertEqual(set(self.found(status=status, limit="500")), {each for each, have in shown.items() if have == status}, status)

    def test_pages(self) -> None:
        """The cursor leads through all messages once; a small offset does as well."""
        made = [self.make().id for _ in range(7)][::-1]
        seen, cursor = [], None
        while True:
            page = self.answer(self.api.find, limit="3", **({"cursor": cursor} if cursor else {}))
            seen += [each["id"] for each in page["messages"]]
            cursor = page["next"]
            if cursor is None:
                break
        self.assertEqual(seen, made)
        self.assertEqual(self.found(limit="2", offset="3"), made[3:5])

    def test_wrong_parameters(self) -> None:
        """All faults are told at once; a cursor from elsewhere is refused."""
        error = self.assertRaises(Invalid, self.ask, self.api.find, status="gone", since="soon", until="9e99", limit="0")
        self.assertEqual({fault.field for fault in error.faults}, {"status", "since", "until", "limit"})
        for cursor in ("x", "W10", "WyJtc2dfw7wiXQ", "WzFd"):
            self.assertRaises(Invalid, self.ask, self.api.find, cursor=cursor)
        self.assertRaises(Invalid, self.ask, self.api.find, limit="501")
        error = self.assertRaises(Invalid, self.ask, self.api.find, query='to_email="a@b.c"', status="delivered")
        self.assertEqual([fault.field for fault in error.faults], ["status"])

    def test_many_recipients(self) -> None:
        """A list shows a hundred recipients of a message, and its status tells of all of them."""
        made = self.make(*[To(f"{n}@example.net", "delivered", None) for n in range(120)], To("z@example.net", "deferred", "retry"), status="deferred")
        shown = self.answer(self.api.find)["messages"][0]
        self.assertEqual((len(shown["recipients"]), shown["recipient_count"], shown["status"]), (100, 121, "deferred"))
        self.assertEqual(len(self.answer(self.api.show, made.id)["recipients"]), 121)


class OneTests(MessagesApiTestCase):
    def test_each_form_of_id(self) -> None:
        """The three ids lead to the message: ours and the request's in our shape, SendGrid's in SendGrid's."""
        made = self.make(To("ann@example.net", "bounced", None, "550 5.1.1 no such user"), To("bob@example.net", "delivered", None), status="bounced")
        for form in (made.id, made.request_id):
            shown = self.answer(self.api.show, form)
            self.assertEqual((shown["id"], [each["event_type"] for each in shown["events"]]), (made.id, ["processed", "bounce", "processed", "delivered"]))
        detail = self.answer(self.api.show, made.msg_id(0))
        self.assertEqual(
            (detail["msg_id"], detail["to_email"], detail["status"], [each["event_name"] for each in detail["events"]]),
            (made.msg_id(0), "ann@example.net", "not_delivered", ["processed", "bounced"]),
        )
        self.assertEqual((detail["events"][1]["reason"], detail["events"][1]["bounce_type"]), ("550 5.1.1 no such user", "soft"))
        self.assertEqual(detail["msg_id"].split(".")[0], made.request_id)

    def test_a_request_of_several_messages(self) -> None:
        """A bare X-Message-Id of several messages is a conflict that names them."""
        first = self.make()
        second = self.make(request_id=first.request_id, number=1)
        error = self.assertRaises(Conflict, self.ask, self.api.show, first.request_id)
        self.assertEqual(error.ids, (first.id, second.id))

    def test_unknown_ids(self) -> None:
        """What is no id, or nobody's, is not found."""
        made = self.make()
        for wrong in (
            "", "msg_", "msg_ü" + "0" * 24, "msg_" + "0" * 26, "download", "A" * 22, "ü" * 22, "x" * 5000, made.id + ".0", made.msg_id(1), made.msg_id(0) + "x",
            "A" * 22 + made.msg_id(0)[22:], made.request_id + ".", "msg_" + made.id[4:].upper(), "%", "'",
        ):
            for what in (self.api.show, self.api.events, self.api.cancel, self.api.retry, self.api.fail, self.api.dialogues):
                error = self.assertRaises(NotFound, self.ask, what, wrong)
                self.assertEqual((error.faults[0].message, error.faults[0].field), ("not found", "message_id"))

    def test_another_tenant_tries_everything(self) -> None:
        """To another tenant the message does not exist, and nothing happens to it."""
        made = self.make(To("ann@example.net", "failed", None), status="failed", batch_id="b", categories=["c"])
        waits = self.make(To("ann@example.net"))
        for each in (made, waits):
            for form in (each.id, each.request_id, each.msg_id()):
                for what in (self.api.show, self.api.events, self.api.cancel, self.api.retry, self.api.fail, self.api.dialogues):
                    self.assertRaises(NotFound, self.ask, what, form, self.stranger)
        for query in ({}, {"to_email": "ann@example.net"}, {"x_message_id": made.request_id}, {"batch_id": "b"}, {"category": "c"}, {"query": 'to_email LIKE "%"'},
                      {"query": f'msg_id="{made.msg_id()}"'}, {"query": f'NOT msg_id LIKE "{made.request_id}%" OR clicks=0'}):
            self.assertEqual(self.answer(self.api.find, caller=self.stranger, **query)["messages"], [])
        self.assertEqual((self.recipient(made)[0], self.recipient(waits)[0], self.renders.ids), ("failed", "queued", []))

    def test_why_each_recipient_waits(self) -> None:
        """Each waiting recipient says why, in a word and a sentence, and when it is looked at next."""
        rows = {
            "scheduled": (self.make(To(), status="scheduled", due_at=NOW + 500, send_at=NOW + 500), NOW + 500),
            "paused": (self.make(To(), status="paused"), None),
            "rendering": (self.make(To(), due_at=NOW + 1), NOW + 1),
            "delivery": (self.make(To(waiting="delivery", due_at=NOW + 2), status="rendered"), NOW + 2),
            "in_doubt": (self.make(To(status="in_doubt", waiting="in_doubt", attempt_id="att_1", due_at=NOW + 900), status="in_doubt"), NOW + 900),
            "held": (self.make(To(status="in_doubt", waiting="held", attempt_id="att_1"), status="in_doubt"), None),
        }
        for word, (made, at) in rows.items():
            shown = self.answer(self.api.show, made.id)
            self.assertEqual(shown["recipients"][0]["waiting"], word)
            self.assertTrue(shown["recipients"][0]["waiting_because"])
            self.assertEqual(shown["recipients"][0]["next_attempt_at"] is None, at is None, word)
            self.assertEqual(shown["in_doubt"], word in ("in_doubt", "held"))

    def test_events(self) -> None:
        """The timeline in order, each event with its recipient and the fields of its kind; of one recipient by SendGrid's id."""
        made = self.make(To("ann@example.net", "failed", None, "no such template"), To("bob@example.net"))
        events = self.answer(self.api.events, made.id)["events"]
        self.assertEqual([(each["seq"], each["event_type"], each["recipient_email"]) for each in events], [
            (1, "processed", "ann@example.net"), (2, "failed", "ann@example.net"), (3, "processed", "bob@example.net"),
        ])
        self.assertEqual((events[1]["reason"], events[1]["timestamp"], events[1]["event_id"][:4]), ("no such template", int(NOW), "evt_"))
        self.assertEqual([each["seq"] for each in self.answer(self.api.events, made.msg_id(1))["events"]], [3])

    def test_explain(self) -> None:
        """Why it has not arrived; what was said on the wire is for administrators alone, though the door is open to those who see activity."""
        made = self.make(To(status="deferred", waiting="greylisted", due_at=NOW + 90), To("bob@example.net", "delivered", None), status="deferred")
        columns = ("id", "tenant_id", "recipient_id", "destination", "dialogue", "happened_at")
        self.database.now(lambda txn: txn.insert("dialogues", columns, [("dlg_1", self.tenant.id, made.recipients[0], "mx.test", "> EHLO", 1)]))
        found = self.answer(self.api.explain, made.id)
        self.assertEqual([(each["email"], each["gate"]) for each in found["recipients"]], [("ann@example.net", "greylisted"), ("bob@example.net", None)])
        self.assertEqual([each["dialogue"] for each in found["recipients"][0]["other_dialogues"]], ["> EHLO"])
        viewer = caller_with(self.database, make_a_key(self.database, self.ids, self.tenant.id, ["stats.read"]))
        self.assertNotIn(b"EHLO", self.ask(self.api.explain, made.id, viewer).body)
        self.assertEqual(len(self.answer(self.api.explain, made.msg_id(1))["recipients"]), 1)
        self.assertRaises(NotFound, self.ask, self.api.explain, made.id, self.stranger)
        self.assertEqual({route.permission for route in self.api.routes() if route.path.endswith("explain")}, {"stats.read"})

    def test_explain_tells_of_the_destination(self) -> None:
        """State, retry and reply of the host that a recipient waits for; nothing of what others have there, and nothing for one that ended."""
        made = self.make(
            To("ann@BIG.test", "deferred", waiting="destination_backoff", due_at=NOW + 90), To("bob@free.test", "deferred", waiting="retry", due_at=NOW + 90),
            To("cid@big.test", "delivered", None), status="deferred",
        )
        self.database.now(orders_store.note_domains_across_tenants, {"big.test": "mx.big.test", "theirs.test": "mx.big.test"}, NOW)
        self.database.now(
            keep_states_across_tenants, [DestinationState("mx.big.test", BACKING_OFF, NOW + 900, 7, "421 4.7.0 <eve@theirs.test> gets too much")], NOW
        )
        use = {"name": "mx.big.test", "state": "open", "waiting": 4711, "connections": 2, "retry_at": None, "last_reply": None, "lanes": []}
        self.database.now(orders_store.report_across_tenants, "one", [use], NOW)
        ann, bob, cid = self.answer(self.api.explain, made.id)["recipients"]
        self.assertEqual((bob["destination"], cid["destination"]), (None, None))
        told = ann["destination"]
        self.assertEqual((told["name"], told["state"], told["retry_at"]), ("mx.big.test", "backing_off", "2027-01-15T08:15:00.000Z"))
        self.assertEqual(told["last_reply"], "421 4.7.0 <…> gets too much")
        self.assertIn("by itself", told["cure"])
        for secret in ("theirs.test", "4711", "waiting\":4", "failures"):
            self.assertNotIn(secret, json.dumps(told))
        many = self.make(*[To(f"a@d{number}.test", "deferred", waiting="retry", due_at=NOW + 90) for number in range(25)], status="deferred")
        asked: list[str] = []
        api = MessagesApi(
            database=self.database, ids=self.ids, renders=self.renders, deliveries=self.deliveries, now_s=lambda: NOW,
            destination=lambda txn, tenant_id, name, at: asked.append(f"{tenant_id} {name}"),
        )
        self.ask(api.explain, many.id)
        self.assertEqual((len(asked), asked[0]), (MOST_DESTINATIONS, f"{self.tenant.id} d0.test"))

    def test_dialogues(self) -> None:
        """Operators see what was said; the routes ask them for admin.settings."""
        made = self.make(To(status="deferred", waiting="retry", due_at=NOW))
        columns = ("id", "tenant_id", "recipient_id", "destination", "dialogue", "happened_at")
        self.database.now(lambda txn: txn.insert("dialogues", columns, [("dlg_1", self.tenant.id, made.recipients[0], "mx.test", "> EHLO", 1)]))
        found = self.answer(self.api.dialogues, made.id)["dialogues"]
        self.assertEqual([(each["dialogue"], each["recipient_email"]) for each in found], [("> EHLO", "ann@example.net")])
        self.assertEqual({route.permission for route in self.api.routes() if route.path.endswith("dialogues")}, {"admin.settings"})


class ActTests(MessagesApiTestCase):
    def test_cancel_before_it_is_sent(self) -> None:
        """Scheduled, paused, queued and deferred messages are cancelled, are never rendered, and say so on their timeline."""
        for made in (
            self.make(To(), status="scheduled", due_at=NOW + 500, send_at=NOW + 500), self.make(To(), status="paused"), self.make(To(), due_at=NOW),
            self.make(To(status="deferred", waiting="retry", due_at=NOW + 60), status="deferred", body=b"mail"),
        ):
            answer = self.answer(self.api.cancel, made.id)
            self.assertEqual((answer["cancelled"], answer["status"], answer["events"][-1]["event_type"]), (1, "cancelled", "cancelled"))
            self.assertEqual(self.recipient(made), ("cancelled", None, None, None))
            self.assertEqual(self.message(made), ("cancelled", None, 0))
            self.assertRaises(Conflict, self.ask, self.api.cancel, made.id)

    def test_what_a_worker_holds_is_left_alone(self) -> None:
        """A claimed or sending recipient is touched by none of the three, and the refusal says that it is being sent."""
        for state in ("queued", "deferred", "sending"):
            made = self.make(To(status=state, attempt_id="att_1", due_at=NOW + 40), status="rendered")
            for what in (self.api.cancel, self.api.retry, self.api.fail):
                error = self.assertRaises(Conflict, self.ask, what, made.id)
                self.assertIn("being sent", str(error))
            self.assertEqual(self.recipient(made)[::3], (state, "att_1"))

    def test_each_act_against_each_ended_state(self) -> None:
        """What ended stays so, but a failed one is retried."""
        for state in ("delivered", "bounced", "failed", "dropped", "cancelled", "sandbox"):
            made = self.make(To(status=state, waiting=None), status=state)
            for what in (self.api.cancel, self.api.fail, *([] if state == "failed" else [self.api.retry])):
                self.assertRaises(Conflict, self.ask, what, made.id)
            self.assertEqual(self.recipient(made)[0], state)

    def test_retry_of_a_failed_message_renders_it_again(self) -> None:
        """Its body is gone, so it is due for rendering at once; a later failure of it is recorded too."""
        made = self.make(To(status="failed", waiting=None), status="failed")
        answer = self.answer(self.api.retry, made.id)
        self.assertEqual((answer["retried"], answer["status"]), (1, "queued"))
        self.assertEqual(self.recipient(made), ("queued", "rendering", None, None))
        self.assertEqual((self.message(made)[:2], self.renders.ids, self.deliveries.ids), (("queued", int((NOW + 60) * 1e6)), [made.id], []))
        self.assertEqual(self.answer(self.api.fail, made.id)["status"], "failed")
        self.assertEqual(self.answer(self.api.retry, made.id)["status"], "queued")

    def test_retry_of_a_deferred_message_delivers_it_now(self) -> None:
        """With its body kept it is due for delivery at once."""
        made = self.make(To(status="deferred", waiting="retry", due_at=NOW + 3600), To("b@x.test", "delivered", None), status="deferred", body=b"mail")
        self.answer(self.api.retry, made.id)
        self.assertEqual(self.recipient(made), ("queued", "delivery", int((NOW + 60) * 1e6), None))
        self.assertEqual((self.renders.ids, self.deliveries.ids, self.recipient(made, 1)[0]), ([], [made.recipients[0]], "delivered"))
        self.assertEqual(self.message(made)[2], 1)

    def test_fail_ends_what_is_stuck(self) -> None:
        """Deferred, queued, in doubt and held: each is failed, with who did it as the reason."""
        for to in (
            To(status="deferred", waiting="retry", due_at=NOW), To(), To(status="in_doubt", waiting="in_doubt", attempt_id="att_1", due_at=NOW + 900),
            To(status="in_doubt", waiting="held", attempt_id="att_1"),
        ):
            made = self.make(to, status="deferred", due_at=NOW)
            answer = self.answer(self.api.fail, made.id)
            self.assertEqual((answer["status"], answer["recipients"][0]["reason"]), ("failed", f"ended by {self.caller.credential_id}"))
            self.assertEqual((self.recipient(made), self.message(made)[1]), (("failed", None, None, None), None))

    def test_in_doubt_is_not_cancelled_or_retried(self) -> None:
        """What may have been delivered is neither cancelled nor sent again by a tenant."""
        made = self.make(To(status="in_doubt", waiting="in_doubt", attempt_id="att_1", due_at=NOW + 900), status="in_doubt")
        self.assertIn("may have been delivered", str(self.assertRaises(Conflict, self.ask, self.api.cancel, made.id)))
        self.assertRaises(Conflict, self.ask, self.api.retry, made.id)

    def test_one_recipient_by_sendgrids_id(self) -> None:
        """An act on SendGrid's id concerns that recipient; retrying it does not send a scheduled message early."""
        made = self.make(To("a@x.test"), To("b@x.test"), status="scheduled", due_at=NOW + 500, send_at=NOW + 500)
        self.ask(self.api.fail, made.msg_id(1))
        self.assertEqual((self.recipient(made, 0)[0], self.recipient(made, 1)[0], self.message(made)[1]), ("queued", "failed", int((NOW + 500) * 1e6)))
        self.ask(self.api.retry, made.msg_id(1))
        self.assertEqual((self.recipient(made, 1)[0], self.message(made)[:2], self.renders.ids), ("queued", ("scheduled", int((NOW + 500) * 1e6)), []))
