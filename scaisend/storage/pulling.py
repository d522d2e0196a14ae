"""Pulls of ids: what a worker takes from its queue, or from the table behind it while the queue is away."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from scaisend.faults import Unavailable
from scaisend.storage.pausing import pause
from scaisend.storage.queue import Queue
from scaisend.timing import ReactorTime

WAIT_S = 5.0
AWAY_S = 1.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """Ids to look at, and whether the queue counts them as in flight until they are acknowledged."""

    ids: Sequence[str]
    is_in_flight: bool


class Pulling:
    """Takes ids from one queue for one worker. `due_ids(most)` reads them from the table; whoever claims the rows has them."""

    def __init__(
        self, *, queue: Queue, name: str, worker_id: str, due_ids: Callable[[int], Awaitable[list[str]]], reactor: ReactorTime
    ) -> None:
        self._queue, self._name, self._worker_id, self._due_ids, self._reactor = queue, name, worker_id, due_ids, reactor

    async def pull(self, most: int) -> Pulled:
        """Up to `most` ids; none after WAIT_S in which none came, or AWAY_S without a queue. Raises: Unavailable when the database is away too."""
        try:
            return Pulled(await self._queue.claim(self._name, self._worker_id, most, WAIT_S), True)
        except Unavailable:
            ids = await self._due_ids(most)
            if not ids:
                await pause(self._reactor, AWAY_S)
            return Pulled(ids, False)

    async def acknowledge(self, pulled: Pulled) -> None:
        """The ids may be pushed again; while the queue is away, as soon as it can be told."""
        if pulled.is_in_flight:
            try:
                await self._queue.acknowledge(self._name, self._worker_id, pulled.ids)
            except Unavailable:
                pass
