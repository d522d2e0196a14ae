from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.reporting.periods import (
    AGGREGATIONS,
    DAY,
    MONTH,
    WEEK,
    day_of,
    period_of,
    periods,
    portions,
    read_day,
    start_of,
)
from tests.base import PlainTestCase


class PeriodsTests(PlainTestCase):
    def test_weeks_and_months(self) -> None:
        """A week begins on Monday, a month on its first, whatever day is asked for."""
        self.assertEqual(periods(date(2027, 1, 30), date(2027, 3, 1), MONTH), [date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)])
        self.assertEqual(periods(date(2027, 1, 15), date(2027, 1, 25), WEEK), [date(2027, 1, 11), date(2027, 1, 18), date(2027, 1, 25)])

    @settings(deadline=None)
    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 500), st.sampled_from(AGGREGATIONS))
    def test_every_day_is_in_one_period(self, first: date, length: int, by: str) -> None:
        """The periods of any span are in order, each once, and hold each of its days."""
        last = first + timedelta(days=length)
        found = periods(first, last, by)
        self.assertEqual(found, sorted({period_of(first + timedelta(days=n), by) for n in range(length + 1)}))

    @settings(deadline=None)
    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 500))
    def test_whole_months(self, first: date, length: int) -> None:
        """The portions of any span hold each of its days once, in order; a month is in them as a whole, and no whole month is left in days."""
        last = first + timedelta(days=length)
        found, following = portions(first, last), first
        for span, begin, end in found:
            self.assertEqual(begin, following)
            following = end + timedelta(days=1)
            whole = {day for n in range((end - begin).days + 1) if (day := begin + timedelta(days=n)).day == 1 and (day + timedelta(days=31)).replace(day=1) <= following}
            self.assertEqual((begin.day == 1 and following.day == 1, bool(whole)), (span == MONTH, span == MONTH))
            self.assertIn(span, (DAY, MONTH))
        self.assertEqual(following, last + timedelta(days=1))

    def test_days(self) -> None:
        """A day is YYYY-MM-DD and nothing else, in UTC."""
        self.assertEqual(read_day("2027-02-28"), date(2027, 2, 28))
        for text in ("2027-02-29", "2027-2-1", "20270228", "2027-W01-1", "", "２０２７-01-01", "2027-01-01T00"):
            self.assertRaises(ValueError, read_day, text)
        day = date(2027, 3, 28)
        self.assertEqual((day_of(start_of(day)), day_of(start_of(day) - 0.001), start_of(day) % 86_400), (day, date(2027, 3, 27), 0))
