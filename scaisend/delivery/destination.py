"""How a destination fares: taking mail, left alone for a while after it did not, or paused by an operator."""

from dataclasses import dataclass

OPEN = "open"
BACKING_OFF = "backing_off"
PAUSED = "paused"

FIRST_DELAY_S = 15.0
LONGEST_DELAY_S = 900.0


@dataclass(frozen=True, slots=True)
class DestinationState:
    """A destination as metrics, operators and the database see it. `retry_at` in epoch seconds; `waiting`, `marked` and `connections` count this
    process only; `last_reply` is why it is left alone."""

    name: str
    state: str
    retry_at: float | None
    failures: int
    last_reply: str | None
    waiting: int = 0
    marked: int = 0
    connections: int = 0


class Backoff:
    """Failures in a row of one destination, and until when it is left alone."""

    __slots__ = ("failures", "last_reply", "retry_at", "throttled")

    def __init__(self) -> None:
        self.failures = 0
        self.retry_at = 0.0
        self.last_reply: str | None = None
        self.throttled = False

    def holds(self, now: float) -> bool:
        """It must not be contacted now."""
        return now < self.retry_at

    def stops(self, now: float) -> bool:
        """It asked for less mail, so open connections are not used either."""
        return self.throttled and now < self.retry_at

    def failed(self, now: float, reply: str, jitter: float, *, throttled: bool = False, crowded: bool = False) -> bool:
        """False when that is known already. It is left alone: FIRST_DELAY_S, doubling with each failure to LONGEST_DELAY_S, times 2/3 to 4/3 by `jitter` in [0, 1).

        `crowded`: other processes of ours hold the connections that it takes; the delay is the first one, however often that happens.
        """
        self.throttled = throttled or (self.throttled and self.holds(now))
        if self.holds(now):
            # Another connection met the same trouble at the same time.
            self.last_reply = reply
            return False
        before = 0 if crowded else self.failures
        delay_s = min(FIRST_DELAY_S * 2.0 ** min(before, 16), LONGEST_DELAY_S)
        self.failures = max(self.failures, before + 1)
        self.retry_at = now + delay_s * (2 / 3 + jitter * 2 / 3)
        self.last_reply = reply
        return True

    def hold(self, until: float, why: str) -> None:
        """It is left alone for a fault of our own, which is not counted against it."""
        self.retry_at, self.last_reply = max(self.retry_at, until), why

    def succeeded(self, now: float) -> bool:
        """It took a mail, or judged one. True when that changed something; while it is left alone nothing does."""
        if not self.failures or self.holds(now):
            return False
        self.restore(failures=0, retry_at=0.0, last_reply=None)
        return True

    def restore(self, *, failures: int, retry_at: float, last_reply: str | None) -> None:
        """It is as another process, or this one before it was restarted, left it."""
        self.failures, self.retry_at, self.last_reply = failures, retry_at, last_reply
