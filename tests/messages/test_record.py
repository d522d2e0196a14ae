from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from tests.messages.test_api import MessagesApiTestCase
from tests.world.messages import Made, To
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
