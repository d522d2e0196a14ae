from scaisend.messages.activity import activity_detail, status_of
from scaisend.messages.activity_query import EVENT_NAMES, STATUSES
from scaisend.messages.read_store import Seen, SeenEvent, SeenRequest
from scaisend.messages.status import RECIPIENT_STATES
from tests.base import PlainTestCase
from tests.messages.test_shown import NOW, message, recipient


class ActivityTests(PlainTestCase):
    def test_every_state_has_a_status(self) -> None:
        """SendGrid knows three."""
        self.assertEqual({status_of(state) for state in RECIPIENT_STATES}, set(STATUSES))
        self.assertEqual((status_of("delivered"), status_of("dropped"), status_of("in_doubt")), ("delivered", "not_delivered", "processed"))

    def test_events(self) -> None:
        """Events carry SendGrid's names and fields; those that it does not know, and other recipients', are left out."""
        rows = (
            ("processed", None), ("deferred", '{"attempt": 1, "response": "451 later", "host": "mx.test", "source": "192.0.2.1"}'),
            ("in_doubt", None), ("blocked", '{"reason": "550 5.7.1 no", "bounce_type": "block"}'), ("click", '{"url": "https://a.test/", "useragent": "Mutt"}'),
        )
        timeline = [SeenEvent(f"evt_{n}", "msg_1.0", n, kind, NOW, detail) for n, (kind, detail) in enumerate(rows, 1)]
        timeline.append(SeenEvent("evt_9", "msg_1.1", 9, "delivered", NOW, None))
        seen = Seen(message("bounced"), (recipient("bounced"),), frozenset(("bounced",)))
        detail = activity_detail(seen, seen.recipients[0], timeline, SeenRequest("key_1", "{}", "{}"))
        at = {"processed": "2027-01-15T08:00:00Z"}
        self.assertEqual(detail["events"], [
            {"event_name": "processed", **at}, {"event_name": "deferred", **at, "reason": "451 later", "attempt_num": 1, "mx_server": "mx.test"},
            {"event_name": "bounced", **at, "reason": "550 5.7.1 no", "bounce_type": "soft"},
            {"event_name": "clicked", **at, "url": "https://a.test/", "http_user_agent": "Mutt"},
        ])
        self.assertEqual((detail["outbound_ip"], detail["clicks_count"], detail["status"]), ("192.0.2.1", 1, "not_delivered"))
        self.assertTrue({each["event_name"] for each in detail["events"]} <= EVENT_NAMES.keys())
