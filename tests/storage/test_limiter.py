"""What a verdict says."""

from scaisend.storage.limiter import Limit, verdict
from tests.base import PlainTestCase


class VerdictTests(PlainTestCase):
    """The derived numbers."""

    def test_bounds(self) -> None:
        """Nothing below zero remains, and a refusal waits at least a second."""
        refused = verdict(False, Limit(5, 60), -2, 100.0, 99.99)
        self.assertEqual((refused.remaining, refused.retry_after_s, refused.limit), (0, 1, 5))
        self.assertEqual(verdict(True, Limit(5, 60), 3, 100.0, 50.0).retry_after_s, 0)
        self.assertEqual(verdict(False, Limit(5, 60), 0, 100.0, 50.5).retry_after_s, 50)
