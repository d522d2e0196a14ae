from hypothesis import given
from hypothesis import strategies as st

from scaisend.delivery.job import BACKOFF, DELIVERED, TROUBLE
from scaisend.delivery.pace import LAST_RETURN_S, LEAST_WAITING, Pace
from tests.base import PlainTestCase


def paced(per_s, seconds=10):
    """A pace of so many mails a second."""
    pace = Pace(100.0)
    for second in range(1, seconds + 1):
        for _ in range(per_s):
            pace.note(DELIVERED)
        pace.sweep(100.0 + second)
    return pace


class PaceTests(PlainTestCase):
    def test_a_fast_destination_has_no_surplus(self):
        """What it takes within two seconds may wait."""
        self.assertEqual(paced(400).surplus(600), 0)

    def test_a_slow_destination_has(self):
        """Of the 600 that wait, a destination that takes five a second keeps the least number, one that takes 100 a second about 200."""
        self.assertEqual(paced(5).surplus(600), 600 - LEAST_WAITING)
        self.assertLess(abs(paced(100).surplus(600) - 400), 5)

    def test_a_new_destination_has_time(self):
        """Before its pace is known nothing is surplus."""
        self.assertEqual(paced(0, 1).surplus(600), 0)
        self.assertEqual(paced(0, 3).surplus(600), 550)

    def test_only_its_word_counts(self):
        """Mails that it said nothing of make no pace."""
        pace = Pace(0.0)
        for kind in (BACKOFF, TROUBLE):
            pace.note(kind)
        pace.sweep(3.0)
        self.assertEqual(pace.per_s, 0.0)

    @given(st.integers(0, 50), st.integers(1, 500))
    def test_returns_come_one_after_the_other(self, per_s, count):
        """They come back at the pace, in order, never sooner than five seconds and never later than fifteen minutes from now."""
        pace = paced(per_s)
        moments = [pace.return_at(200.0) for _ in range(count)]
        self.assertEqual(moments, sorted(moments))
        self.assertGreaterEqual(moments[0], 205.0)
        self.assertLessEqual(moments[-1], 200.0 + LAST_RETURN_S)
        if per_s and moments[-1] < 200.0 + LAST_RETURN_S:
            self.assertLess(abs(moments[-1] - 205.0 - count / pace.per_s), 0.01)
