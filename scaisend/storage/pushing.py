"""Pushes of ids, gathered for one reactor turn: many small pushes become one command, and none is waited for."""

from collections.abc import Sequence

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from scaisend.faults import Unavailable
from scaisend.storage.queue import Queue
from scaisend.timing import ReactorTime

MOST_AT_ONCE = 1_000


class Pushing:
    """Gathers ids for one queue. A push that fails is forgotten: the sweep of the table finds the rows."""

    log = Logger()

    def __init__(self, *, queue: Queue, name: str, reactor: ReactorTime, linger_s: float = 0.004) -> None:
        self._queue = queue
        self._name = name
        self._reactor = reactor
        self._linger_s = linger_s
        self._ids: list[str] = []
        self._planned = False
        self.failed = 0

    def push(self, ids: Sequence[str]) -> None:
        """The ids are pushed within a few milliseconds."""
        self._ids.extend(ids)
        if not self._planned:
            self._planned = True
            self._reactor.callLater(self._linger_s, self._turn)

    def _turn(self) -> None:
        ensureDeferred(self.flush())

    async def flush(self) -> None:
        """Everything gathered so far was pushed, or the queue is away."""
        self._planned = False
        while self._ids:
            ids, self._ids = self._ids[:MOST_AT_ONCE], self._ids[MOST_AT_ONCE:]
            try:
                await self._queue.push(self._name, ids)
            except Unavailable:
                self.failed += len(ids)
            except Exception:
                self.failed += len(ids)
                self.log.failure("ids could not be pushed to {queue}; the sweep will find them", queue=self._name)
