"""Turns events in the outbox into deliveries, wakes the posting of due ones, and forgets old ones."""

from collections.abc import Callable, Sequence
from typing import Protocol

from scaisend.ids import IdMaker
from scaisend.reporting import deliveries_store as store
from scaisend.reporting.deliveries_store import NewDelivery
from scaisend.reporting.webhooks_store import webhooks_of
from scaisend.storage.database import Database, Txn
from scaisend.storage.queue import WEBHOOK_DELIVER, Queue

EVENTS_A_DELIVERY = 250
ROWS_A_ROUND = 1_000
ROUNDS_A_TURN = 20
WEBHOOKS_A_TURN = 1_000
KEPT_DAYS = 30
FORGOTTEN_A_TURN = 500


class Pushes(Protocol):
    """Takes ids of work that can begin (storage/pushing.py)."""

    def push(self, ids: Sequence[str]) -> None: ...


class WebhookSweep:
    """Both turns are taken again and again by any number of processes."""

    def __init__(
        self, *, database: Database, queue: Queue, pushing: Pushes, ids: IdMaker, worker_id: str, now_s: Callable[[], float],
        reached: Callable[[str], None],
    ) -> None:
        self._database = database
        self._queue = queue
        self._pushing = pushing
        self._ids = ids
        self._worker_id = worker_id
        self._now_s = now_s
        self._reached = reached

    async def fan_out(self) -> None:
        """What was in the outbox is in deliveries that are due; each tenant in turn, so that none waits for another's thousands."""
        tenant_ids = await self._database.read(store.tenants_in_outbox_across_tenants)
        for _ in range(ROUNDS_A_TURN):
            if not tenant_ids:
                return
            left = []
            for tenant_id in tenant_ids:
                taken, made = await self._database.run(self.fan_out_one, tenant_id)
                self._reached("webhooks.fanned_out")
                self._pushing.push(made)
                if taken == ROWS_A_ROUND:
                    left.append(tenant_id)
            tenant_ids = left

    def fan_out_one(self, txn: Txn, tenant_id: str) -> tuple[int, list[str]]:
        """The tenant's oldest events in the outbox are in deliveries; how many there were, and the ids of the deliveries."""
        rows = store.outbox_of(txn, tenant_id, ROWS_A_ROUND)
        if not rows:
            return 0, []
        new = []
        for webhook in webhooks_of(txn, tenant_id):
            if webhook.is_enabled:
                wanted = [row.event_id for row in rows if webhook.wants(row.type)]
                new += batches(self._ids, tenant_id, webhook.id, wanted)
        store.add_deliveries(txn, tenant_id, new, self._now_s())
        store.drop_from_outbox(txn, tenant_id, [row.number for row in rows])
        return len(rows), [each.id for each in new]

    async def turn(self) -> None:
        """The queue is alive and holds one due delivery of each webhook that has one: the worker then takes that webhook's others."""
        now = self._now_s()
        await self._queue.beat(self._worker_id)
        await self._queue.promote(WEBHOOK_DELIVER, now)
        await self._queue.recover(WEBHOOK_DELIVER)
        due = await self._database.read(store.due_webhooks_across_tenants, now, WEBHOOKS_A_TURN)
        await self._queue.push(WEBHOOK_DELIVER, [delivery_id for _, delivery_id in due])

    async def forget(self) -> None:
        """Deliveries that ended and are older than 30 days are gone."""
        before = self._now_s() - KEPT_DAYS * 86_400
        while await self._database.run(store.forget_deliveries_across_tenants, before, FORGOTTEN_A_TURN) == FORGOTTEN_A_TURN:
            pass

    async def due_ids(self, most: int) -> list[str]:
        """Due deliveries straight from the database, one of each webhook, for when the queue is away."""
        due = await self._database.read(store.due_webhooks_across_tenants, self._now_s(), most)
        return [delivery_id for _, delivery_id in due]


def batches(ids: IdMaker, tenant_id: str, webhook_id: str, event_ids: Sequence[str]) -> list[NewDelivery]:
    """Deliveries of at most EVENTS_A_DELIVERY events that hold all of them in order."""
    return [
        NewDelivery(ids.new("whd", tenant_id), webhook_id, event_ids[start : start + EVENTS_A_DELIVERY])
        for start in range(0, len(event_ids), EVENTS_A_DELIVERY)
    ]
