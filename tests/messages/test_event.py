from scaisend.messages.event import KINDS, Event
from scaisend.messages.status import ENDED
from tests.base import PlainTestCase


class EventTests(PlainTestCase):
    def test_the_contract_s_events_are_told(self) -> None:
        """Webhooks are told of what the contract names, and of nothing that happens inside the house only."""
        told = {name for name, kind in KINDS.items() if kind.told}
        self.assertTrue(told >= {
            "processed", "deferred", "delivered", "bounce", "blocked", "dropped", "open", "click", "spam_report", "unsubscribe", "group_unsubscribe",
            "group_resubscribe",
        })
        self.assertEqual({name for name, kind in KINDS.items() if not kind.told}, {"cancelled", "in_doubt", "resent", "retried"})

    def test_names_fit_their_column(self) -> None:
        """Each name is at most as long as events.type, and has a sentence for the docs."""
        for name, kind in KINDS.items():
            self.assertTrue(len(name) <= 24 and kind.sentence, name)

    def test_recipients_doing_changes_no_state(self) -> None:
        """What recipients do never ends or reopens a delivery; every end has an event."""
        for name in ("open", "click", "spam_report", "unsubscribe", "group_unsubscribe", "group_resubscribe", "processed"):
            self.assertIsNone(KINDS[name].state)
        self.assertEqual({kind.state for kind in KINDS.values()} & ENDED, ENDED - {"sandbox"})

    def test_equal_by_value(self) -> None:
        """Two events that say the same are the same."""
        self.assertEqual(Event("open", "t", "m", "m.0", 1.0, {"a": 1}), Event("open", "t", "m", "m.0", 1.0, {"a": 1}))
