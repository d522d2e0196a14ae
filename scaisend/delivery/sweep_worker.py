"""Finds recipients whose moment has come: due retries, leases that ended, doubts that are to be resolved.

A lease that ends while the recipient is `sending` leaves it `in_doubt`; after SMTP_IN_DOUBT_WAIT the policy decides. Everything
else is simply tried again.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaisend.delivery import store
from scaisend.delivery.store import Lapsed
from scaisend.faults import Unavailable
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages import waiting
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.messages.store import active_tenants_across_tenants
from scaisend.sending.sweep_worker import FULL_TURN, QUIET_TURN, SHORT_QUEUE, fairly
from scaisend.storage.database import Database, Txn
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER, Queue

MOST_RESENDS = 5


@dataclass(frozen=True, slots=True)
class Doubt:
    """SMTP_IN_DOUBT_WAIT and SMTP_IN_DOUBT_POLICY (`retry` or `hold`)."""

    wait_s: float
    policy: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a sweep found to push: recipients to deliver, messages to render again; and how many are sent again out of doubt."""

    deliver: list[str]
    render: list[str]
    resent: int


class DeliverySweep:
    """Looks after recipients that nobody holds."""

    def __init__(
        self, *, database: Database, queue: Queue, ids: IdMaker, doubt: Doubt, worker_id: str, now_s: Callable[[], float], grace_s: float,
        count_resent: Callable[[int], None] = lambda recipients: None,
    ) -> None:
        self._database, self._queue, self._ids, self._doubt = database, queue, ids, doubt
        self._count_resent = count_resent
        self._worker_id, self._now_s, self._grace_s = worker_id, now_s, grace_s
        self._generation = ""

    async def turn(self) -> None:
        """Nobody's recipients are waiting in the queue, in doubt, or ended."""
        now = self._now_s()
        short = await self._keep_queue(now)
        found = await self._database.run(self._sweep, now, FULL_TURN if short else QUIET_TURN)
        if found.resent:
            self._count_resent(found.resent)
        await self._queue.push(SMTP_DELIVER, found.deliver)
        await self._queue.push(EMAIL_PROCESS, found.render)

    async def _keep_queue(self, now: float) -> bool:
        """The queue's own housekeeping; whether it holds so little that it may have lost something."""
        try:
            await self._queue.beat(self._worker_id)
            await self._queue.promote(SMTP_DELIVER, now)
            await self._queue.recover(SMTP_DELIVER)
            generation = await self._queue.generation()
            wiped, self._generation = generation != self._generation, generation
            return wiped or (await self._queue.depth(SMTP_DELIVER)).waiting < SHORT_QUEUE
        except Unavailable:
            return True

    async def due_ids(self, most: int) -> list[str]:
        """Ids of due recipients straight from the database, for when the queue is away."""
        try:
            return (await self._database.run(self._sweep, self._now_s(), most)).deliver[:most]
        except Unavailable:
            return []

    def _sweep(self, txn: Txn, now: float, most: int) -> Found:
        due = fairly(active_tenants_across_tenants(txn), lambda tenant_id, share: store.lapsed(txn, tenant_id, now, share), most)
        ready = [each.id for each in due if _is_ready(each)]
        found = store.lock_lapsed_across_tenants(txn, [each for each in due if not _is_ready(each)], now)
        self._doubt_ended(txn, [each for each in found if each.status == states.IN_DOUBT], now)
        self._fall_in_doubt(txn, [each for each in found if each.status == states.SENDING], now)
        free = [each for each in found if each.status in (states.QUEUED, states.DEFERRED)]
        if free:
            store.end_leases_across_tenants(txn, [each.id for each in free], now)
        render = [each for each in free if not each.has_body]
        messages = sorted({each.message_id for each in render})
        if render:
            store.render_again_across_tenants(txn, [each.id for each in render], messages, now)
        again = [each for each in found if each.status == states.IN_DOUBT and each.resends < MOST_RESENDS] if self._doubt.policy == "retry" else []
        return Found(ready + [each.id for each in free if each.has_body], messages, len(again))

    def _fall_in_doubt(self, txn: Txn, lapsed: Sequence[Lapsed], now: float) -> None:
        reason = "the worker that sent it ended before it recorded an answer"
        changes = [
            Change(
                _event(each, events.IN_DOUBT, reason, now), attempt_id=each.attempt_id, due_at=now + self._doubt.wait_s * (1 + random.random() / 20),
                waiting=waiting.IN_DOUBT, reason=reason, attempted=True,
            )
            for each in lapsed
        ]
        if changes:
            record(txn, self._ids, changes, now)

    def _doubt_ended(self, txn: Txn, lapsed: Sequence[Lapsed], now: float) -> None:
        if lapsed and self._doubt.policy == "hold":
            store.hold_across_tenants(txn, [each.id for each in lapsed], now)
        elif lapsed:
            record(txn, self._ids, [_resent(each, now) if each.resends < MOST_RESENDS else _given_up(each, now) for each in lapsed], now)


def _is_ready(each: Lapsed) -> bool:
    """Whether it only waits for a worker to claim it."""
    return each.status in (states.QUEUED, states.DEFERRED) and each.attempt_id is None and each.has_body


def _resent(each: Lapsed, now: float) -> Change:
    reason = "sent again: nothing told whether it had been delivered"
    return Change(_event(each, events.RESENT, reason, now), attempt_id=each.attempt_id, due_at=now, waiting=waiting.DELIVERY, reason=reason)


def _given_up(each: Lapsed, now: float) -> Change:
    """No destination gets copies for ever."""
    reason = f"sent {MOST_RESENDS + 1} times and never answered; it may have been delivered"
    detail = {"reason": reason, "bounce_type": "soft", "rule": "in-doubt"}
    return Change(Event(events.BOUNCE, each.tenant_id, each.message_id, each.id, now, detail), attempt_id=each.attempt_id, reason=reason)


def _event(each: Lapsed, kind: str, reason: str, now: float) -> Event:
    return Event(kind, each.tenant_id, each.message_id, each.id, now, {"reason": reason})
