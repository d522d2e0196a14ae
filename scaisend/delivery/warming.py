"""Warm-up plans: how many mails a new source address may send on each of its first days, and in an hour of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.faults import Invalid

DAY_S = 86_400.0
HOUR_S = 3_600.0
HOURS = 10  # an hour's ceiling is a tenth of the day's, so that a day is not sent in a burst
MOST_DAYS = 366
STANDARD = (
    50, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000, 2_000_000,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a source address: `started_at` is the midnight (UTC) of its first day, `ceilings` mails a day."""

    source: str
    started_at: float
    ceilings: tuple[int, ...]

    def ceiling(self, now: float) -> int | None:
        """Mails of this day; None: the address is warm."""
        day = int((now - self.started_at) // DAY_S)
        if day < 0:
            return 0
        return self.ceilings[day] if day < len(self.ceilings) else None

    def left(self, taken: Mapping[int, int], now: float) -> int | None:
        """Mails that may still go this hour, when `taken` tells what went in each hour (since the epoch) of this day; None: as many as there are."""
        ceiling = self.ceiling(now)
        if ceiling is None:
            return None
        hour = int(now // HOUR_S)
        today = sum(count for each, count in taken.items() if hour - hour % 24 <= each <= hour)
        return max(0, min(ceiling - today, -(-ceiling // HOURS) - taken.get(hour, 0)))


def read_ceilings(given: object) -> tuple[int, ...]:
    """A plan's ceilings: the standard ones for None, else whole numbers, one a day. Raises: Invalid."""
    if given is None:
        return STANDARD
    if not isinstance(given, Sequence) or isinstance(given, str) or not 0 < len(given) <= MOST_DAYS:
        raise Invalid(f"must be a list of 1 to {MOST_DAYS} numbers, mails a day", "ceilings")
    for place, each in enumerate(given):
        if not isinstance(each, int) or isinstance(each, bool) or not 1 <= each <= 1_000_000_000:
            raise Invalid("must be a whole number from 1 to 1000000000", f"ceilings.{place}")
    return tuple(given)


def midnight(now: float) -> float:
    """The beginning of the day (UTC)."""
    return now - now % DAY_S
