"""Limits shared by all processes: a process leases tokens of a window in blocks, and spends them without asking.

A block is a fiftieth of the limit, so a busy key costs some fifty calls a window in each process, not one a request. Limits
under EXACT_BELOW are leased one request at a time and so are exact. While Redis is away each process counts for itself.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from scaisend.faults import Unavailable
from scaisend.storage.limiter import Limit, Verdict, verdict
from scaisend.storage.memory_limiter import MemoryLimiter
from scaisend.storage.redis import Redis, Script, text_of

EXACT_BELOW = 100
BLOCKS = 50
MOST_KEYS = 20_000

LEASE = Script("""
local count, per_ms, least, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local key = KEYS[1] .. ':' .. string.format('%.0f', math.floor(now_ms / per_ms))
local left = count - tonumber(redis.call('GET', key) or 0)
local granted = 0
if left >= least then
  granted = math.min(want, left)
  redis.call('INCRBY', key, granted)
  redis.call('PEXPIRE', key, per_ms * 2)
end
return granted .. ' ' .. (left - granted) .. ' ' .. (per_ms - now_ms % per_ms)
""")


class _Lease:
    """Tokens of one window that this process may spend, and what was `left` for all when they were leased."""

    __slots__ = ("tokens", "left", "reset_at")

    def __init__(self, tokens: int, left: int, reset_at: float) -> None:
        self.tokens = tokens
        self.left = left
        self.reset_at = reset_at


class RedisLimiter:
    """Counts by key over all processes; `clock` tells epoch seconds."""

    def __init__(self, *, redis: Redis, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._clock = clock
        self._local = MemoryLimiter(clock=clock)
        self._leases: dict[str, _Lease] = {}
        self._asking: dict[str, list[Deferred[None]]] = {}

    def take_now(self, key: str, limit: Limit, cost: int = 1) -> Verdict | None:
        """As the seam says: from the lease, or this process's own count while Redis is away."""
        if not self._redis.is_up:
            return self._local.take_now(key, limit, cost)
        now_s = self._clock()
        lease = self._leases.get(key)
        if lease is None or now_s >= lease.reset_at:
            return None
        if lease.tokens >= cost:
            lease.tokens -= cost
            return verdict(True, limit, lease.left + lease.tokens, lease.reset_at, now_s)
        if lease.tokens + lease.left < cost:
            return verdict(False, limit, lease.left + lease.tokens, lease.reset_at, now_s)
        return None

    async def take(self, key: str, limit: Limit, cost: int = 1) -> Verdict:
        """As the seam says; those who ask for one key at the same time share the call."""
        answer = self.take_now(key, limit, cost)
        while answer is None:
            if key in self._asking:
                waiting: Deferred[None] = Deferred()
                self._asking[key].append(waiting)
                await waiting
            else:
                try:
                    await self._ask(key, limit, cost)
                except Unavailable:
                    return self._local.take_now(key, limit, cost)
            answer = self.take_now(key, limit, cost)
        return answer

    async def _ask(self, key: str, limit: Limit, cost: int) -> None:
        self._asking[key] = []
        try:
            await self._lease(key, limit, cost)
        finally:
            for waiting in self._asking.pop(key):
                waiting.callback(None)

    async def _lease(self, key: str, limit: Limit, cost: int) -> None:
        old = self._leases.get(key)
        spare = old.tokens if old is not None and self._clock() < old.reset_at else 0
        block = cost if limit.count < EXACT_BELOW else max(cost, limit.count // BLOCKS)
        keys = (f"{self._redis.prefix}limit:{key}",)
        reply = await self._redis.run(LEASE, keys, limit.count, int(limit.per_s * 1000), cost - spare, block)
        granted, left, reset_ms = map(int, text_of(reply).split())
        now_s = self._clock()
        old = self._leases.pop(key, None)
        spare = old.tokens if old is not None and now_s < old.reset_at else 0
        if len(self._leases) >= MOST_KEYS:
            self._forget(now_s)
        self._leases[key] = _Lease(granted + spare, left, now_s + reset_ms / 1000)

    def _forget(self, now_s: float) -> None:
        """The ended leases are gone, and the oldest half of the rest where that was not enough."""
        self._leases = {key: lease for key, lease in self._leases.items() if lease.reset_at > now_s}
        if len(self._leases) >= MOST_KEYS:
            for key in list(self._leases)[: MOST_KEYS // 2]:
                del self._leases[key]
