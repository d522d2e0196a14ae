from scaisend.reporting.attempts import DELAYS_S, FAILURES_MOST, at_once, next_attempt_at, switched_off_because
from tests.base import PlainTestCase


class AttemptsTests(PlainTestCase):
    def test_schedule(self) -> None:
        """After 60 s, 5 min, 15 min, 1 h and 2 h a delivery has failed for good."""
        self.assertEqual([next_attempt_at(n, 1000.0) for n in range(1, 7)], [1060.0, 1300.0, 1900.0, 4600.0, 8200.0, None])
        self.assertEqual(len(DELAYS_S), 5)

    def test_one_at_a_time_while_it_fails(self) -> None:
        """An endpoint whose last post failed gets the next one alone."""
        self.assertEqual([at_once(failures, 4) for failures in (0, 1, 9)], [4, 1, 1])

    def test_the_sentence(self) -> None:
        """It says how many, and why the last one failed, within its column."""
        self.assertEqual(switched_off_because("503"), f"switched off after {FAILURES_MOST} failed posts in a row; the last: 503")
        self.assertEqual(len(switched_off_because("x" * 1000)), 255)
