import json

from scaisend.delivery.reply import classify
from scaisend.messages import event as events
from scaisend.reporting.envelope import CLASSES, Told, bodies, bounce_classification, flat, own_form, smtp_id
from scaisend.reporting.events_store import told_by_ids
from scaisend.sending.render import render
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, World
from tests.world.messages import To

REPLY = {"attempt": 2, "source": "203.0.113.5", "tls": "TLSv1.3", "host": "mx.example.net"}


class FlatTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World()

    def told(self, event_id: str) -> Told:
        (told,) = self.world.database.now(told_by_ids, self.world.tenant.id, [event_id])
        return told

    def test_delivered(self) -> None:
        """A delivered event has SendGrid's keys in SendGrid's types, and the id that X-Message-Id begins."""
        made = self.world.mail(To(status="sending"), categories=["a", "b"])
        event_id = self.world.happen(made, events.DELIVERED, response="250 2.0.0 OK", **REPLY)
        self.assertEqual(flat(self.told(event_id)), {
            "email": "ann@example.net", "timestamp": int(NOW), "event": "delivered", "sg_event_id": event_id, "sg_message_id": made.msg_id(),
            "smtp-id": f"<{made.id[4:]}@acme.test>", "category": ["a", "b"], "response": "250 2.0.0 OK", "ip": "203.0.113.5", "tls": 1, "cert_err": 0,
        })
        self.assertEqual(made.msg_id().split(".")[0], made.request_id)
        self.assertEqual(len(made.request_id), 22)

    def test_bounces(self) -> None:
        """A bounce and a block are both `bounce`, told apart by `type`; a missing status is left out."""
        made = self.world.mail(To(status="sending"), To(email="bob@example.net", status="sending"))
        hard = flat(self.told(self.world.happen(made, events.BOUNCE, response="550 5.1.1 no", status="5.1.1", rule="user-unknown", **REPLY)))
        self.assertEqual(
            [hard[name] for name in ("event", "type", "status", "reason", "bounce_classification", "tls")],
            ["bounce", "bounce", "5.1.1", "550 5.1.1 no", "Invalid Address", 1],
        )
        block = flat(self.told(self.world.happen(made, events.BLOCKED, 1, response="554 no")))
        self.assertEqual([block[name] for name in ("event", "type", "bounce_classification", "tls")], ["bounce", "blocked", "Unclassified", 0])
        self.assertNotIn("status", block)

    def test_others(self) -> None:
        """Deferred, dropped, failed, opens, clicks, complaints and group events, each with the keys of its kind."""
        made = self.world.mail(To(status="sending"))
        deferred = flat(self.told(self.world.happen(made, events.DEFERRED, response="451 later", **REPLY)))
        self.assertEqual((deferred["attempt"], deferred["domain"], deferred["response"]), ("2", "example.net", "451 later"))
        opened = flat(self.told(self.world.happen(made, events.OPEN, useragent="UA", ip="192.0.2.1", machine=True)))
        self.assertEqual([opened[name] for name in ("event", "useragent", "ip", "sg_machine_open", "sg_content_type")], ["open", "UA", "192.0.2.1", True, "html"])
        clicked = flat(self.told(self.world.happen(made, events.CLICK, url="https://a.test/", url_offset={"index": 1, "type": "html"})))
        self.assertEqual((clicked["url"], clicked["url_offset"]), ("https://a.test/", {"index": 1, "type": "html"}))
        self.assertEqual(flat(self.told(self.world.happen(made, events.SPAM_REPORT)))["event"], "spamreport")
        group = flat(self.told(self.world.happen(made, events.GROUP_UNSUBSCRIBE, asm_group_id=7)))
        self.assertEqual((group["event"], group["asm_group_id"]), ("group_unsubscribe", 7))
        failed = flat(self.told(self.world.happen(made, events.FAILED, reason="could not be rendered")))
        self.assertEqual((failed["event"], failed["reason"], failed["status"]), ("dropped", "could not be rendered", "5.0.0"))

    def test_what_the_mail_was_sent_with(self) -> None:
        """Custom arguments are flattened, the message's over the request's, and never take a key of ours; asm, send_at and pool are told."""
        payload = {"custom_args": {"order": "1", "shop": "x", "event": "mine", "email": "evil@example.org"}, "asm": {"group_id": 9}}
        made = self.world.mail(
            To(), payload=payload, own={"custom_args": {"order": "2"}, "dynamic_template_data": {"deep": [{}]}}, send_at=NOW + 60, template_id="d-1",
        )
        (event_id,) = [row[0] for row in self.world.database.rows("SELECT id FROM events WHERE message_id = ?", made.id)]
        shape = flat(self.told(event_id))
        self.assertEqual((shape["order"], shape["shop"], shape["event"], shape["email"]), ("2", "x", "processed", "ann@example.net"))
        self.assertEqual((shape["asm_group_id"], shape["send_at"], shape["template_id"]), (9, int(NOW + 60), "d-1"))

    def test_message_id(self) -> None:
        """`smtp-id` is the Message-ID that the mail goes out with: the sender's own, or the one that rendering gives it."""
        for number, (shared, own) in enumerate((
            ({}, {}), ({"headers": {"message-id": "<own@a.test>"}}, {}), ({"headers": {"Message-Id": "<x@a.test>"}}, {"headers": {"message-ID": "bare@a.test"}}),
        )):
            made = self.world.mail(To(email=f"a{number}@example.net"), payload=shared, own=own)
            (event_id,) = [row[0] for row in self.world.database.rows("SELECT id FROM events WHERE message_id = ?", made.id)]
            whole = {"from": {"email": "shop@acme.test"}, "subject": "s", "content": [{"type": "text/plain", "value": "v"}], **shared}
            mail = render(whole, own, [], message_id=made.id, accepted_at=NOW)
            self.assertEqual(smtp_id(self.told(event_id)), mail.message_id)

    def test_classes(self) -> None:
        """A reply's class comes from the rule that read it, or from its status."""
        for reply, expected in (
            ((550, "5.1.1", "user unknown"), "Invalid Address"), ((552, "5.2.2", "mailbox full"), "Mailbox Unavailable"),
            ((554, "5.7.1", "listed at zen.spamhaus.org"), "Reputation"),
        ):
            verdict = classify(*reply)
            self.assertEqual(bounce_classification(verdict.rule, reply[1]), expected, (reply, verdict.rule))
        self.assertEqual(bounce_classification("something", "5.2.1"), "Mailbox Unavailable")
        self.assertEqual(bounce_classification(None, None), "Unclassified")
        self.assertEqual(bounce_classification(None, "junk"), "Unclassified")
        self.assertLessEqual(set(CLASSES.values()), {
            "Invalid Address", "Technical", "Content", "Reputation", "Frequency or Volume Too High", "Mailbox Unavailable", "Unclassified",
        })


