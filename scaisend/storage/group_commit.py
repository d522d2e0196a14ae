"""Group commit: what arrives while a transaction runs goes into the next one.

With nothing else going on a group is one item and waits for nothing; under load a group grows to `most` items and one
commit serves them all.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred

from scaisend.faults import Unavailable
from scaisend.storage.database import Database, Txn
from scaisend.timing import ReactorTime

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


@dataclass(slots=True)
class _Waiting(Generic[I, R]):
    item: I
    weight: int
    done: "Deferred[R]"


class GroupCommit(Generic[I, R]):
    """Runs `fn(txn, items)` for groups of items, at most `at_once` transactions at a time.

    `fn` answers one result an item, in order; a result that is an exception is raised for that item alone and leaves nothing
    behind. When `fn` itself fails, the group is split down to the items that make it fail.
    `weight` tells how much of `most` an item takes. `linger_s` lets a short group wait for company.
    """

    def __init__(
        self, *, database: Database, fn: Callable[[Txn, Sequence[I]], Sequence[R | Exception]], reactor: ReactorTime,
        most: int = 200, at_once: int = 2, linger_s: float = 0.0, weight: Callable[[I], int] = lambda item: 1,
    ) -> None:
        self._database = database
        self._fn = fn
        self._reactor = reactor
        self._most = most
        self._at_once = at_once
        self._linger_s = linger_s
        self._weight = weight
        self._waiting: deque[_Waiting[I, R]] = deque()
        self._waiting_weight = 0
        self._running = 0
        self._lingering = False
        self._idle: list[Deferred[None]] = []

    @property
    def waiting(self) -> int:
        """Items that are in no transaction yet."""
        return len(self._waiting)

    def run(self, item: I) -> "Deferred[R]":
        """Fires with the item's result after the commit that holds it.

        Raises: what `fn` raised or answered for this item; Unavailable when the database is away.
        """
        weight = self._weight(item)
        entry: _Waiting[I, R] = _Waiting(item, weight, Deferred())
        self._waiting.append(entry)
        self._waiting_weight += weight
        self._wake()
        return entry.done

    async def drained(self) -> None:
        """Nothing waits and nothing runs."""
        if self._waiting or self._running:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle

    def _wake(self) -> None:
        if self._running >= self._at_once:
            return
        if self._linger_s and self._waiting_weight < self._most:
            if not self._lingering:
                self._lingering = True
                self._reactor.callLater(self._linger_s, self._lingered)
            return
        self._start()

    def _lingered(self) -> None:
        self._lingering = False
        if self._waiting and self._running < self._at_once:
            self._start()

    def _start(self) -> None:
        self._running += 1
        ensureDeferred(self._serve())

    async def _serve(self) -> None:
        while self._waiting:
            await self._commit(self._take())
            if self._linger_s and self._waiting_weight < self._most:
                break
        self._running -= 1
        if self._waiting:
            self._wake()
        elif not self._running:
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)

    def _take(self) -> list[_Waiting[I, R]]:
        group = [self._waiting.popleft()]
        weight = group[0].weight
        while self._waiting and weight + self._waiting[0].weight <= self._most:
            weight += self._waiting[0].weight
            group.append(self._waiting.popleft())
        self._waiting_weight -= weight
        return group

    async def _commit(self, group: list[_Waiting[I, R]]) -> None:
        try:
            results = await self._database.run(self._fn, [entry.item for entry in group])
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                for entry in group:
                    entry.done.errback(error)
                return
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
            return
        if len(results) != len(group):
            results = [RuntimeError(f"{len(group)} items were committed and {len(results)} answered")] * len(group)
        for entry, result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                entry.done.errback(result)
            else:
                entry.done.callback(result)
