from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from tests.messages.test_api import MessagesApiTestCase
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW


class RecordTests(MessagesApiTestCase):
    def record(self, made: Made, kind: str, place: int = 0, **more) -> bool:  # type: ignore[no-untyped-def]
        event = Event(kind, self.tenant.id, made.id, made.recipients[place], NOW + 1)
        return self.database.now(record, self.ids, [Change(event, **more)], NOW + 1)[0]

    def test_what_says_nothing_of_delivery_changes_nothing_of_it(self) -> None:
        """An open, click or complaint leaves claim, due moment, reason, and the body alone, whatever the recipient's state."""
        for to in (
            To(status="bounced", waiting=None, reason="550 no"), To(status="in_doubt", waiting="in_doubt", attempt_id="att_1", due_at=NOW + 900),
            To(status="deferred", waiting="retry", reason="451 later", due_at=NOW + 60), To(status="sending", attempt_id="att_1", due_at=NOW + 40),
        ):
            made = self.make(to, status=to.status, body=b"mail")
            before = self.database.rows("SELECT status, waiting, reason, due_at, attempt_id, claims FROM recipients WHERE id = ?", made.recipients[0])
            for kind in (events.OPEN, events.CLICK, events.SPAM_REPORT, events.UNSUBSCRIBE):
                self.assertTrue(self.record(made, kind))
            after = self.database.rows("SELECT status, waiting, reason, due_at, attempt_id, claims FROM recipients WHERE id = ?", made.recipients[0])
            self.assertEqual(after, before)
            self.assertEqual(self.message(made)[2], 1)
            self.assertEqual(self.database.rows("SELECT updated_at FROM recipients WHERE id = ?", made.recipients[0]), [(int((NOW + 1) * 1e6),)])

    def test_only_a_failed_recipient_begins_again(self) -> None:
        """A retry by hand is recorded of a failed recipient, and of no other that ended."""
        for state, good in (("failed", True), ("bounced", False), ("delivered", False), ("cancelled", False)):
            made = self.make(To(status=state, waiting=None), status=state)
            self.assertEqual(self.record(made, events.RETRIED), good, state)
            self.assertEqual(self.recipient(made)[0], "queued" if good else state)

    def test_fence(self) -> None:
        """A result is recorded only for the attempt that holds the recipient, and only once."""
        made = self.make(To(status="sending", attempt_id="att_1", due_at=NOW + 40), status="processing")
        self.assertFalse(self.record(made, events.DELIVERED, attempt_id="att_2"))
        self.assertTrue(self.record(made, events.DELIVERED, attempt_id="att_1"))
        self.assertFalse(self.record(made, events.BOUNCE))
        self.assertEqual((self.recipient(made)[0], self.message(made)[0]), ("delivered", "delivered"))

    def test_only_of_its_own_message_and_tenant(self) -> None:
        """An event that names another tenant's message, or another message's recipient, is not written."""
        mine, other = self.make(To()), self.make(To())
        theirs = self.database.now(insert_message, self.ids, self.other.id)
        for tenant_id, message, recipient in (
            (self.tenant.id, theirs, theirs), (self.other.id, mine, mine), (self.tenant.id, mine, other), (self.tenant.id, mine, theirs),
        ):
            event = Event(events.OPEN, tenant_id, message.id, recipient.recipients[0], NOW + 1)
            self.assertEqual(self.database.now(record, self.ids, [Change(event)], NOW + 1), [False])
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM events WHERE type = 'open'"), [(0,)])

    def test_many_changes_at_once(self) -> None:
        """Changes of one transaction are numbered in their order; a second end of the same recipient is not written."""
        made = self.make(To(attempt_id="att_1"), To(attempt_id="att_1"), status="processing")
        changes = [
            Change(Event(kind, self.tenant.id, made.id, made.recipients[place], NOW), attempt_id="att_1")
            for kind, place in ((events.DELIVERED, 0), (events.BOUNCE, 1), (events.BOUNCE, 0))
        ]
        self.assertEqual(self.database.now(record, self.ids, changes, NOW), [True, True, False])
        rows = self.database.rows("SELECT seq, type FROM events WHERE message_id = ? ORDER BY seq", made.id)
        self.assertEqual(rows, [(1, "processed"), (2, "processed"), (3, "delivered"), (4, "bounce")])
        self.assertEqual(self.message(made)[0], "bounced")

    def test_body(self) -> None:
        """The body that a change brings is kept once while the message is open, and dropped with its last end."""
        made = self.make(To(attempt_id="att_1"), To(attempt_id="att_1"), status="processing")
        for place in (0, 1):
            self.assertTrue(self.record(made, events.DEFERRED, place, attempt_id="att_1", due_at=NOW + 60, waiting="retry", body=b"mail"))
        self.assertEqual(self.database.rows("SELECT content FROM bodies"), [(b"mail",)])
        self.assertTrue(self.record(made, events.FAILED, 0))
        self.assertEqual(self.database.rows("SELECT content FROM bodies"), [(b"mail",)])
        self.assertTrue(self.record(made, events.FAILED, 1))
        self.assertEqual(self.database.rows("SELECT content FROM bodies"), [])

    def test_an_outcome_ends_suspicion(self) -> None:
        """A message of which something came is suspected of killing workers no more."""
        made = self.make(To(attempt_id="att_1"), status="processing")
        self.database.connection.execute("UPDATE messages SET tries = 5")
        self.record(made, events.DEFERRED, attempt_id="att_1", due_at=NOW + 60, waiting="retry")
        self.assertEqual(self.database.rows("SELECT tries FROM messages"), [(0,)])

    def test_unknown(self) -> None:
        """What is not there any more has no history."""
        event = Event(events.OPEN, self.tenant.id, "msg_gone", "msg_gone.0", NOW)
        self.assertEqual(self.database.now(record, self.ids, [Change(event)], NOW), [False])
        self.assertEqual(self.database.now(record, self.ids, [], NOW), [])

    def test_a_late_report_takes_delivered_back_once(self) -> None:
        """With `late` a bounce follows delivered and the recipient is bounced; a second one, or one without `late`, is refused."""
        made = self.make(To(status="delivered", waiting=None), status="delivered")
        self.assertFalse(self.record(made, events.BOUNCE))
        self.assertTrue(self.record(made, events.BOUNCE, late=True))
        self.assertFalse(self.record(made, events.BLOCKED, late=True))
        self.assertEqual((self.recipient(made)[0], self.message(made)[0]), ("bounced", "bounced"))

    def test_events_that_suppress(self) -> None:
        """A hard bounce at SMTP time is on the bounce list in the same transaction, folded, with reply, status, rule and event; once."""
        for _ in range(2):
            made = self.make(To("Ann@Example.net", "sending", None, attempt_id="att_1", due_at=NOW + 40), status="processing")
            event = Event(events.BOUNCE, self.tenant.id, made.id, made.recipients[0], NOW + 1, {"bounce_type": "hard", "status": "5.1.1", "rule": "user-unknown"})
            self.assertEqual(self.database.now(record, self.ids, [Change(event, attempt_id="att_1", reason="550 5.1.1 no")], NOW + 1), [True])
        [(name, email, reason, status, rule, event_id)] = self.database.rows("SELECT list, email, reason, status, rule, event_id FROM suppressions")
        self.assertEqual((name, email, reason, status, rule), ("bounces", "ann@example.net", "550 5.1.1 no", "5.1.1", "user-unknown"))
        self.assertEqual(self.database.rows("SELECT type FROM events WHERE id = ?", event_id), [("bounce",)])

    def test_soft_bounces_suppress_nobody(self) -> None:
        """Retries used up are no reason to stop mail."""
        made = self.make(To(status="sending", waiting=None, attempt_id="att_1", due_at=NOW + 40), status="processing")
        event = Event(events.BOUNCE, self.tenant.id, made.id, made.recipients[0], NOW + 1, {"bounce_type": "soft"})
        self.database.now(record, self.ids, [Change(event, attempt_id="att_1")], NOW + 1)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM suppressions"), [(0,)])
