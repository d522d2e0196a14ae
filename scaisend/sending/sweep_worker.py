"""Finds messages that are due and in no queue: after a crash between commit and push, after a wipe, or without any queue server."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from scaisend.faults import Unavailable
from scaisend.messages.store import active_tenants_across_tenants, due_messages
from scaisend.storage.database import Database, Txn
from scaisend.storage.queue import EMAIL_PROCESS, Queue

T = TypeVar("T")

FULL_TURN = 5_000
QUIET_TURN = 500
SHORT_QUEUE = 1_000


class RenderSweep:
    """Pushes due messages of every tenant in turn; ids that wait already are not added again."""

    def __init__(self, *, database: Database, queue: Queue, worker_id: str, now_s: Callable[[], float], grace_s: float) -> None:
        self._database = database
        self._queue = queue
        self._worker_id = worker_id
        self._now_s = now_s
        self._grace_s = grace_s
        self._generation = ""

    async def turn(self) -> None:
        """The queue is alive and holds what has been due for `grace_s`."""
        now = self._now_s()
        await self._queue.beat(self._worker_id)
        await self._queue.promote(EMAIL_PROCESS, now)
        await self._queue.recover(EMAIL_PROCESS)
        generation = await self._queue.generation()
        wiped, self._generation = generation != self._generation, generation
        short = wiped or (await self._queue.depth(EMAIL_PROCESS)).waiting < SHORT_QUEUE
        ids = await self._database.run(due_fairly, now - (0.0 if wiped else self._grace_s), FULL_TURN if short else QUIET_TURN)
        await self._queue.push(EMAIL_PROCESS, ids)

    async def due_ids(self, most: int) -> list[str]:
        """Ids of due messages straight from the database, for when the queue is away."""
        try:
            return await self._database.run(due_fairly, self._now_s(), most)
        except Unavailable:
            return []


def due_fairly(txn: Txn, due_before: float, most: int) -> list[str]:
    """Up to about `most` due messages, each tenant's oldest by turns, so that one tenant's thousands hide nobody's one."""
    return fairly(active_tenants_across_tenants(txn), lambda tenant_id, share: due_messages(txn, tenant_id, due_before, share), most)


def fairly(tenant_ids: Iterable[str], ask: Callable[[str, int], Sequence[T]], most: int) -> list[T]:
    """Up to `most` of what `ask(tenant id, share)` finds for each tenant: one of each, then the next of each.

    A tenant is asked for a quarter of `most`, and for all of it when the others leave room.
    """
    share = max(1, most // 4)
    found = {tenant_id: rows for tenant_id in tenant_ids if (rows := ask(tenant_id, share))}
    if sum(map(len, found.values())) < most:
        found = {tenant_id: ask(tenant_id, most) if len(rows) == share else rows for tenant_id, rows in found.items()}
    turns = range(max(map(len, found.values()), default=0))
    return list(islice((rows[turn] for turn in turns for rows in found.values() if turn < len(rows)), most))
