from scaisend.messages.read_store import Seen, SeenEvent, SeenMessage, SeenRecipient
from scaisend.messages.shown import events_shape, next_at, why
from scaisend.messages.status import ENDED, RECIPIENT_STATES
from scaisend.messages.waiting import REASONS
from tests.base import PlainTestCase

NOW = 1_800_000_000.0


def message(status: str = "queued", due_at: float | None = NOW) -> SeenMessage:
    return SeenMessage("msg_1", "r", status, None, "a@acme.test", None, None, None, None, None, 1, None, due_at, NOW, NOW)


def recipient(status: str, waiting: str | None = None, due_at: float | None = None, is_claimed: bool = False) -> SeenRecipient:
    return SeenRecipient("msg_1.0", "msg_1", 0, "to", "b@example.net", None, status, waiting, None, due_at, is_claimed, 0, 0, NOW)


class ShownTests(PlainTestCase):
    def test_every_waiting_recipient_has_a_reason(self) -> None:
        """Whatever the states, who waits says why with a word that has a sentence, and who does not wait says nothing."""
        for stage in ("queued", "processing", "rendered", "scheduled", "paused", "deferred"):
            for state in RECIPIENT_STATES:
                word = why(message(stage), recipient(state))
                self.assertEqual(word in REASONS, state not in ENDED | {"sending"}, (stage, state))

    def test_next_at(self) -> None:
        """The end of a claim is no next attempt; before rendering the message's moment is."""
        self.assertEqual(next_at(message(), recipient("queued")), NOW)
        self.assertEqual(next_at(message(), recipient("deferred", due_at=NOW + 9)), NOW + 9)
        self.assertEqual(next_at(message(), recipient("in_doubt", due_at=NOW + 900, is_claimed=True)), NOW + 900)
        for each in (recipient("queued", due_at=NOW + 40, is_claimed=True), recipient("sending", due_at=NOW + 40, is_claimed=True), recipient("bounced")):
            self.assertIsNone(next_at(message(), each))

    def test_fields_of_the_kind_do_not_hide_the_common_ones(self) -> None:
        """An event's own fields are shown beside what every event has, its ids among them, which wins."""
        detail = '{"seq": 9, "event_id": "x", "response": "250 ok", "status": "2.0.0"}'
        seen = Seen(message(), (recipient("delivered"),), frozenset(("delivered",)))
        (shown,) = events_shape(seen, [SeenEvent("evt_1", "msg_1.0", 2, "delivered", NOW, detail)])
        self.assertEqual(
            (shown["seq"], shown["event_id"], shown["response"], shown["status"], shown["recipient_email"]), (2, "evt_1", "250 ok", "2.0.0", "b@example.net")
        )
        self.assertEqual((shown["message_id"], shown["sg_message_id"]), ("msg_1", "r.1-0"))
