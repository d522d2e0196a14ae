from itertools import combinations

from scaisend.messages import status as states
from scaisend.messages.event import KINDS
from scaisend.messages.status import ENDED, MESSAGE_STATES, RECIPIENT_STATES, shown
from tests.base import PlainTestCase


class ShownTests(PlainTestCase):
    def test_the_stage_shows_until_something_is_sent(self) -> None:
        """While all recipients wait or were dropped, a message shows how far it came."""
        for stage in (states.SCHEDULED, states.PAUSED, states.PROCESSING, states.RENDERED, states.QUEUED):
            self.assertEqual(shown(stage, ["queued", "queued"]), stage)
            self.assertEqual(shown(stage, ["queued", "dropped"]), stage)
            self.assertEqual(shown(stage, []), stage)

    def test_what_is_held_back_stays_found(self) -> None:
        """A paused or scheduled message keeps its stage while a recipient waits for it, else nothing would let that one go."""
        for stage in (states.SCHEDULED, states.PAUSED):
            self.assertEqual(shown(stage, ["delivered", "queued"]), stage)
            self.assertEqual(shown(stage, ["deferred", "bounced"]), stage)
            self.assertEqual(shown(stage, ["delivered", "cancelled"]), "delivered")

    def test_the_most_open_recipient_decides(self) -> None:
        """With different outcomes, what is still open shows first, then what went wrong, then what went well."""
        for recipients, expected in (
            (["sending", "deferred"], "sending"), (["in_doubt", "queued"], "in_doubt"), (["deferred", "delivered"], "deferred"),
            (["queued", "delivered"], "queued"), (["bounced", "delivered"], "bounced"), (["failed", "delivered"], "failed"),
            (["delivered", "dropped"], "delivered"), (["cancelled", "dropped"], "cancelled"), (["dropped"], "dropped"), (["sandbox"], "sandbox"),
        ):
            self.assertEqual(shown(states.PROCESSING, recipients), expected)

    def test_every_mix_has_a_status(self) -> None:
        """Whatever the recipients' states are, the message's is one of its own, and ended only if all of them ended."""
        for count in (1, 2, 3):
            for mix in combinations(sorted(RECIPIENT_STATES), count):
                for stage in sorted(MESSAGE_STATES):
                    found = shown(stage, mix)
                    self.assertIn(found, MESSAGE_STATES)
                    if not set(mix) <= ENDED:
                        self.assertTrue(found not in ENDED, (stage, mix, found))

    def test_events_lead_to_states(self) -> None:
        """Each event's state is one that a recipient can be in."""
        self.assertEqual({kind.state for kind in KINDS.values() if kind.state} - RECIPIENT_STATES, set())
