"""The schedule of posts."""

from scaisend.inbound.parse_attempts import TRIED_FOR_S, next_post_at
from tests.base import PlainTestCase


class ScheduleTests(PlainTestCase):
    def test_three_days(self) -> None:
        """Quick at first, then every two hours, until three days are over."""
        now, attempts, moments = 0.0, 0, []
        while (due_at := next_post_at(attempts := attempts + 1, 0.0, now)) is not None:
            moments.append(due_at - now)
            now = due_at
        self.assertEqual(moments[:6], [60.0, 300.0, 900.0, 3_600.0, 7_200.0, 7_200.0])
        self.assertTrue(TRIED_FOR_S - 7_200 <= now <= TRIED_FOR_S)
