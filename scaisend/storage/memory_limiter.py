"""Limits counted in this process alone: the embedded adapter, and the fallback when Redis is away."""

from collections.abc import Callable

from scaisend.storage.limiter import Limit, Verdict, verdict

MOST_KEYS = 20_000


class _Window:
    __slots__ = ("used", "reset_at")

    def __init__(self, reset_at: float) -> None:
        self.used = 0
        self.reset_at = reset_at


class MemoryLimiter:
    """A count for each key and window; at most MOST_KEYS keys are remembered, the oldest windows go first."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def take_now(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
        """The verdict, at once."""
        now_s = self._clock()
        window = self._windows.get(key)
        if window is None or now_s >= window.reset_at:
            window = self._open(key, limit, now_s)
        allowed = window.used + cost <= limit.count
        if allowed:
            window.used += cost
        return verdict(allowed, limit, limit.count - window.used, window.reset_at, now_s)

    async def take(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
        return self.take_now(key, limit, cost)

    def _open(self, key: str, limit: Limit, now_s: float) -> _Window:
        self._windows.pop(key, None)
        if len(self._windows) >= MOST_KEYS:
            self._forget(now_s)
        window = self._windows[key] = _Window((now_s // limit.per_s + 1) * limit.per_s)
        return window

    def _forget(self, now_s: float) -> None:
        """The ended windows are gone, and the oldest half of the rest where that was not enough."""
        self._windows = {key: window for key, window in self._windows.items() if window.reset_at > now_s}
        if len(self._windows) >= MOST_KEYS:
            for key in list(self._windows)[: MOST_KEYS // 2]:
                del self._windows[key]
