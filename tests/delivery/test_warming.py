from hypothesis import given
from hypothesis import strategies as some

from scaisend.delivery.warming import STANDARD, Plan, midnight, read_ceilings
from scaisend.faults import Invalid
from tests.base import PlainTestCase

DAY = 20_000 * 86_400.0
PLAN = Plan("192.0.2.1", DAY, (50, 100))


class PlanTests(PlainTestCase):
    def test_days(self):
        """Each day has its ceiling, the day after the last none; before the first nothing goes."""
        self.assertEqual([PLAN.ceiling(DAY + day * 86_400) for day in (-1, 0, 0.999, 1, 2, 100)], [0, 50, 50, 100, None, None])

    def test_an_hour_takes_a_tenth(self):
        """And the day's rest, where that is less."""
        hour = int(DAY // 3_600)
        self.assertEqual(PLAN.left({}, DAY), 5)
        self.assertEqual(PLAN.left({hour: 3}, DAY), 2)
        self.assertEqual(PLAN.left({hour: 5}, DAY + 3_599), 0)
        self.assertEqual(PLAN.left({hour + each: 5 for each in range(10)}, DAY + 20 * 3_600), 0)
        self.assertEqual(PLAN.left({hour + each: 5 for each in range(9)} | {hour + 9: 3}, DAY + 20 * 3_600), 2)
        self.assertEqual(PLAN.left({hour - 1: 50}, DAY), 5)
        self.assertIsNone(PLAN.left({}, DAY + 2 * 86_400))

    @given(some.lists(some.integers(1, 10_000), min_size=1, max_size=20), some.integers(0, 20 * 24))
    def test_no_day_takes_more(self, ceilings, hours):
        """Whoever takes all that is left in every hour stays within each day's ceiling."""
        plan, taken = Plan("a", DAY, tuple(ceilings)), {}
        for each in range(hours):
            left = plan.left(taken, DAY + each * 3_600)
            if left is None:
                break
            taken[int(DAY // 3_600) + each] = left
        for day, ceiling in enumerate(ceilings):
            first = int(DAY // 3_600) + day * 24
            self.assertLessEqual(sum(taken.get(first + hour, 0) for hour in range(24)), ceiling)

    def test_what_is_read(self):
        """The usual plan, or whole numbers; faults name their place."""
        self.assertEqual(read_ceilings(None), STANDARD)
        self.assertEqual(read_ceilings([5, 6]), (5, 6))
        for given_, field in (("50", "ceilings"), ([], "ceilings"), ([5, 0], "ceilings.1"), ([True], "ceilings.0"), (["5"], "ceilings.0"), ([1] * 400, "ceilings")):
            self.assertEqual(self.assertRaises(Invalid, read_ceilings, given_).faults[0].field, field)
        self.assertEqual(midnight(DAY + 5_000), DAY)
