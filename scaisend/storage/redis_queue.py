"""The queue in Redis: one script a call, whatever the number of ids. The keys are told in queue_scripts.py.

Laws: the main list holds every waiting id while each lane is under its window, so its LLEN is what an operator's probe wants.
An id is known from its push until it is acknowledged or deferred; only the worker that claimed it can end that. A claim whose
reply was lost is asked for again, and an acknowledgement that could not be sent goes with the next heartbeat, so a broken
connection keeps no id in flight for ever; nor does a snapshot that Redis restored, since claims end after an hour.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from scaisend.faults import Unavailable
from scaisend.storage import queue_scripts as scripts
from scaisend.storage.queue import HEARTBEAT_TTL_S, Depth
from scaisend.storage.redis import Redis, text_of
from scaisend.timing import ReactorTime

LISTEN_S = 5.0
MOST_UNSETTLED = 50_000


@dataclass(slots=True)
class _Unsettled:
    """What a broken connection left open for one queue and worker."""

    lost_claims: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)


class _Bell:
    """Those in this process who wait for one queue. A ring wakes one; its claim rings again when more is left."""

    def __init__(self, *, redis: Redis, key: str, reactor: ReactorTime) -> None:
        self._redis = redis
        self._key = key
        self._reactor = reactor
        self._waiters: deque[Deferred[bool]] = deque()
        self._listening = False

    async def wait(self, wait_s: float) -> bool:
        """Whether it rang for this caller within `wait_s`. Raises: Unavailable."""
        waiter: Deferred[bool] = Deferred(self._waiters.remove)
        self._waiters.append(waiter)
        timer = self._reactor.callLater(wait_s, self._end, waiter)
        if not self._listening:
            self._listening = True
            ensureDeferred(self._listen())
        try:
            return await waiter
        finally:
            if timer.active():
                timer.cancel()

    def dismiss(self) -> None:
        """Nobody waits any more."""
        for waiter in list(self._waiters):
            self._end(waiter)

    def _end(self, waiter: "Deferred[bool]") -> None:
        self._waiters.remove(waiter)
        waiter.callback(False)

    async def _listen(self) -> None:
        try:
            while self._waiters:
                if await self._redis.wait_for(self._key, LISTEN_S):
                    if self._waiters:
                        self._waiters.popleft().callback(True)
                    else:
                        await self._redis.command("RPUSH", self._key, "1")
        except Unavailable as error:
            waiters, self._waiters = list(self._waiters), deque()
            for waiter in waiters:
                waiter.errback(error)
        finally:
            self._listening = False


class RedisQueue:
    """Queues shared by all processes on one Redis."""

    def __init__(self, *, redis: Redis, reactor: ReactorTime) -> None:
        self._redis = redis
        self._reactor = reactor
        self._keys: dict[str, tuple[str, ...]] = {}
        self._bells: dict[str, _Bell] = {}
        self._unsettled: dict[tuple[str, str], _Unsettled] = {}
        self._last_number = 0
        self._closed = False

    async def push(self, name: str, ids: Sequence[str]) -> None:
        if ids:
            await self._redis.run(scripts.PUSH, self._keys_of(name), "\n".join(ids))

    async def claim(self, name: str, worker: str, most: int, wait_s: float) -> list[str]:
        until = self._reactor.seconds() + wait_s
        if (name, worker) in self._unsettled and (ids := await self._found_again(name, worker, most)):
            return ids
        while True:
            ids = await self._claim_now(name, worker, most)
            left_s = until - self._reactor.seconds()
            if ids or left_s <= 0 or self._closed or not await self._bell_of(name).wait(left_s):
                return ids

    async def acknowledge(self, name: str, worker: str, ids: Sequence[str]) -> None:
        """As the seam says; what could not be sent is sent with the next `beat` too."""
        if not ids:
            return
        try:
            await self._acknowledge(name, worker, ids)
        except Unavailable:
            waiting = self._unsettled.setdefault((name, worker), _Unsettled()).acknowledged
            waiting.extend(ids[: MOST_UNSETTLED - len(waiting)])
            raise

    async def defer(self, name: str, due: Sequence[tuple[str, float]]) -> None:
        if due:
            ids, moments = "\n".join([each[0] for each in due]), "\n".join([f"{each[1]:.3f}" for each in due])
            await self._redis.run(scripts.DEFER, self._keys_of(name), ids, moments)

    async def promote(self, name: str, now_s: float) -> int:
        promoted, due = 0, scripts.PROMOTED_AT_ONCE
        while due >= scripts.PROMOTED_AT_ONCE:
            reply = await self._redis.run(scripts.PROMOTE, self._keys_of(name), f"{now_s:.3f}")
            due, waiting = map(int, text_of(reply).split())
            promoted += waiting
        return promoted

    async def beat(self, worker: str) -> None:
        await self._redis.command("SET", self._heartbeat(worker), "1", "EX", HEARTBEAT_TTL_S)
        for (name, owner), unsettled in list(self._unsettled.items()):
            if owner == worker and unsettled.acknowledged:
                ids, unsettled.acknowledged = unsettled.acknowledged, []
                await self.acknowledge(name, worker, ids)

    async def recover(self, name: str) -> int:
        """As the seam says; and where lists were changed by hand, what is known agrees with them again."""
        await self._redis.run(scripts.REPAIR, self._keys_of(name))
        reply = await self._redis.run(scripts.RECOVER, self._keys_of(name), self._heartbeat(""))
        return int(text_of(reply))

    async def depth(self, name: str) -> Depth:
        waiting, delayed, in_flight = map(int, text_of(await self._redis.run(scripts.DEPTH, self._keys_of(name))).split())
        return Depth(waiting, delayed, in_flight)

    async def generation(self) -> str:
        """As the seam says; a restart or another master changes it too, since either may have lost the last moments."""
        key = self._redis.prefix + "scaisend:generation"
        return text_of(await self._redis.run(scripts.GENERATION, (key,), secrets.token_hex(8)))

    async def close(self) -> None:
        """As the seam says; a limiter on the same Redis then counts for this process alone."""
        self._closed = True
        for bell in self._bells.values():
            bell.dismiss()
        await self._redis.close()

    async def _claim_now(self, name: str, worker: str, most: int) -> list[str]:
        number = self._number()
        keys = (*self._keys_of(name), self._in_flight(name, worker), self._heartbeat(worker))
        try:
            reply = await self._redis.run(scripts.CLAIM, keys, worker, most, number)
        except (Unavailable, CancelledError):
            self._unsettled.setdefault((name, worker), _Unsettled()).lost_claims.append(number)
            raise
        return text_of(reply).split("\n") if reply else []

    async def _found_again(self, name: str, worker: str, most: int) -> list[str]:
        """Ids that a claim took though its reply was lost."""
        unsettled = self._unsettled[name, worker]
        if numbers := unsettled.lost_claims[:100]:
            keys = (*self._keys_of(name), self._in_flight(name, worker))
            reply = await self._redis.run(scripts.RECLAIM, keys, *numbers)
            del unsettled.lost_claims[: len(numbers)]
            unsettled.found.extend(text_of(reply).split("\n") if reply else [])
        ids = unsettled.found[:most]
        del unsettled.found[:most]
        if not (unsettled.lost_claims or unsettled.found or unsettled.acknowledged):
            self._unsettled.pop((name, worker), None)
        return ids

    async def _acknowledge(self, name: str, worker: str, ids: Sequence[str]) -> None:
        keys = (*self._keys_of(name), self._in_flight(name, worker))
        await self._redis.run(scripts.ACKNOWLEDGE, keys, worker, "\n".join(ids))

    def _number(self) -> str:
        """The claim's number: microseconds, and never the same twice in this process."""
        self._last_number = max(self._last_number + 1, int(self._reactor.seconds() * 1_000_000))
        return str(self._last_number)

    def _bell_of(self, name: str) -> _Bell:
        bell = self._bells.get(name)
        if bell is None:
            bell = self._bells[name] = _Bell(redis=self._redis, key=f"{self._redis.prefix}{name}:bell", reactor=self._reactor)
        return bell

    def _keys_of(self, name: str) -> tuple[str, ...]:
        keys = self._keys.get(name)
        if keys is None:
            main = self._redis.prefix + name
            keys = self._keys[name] = (main, *[f"{main}:{each}" for each in ("known", "lanes", "delayed", "workers", "bell")])
        return keys

    def _in_flight(self, name: str, worker: str) -> str:
        return f"{self._redis.prefix}{name}:inflight:{worker}"

    def _heartbeat(self, worker: str) -> str:
        return f"{self._redis.prefix}worker:{worker}"

