"""How fast a destination takes mail, and so how many may wait for it here: a slow one must not hold the places of others' mail."""

from scaisend.delivery.job import DEFERRED, DELIVERED, REFUSED

LEAST_WAITING = 50
MOST_WAIT_S = 2.0
FIRST_RETURN_S = 5.0
LAST_RETURN_S = 900.0
SLOWEST_PER_S = 0.2
KNOWN_AFTER_S = 2.0
_JUDGED = (DELIVERED, DEFERRED, REFUSED)


class Pace:
    """Counts the mails that a destination gave its word on; `per_s` is the mean of the last seconds, weighted to the latest."""

    __slots__ = ("_began", "_judged", "_next_return", "_seen_at", "per_s")

    def __init__(self, now: float) -> None:
        self.per_s = 0.0
        self._judged = 0
        self._began = self._seen_at = now
        self._next_return = 0.0

    def note(self, kind: str) -> None:
        """One more job ended so (delivery/job.py: KINDS)."""
        if kind in _JUDGED:
            self._judged += 1

    def sweep(self, now: float) -> None:
        """The pace takes in what was judged since the last sweep, some second ago."""
        passed_s = now - self._seen_at
        if passed_s > 0:
            self.per_s += (self._judged / passed_s - self.per_s) * min(1.0, passed_s / MOST_WAIT_S)
            self._judged, self._seen_at = 0, now

    def surplus(self, waiting: int) -> int:
        """How many of the waiting jobs are more than it takes in MOST_WAIT_S; none before its pace is known."""
        if self._seen_at - self._began < KNOWN_AFTER_S:
            return 0
        return max(0, waiting - max(LEAST_WAITING, int(self.per_s * MOST_WAIT_S)))

    def return_at(self, now: float) -> float:
        """When one that was turned away comes back: one after the other at the destination's pace, 5 to 900 seconds from now."""
        self._next_return = max(self._next_return, now + FIRST_RETURN_S) + 1 / max(self.per_s, SLOWEST_PER_S)
        return min(self._next_return, now + LAST_RETURN_S)
