from scaisend.messages.actions import CANCEL, FAIL, REQUEUE, RETRY, takes, why_not
from scaisend.messages.status import ENDED, RECIPIENT_STATES
from tests.base import PlainTestCase


class ActTests(PlainTestCase):
    def test_table(self) -> None:
        """Which states each act takes; of claimed recipients only those in doubt, which nobody works on."""
        for act, free in (
            (CANCEL, {"queued", "deferred"}), (RETRY, {"failed", "deferred"}), (FAIL, {"queued", "deferred", "in_doubt"}),
            (REQUEUE, {"queued", "deferred", "failed", "in_doubt"}),
        ):
            self.assertEqual({state for state in RECIPIENT_STATES if takes(act, state, False)}, free)
            self.assertEqual({state for state in RECIPIENT_STATES - ENDED if takes(act, state, True)}, free & {"in_doubt"})

    def test_why_not(self) -> None:
        """A refusal has a sentence for every mixture of states."""
        for act in (CANCEL, RETRY, FAIL, REQUEUE):
            for state in RECIPIENT_STATES:
                for is_claimed in (False, True):
                    words = why_not(act, [(state, is_claimed)])
                    self.assertTrue(words.startswith(f"The message cannot be {act.done}: it ") and words.endswith("."), words)
        self.assertIn("being sent", why_not(CANCEL, [("delivered", False), ("queued", True)]))
