from scaisend.inbound.reading import ARF, BOUNCE, DELAY, SUCCESS, Reading, Reported, kind_of
from tests.base import PlainTestCase


class ReadingTests(PlainTestCase):
    def test_the_worst_decides(self):
        """A report that says failed of one is a bounce, then comes delay, then success."""
        failed, delayed, delivered = (Reported("a@a.test", action) for action in ("failed", "delayed", "delivered"))
        self.assertEqual([kind_of((delivered, delayed, failed)), kind_of((delivered, delayed)), kind_of((delivered,))], [BOUNCE, DELAY, SUCCESS])

    def test_complaints(self):
        """abuse and its like are; not-spam and auth-failure are not, nor is any bounce."""
        rows = {"abuse": True, "fraud": True, "opt-out": True, "not-spam": False, "auth-failure": False}
        self.assertEqual({kind: Reading(ARF, "x", feedback_type=kind).is_complaint for kind in rows}, rows)
        self.assertFalse(Reading(BOUNCE, "x", feedback_type="abuse").is_complaint)
