"""The limiter seam: how many requests a key may make in a window of time.

Windows are fixed and start at multiples of their length since the epoch, so that processes agree on them without asking.
"""

import re
from dataclasses import dataclass
from math import ceil
from typing import Protocol

_WRITTEN = re.compile(r"([1-9][0-9]{0,8})/(s|min)")


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` requests in each window of `per_s` seconds."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, and what the X-RateLimit headers say: `reset_at` in epoch seconds is the window's end.

    `retry_after_s` is 0 when allowed, else at least 1.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_at: float
    retry_after_s: int


class Limiter(Protocol):
    """Counts requests by key; never fails: without its server it counts for this process alone. A key belongs to one limit."""

    def take_now(self, key: str, limit: Limit, cost: int = 1) -> Verdict | None:
        """The verdict, when this process can tell it without asking anybody; else None, and nothing was counted."""

    async def take(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
        """The verdict; `cost` is counted when it is allowed."""


def read_limit(text: str) -> Limit | None:
    """The limit that is written `100/s` or `600/min`; None for `off`. Raises: ValueError."""
    if text == "off":
        return None
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise ValueError("is not N/s, N/min or off")
    return Limit(int(found[1]), 1.0 if found[2] == "s" else 60.0)


def verdict(allowed: bool, limit: Limit, remaining: int, reset_at: float, now_s: float) -> Verdict:
    """A verdict with its derived numbers in bounds."""
    retry_after_s = 0 if allowed else max(1, ceil(reset_at - now_s))
    return Verdict(allowed, limit.count, max(0, remaining), reset_at, retry_after_s)