class OwnFormTests(PlainTestCase):
    def test_seven_keys(self) -> None:
        """Our form has seven keys; the event's own fields and numbers are in the metadata."""
        world = World()
        made = world.mail(To(status="sending"), To(email="bob@example.net", status="sending"), payload={"custom_args": {"order": "1"}})
        world.happen(made, events.DEFERRED, 1)
        event_id = world.happen(made, events.DELIVERED, 1, response="250 OK")
        (told,) = world.database.now(told_by_ids, world.tenant.id, [event_id])
        shape = own_form(told)
        self.assertEqual(set(shape), {"event_id", "event_type", "timestamp", "message_id", "recipient_email", "tenant_id", "metadata"})
        self.assertEqual((shape["event_id"], shape["event_type"], shape["message_id"], shape["recipient_email"], shape["tenant_id"]),
                         (event_id, "delivered", made.id, "bob@example.net", world.tenant.id))
        metadata = shape["metadata"]
        assert isinstance(metadata, dict)
        self.assertEqual((metadata["seq"], metadata["recipient_seq"], metadata["response"], metadata["custom_args"]), (4, 3, "250 OK", {"order": "1"}))

    def test_places_have_no_gaps(self) -> None:
        """The number among a recipient's told events has no gap where an event is not told."""
        world = World()
        made = world.mail(To(status="sending", attempt_id="att_1"))
        world.happen(made, events.IN_DOUBT)
        last = world.happen(made, events.DELIVERED)
        (told,) = world.database.now(told_by_ids, world.tenant.id, [last])
        self.assertEqual((told.seq, told.recipient_seq), (3, 2))


class BodiesTests(PlainTestCase):
    def test_split_by_size(self) -> None:
        """Every event once and in order, each body under the limit, an array ended by CRLF; one too large goes alone."""
        shapes: list[dict[str, object]] = [{"n": number, "text": "x" * (10 if number != 5 else 3000)} for number in range(20)]
        found = bodies(shapes, 200)
        self.assertTrue(all(body.startswith(b"[") and body.endswith(b"]\r\n") and (len(body) <= 200 or len(json.loads(body)) == 1) for body in found))
        self.assertEqual([each for body in found for each in json.loads(body)], shapes)
        self.assertEqual(bodies([]), [])
