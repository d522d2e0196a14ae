"""Days, weeks and months of statistics, in UTC. Weeks begin on Monday (ISO 8601)."""

from datetime import UTC, date, datetime, timedelta

DAY = "day"
WEEK = "week"
MONTH = "month"
AGGREGATIONS = (DAY, WEEK, MONTH)
MOST_DAYS = 1_127
DAY_S = 86_400


def read_day(text: str) -> date:
    """The day of `YYYY-MM-DD`. Raises: ValueError."""
    if len(text) != 10 or not text.isascii() or text[7] != "-":
        raise ValueError("not a day")
    return date.fromisoformat(text)


def day_of(at: float) -> date:
    """The day of a moment."""
    return datetime.fromtimestamp(at, UTC).date()


def start_of(day: date) -> float:
    """The moment at which the day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def period_of(day: date, by: str) -> date:
    """The first day of the period that the day is in."""
    if by == WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == MONTH else day


def periods(first: date, last: date, by: str) -> list[date]:
    """The first days of all periods from the one of `first` to the one of `last`."""
    found = [period_of(first, by)]
    while True:
        # Over the end of any of the periods, and back to its first day.
        following = period_of(found[-1] + timedelta(days={DAY: 1, WEEK: 7, MONTH: 31}[by]), by)
        if following > last:
            return found
        found.append(following)


def portions(first: date, last: date) -> list[tuple[str, date, date]]:
    """The days from `first` to `last`, both counted, as whole months and the days around them: (DAY or MONTH, first day, last day) in order."""
    month_begin = first if first.day == 1 else _following_month(first)
    month_end = _following_month(last) if (last + timedelta(days=1)).day == 1 else last.replace(day=1)
    if month_begin >= month_end:
        return [(DAY, first, last)]
    parts = [(DAY, first, month_begin - timedelta(days=1)), (MONTH, month_begin, month_end - timedelta(days=1)), (DAY, month_end, last)]
    return [part for part in parts if part[1] <= part[2]]


def _following_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
