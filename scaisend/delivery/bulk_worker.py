"""Bulk jobs, step by step: gather and hold, wait, act, or give back. Any process may take any step."""

from collections.abc import Callable

from scaisend.delivery import bulk, bulk_store
from scaisend.delivery.bulk import Queued
from scaisend.delivery.bulk_store import Item, Job
from scaisend.delivery.waiting_store import Place, tenants_after_across_tenants
from scaisend.faults import Conflict
from scaisend.ids import IdMaker
from scaisend.messages.actions import FAIL, REQUEUE
from scaisend.messages.actions_store import act_on
from scaisend.storage.database import Database, Txn

EVERY_S = 1.0
CLEAN_EVERY_S = 3_600.0
PAGE = 500
ACTS = 100
STEPS = 20  # of one job in a turn, so that the others have theirs
RENDERED, UNRENDERED = "rendered", "unrendered"


class BulkJobs:
    """The turn of a worker. `now_s` tells epoch seconds."""

    def __init__(self, *, database: Database, ids: IdMaker, now_s: Callable[[], float]) -> None:
        self._database, self._ids, self._now_s = database, ids, now_s
        self._cleaned_at = float("-inf")

    async def turn(self) -> None:
        """Each job that has something to do has come some steps further. Raises: Unavailable."""
        for job_id in await self._database.run(bulk_store.open_jobs_across_tenants, self._now_s()):
            for _ in range(STEPS):
                if not await self._database.run(_step, self._ids, job_id, self._now_s()):
                    break
        if self._now_s() - self._cleaned_at >= CLEAN_EVERY_S:
            self._cleaned_at = self._now_s()
            await self._database.run(bulk_store.drop_old_jobs_across_tenants, self._now_s())


def _step(txn: Txn, ids: IdMaker, job_id: str, now: float) -> bool:
    """Whether there is more to do at once."""
    job = bulk_store.lock_job_across_tenants(txn, job_id)
    if job is None or job.status not in bulk.OPEN:
        return False
    if job.status == bulk.GATHERING:
        _gather(txn, job, now)
        return True
    if job.status == bulk.WAITING:
        if now < job.begins_at:
            return False
        bulk_store.move_job_across_tenants(txn, job, bulk.RUNNING, (), now)
        return True
    items = bulk_store.open_items_across_tenants(txn, job, ACTS if job.status == bulk.RUNNING else PAGE)
    if not items:
        bulk_store.move_job_across_tenants(txn, job, bulk.DONE if job.status == bulk.RUNNING else bulk.UNDONE, (), now)
        return False
    if job.status == bulk.RUNNING:
        _act(txn, ids, job, items, now)
    else:
        bulk_store.release_across_tenants(txn, job, items, now)
    bulk_store.close_items_across_tenants(txn, job, items)
    bulk_store.move_job_across_tenants(txn, job, job.status, (), now, done=len(items))
    return True


def _gather(txn: Txn, job: Job, now: float) -> None:
    """One page: of recipients that wait for delivery, then of messages that wait for rendering, tenant by tenant."""
    stage, tenant_id, due, last = job.place or (RENDERED, "", -1, "")
    if not tenant_id:
        tenant_id = job.tenant_id or next(iter(tenants_after_across_tenants(txn, "")), "")
    place = Place(int(str(due)), str(last))
    tenant = str(tenant_id)
    if stage == RENDERED:
        found, following = bulk_store.due_page(txn, tenant, place, PAGE)
        taken = [each for each in found if job.wanted.matches(each)]
    else:
        found, following = bulk_store.unrendered_page(txn, tenant, place, max(1, PAGE // 5))
        taken = _whole(job, found)
    held = bulk_store.hold(txn, tenant, job, taken, now)
    where: tuple[object, ...] | None = None
    if following is not None:
        where = (stage, tenant, following.due, following.id)
    elif stage == RENDERED:
        where = (UNRENDERED, tenant, -1, "")
    elif job.tenant_id is None and (after := tenants_after_across_tenants(txn, tenant)):
        where = (RENDERED, after[0], -1, "")
    if where is not None:
        bulk_store.move_job_across_tenants(txn, job, bulk.GATHERING, where, now, gathered=held)
    else:
        status = bulk.DONE if job.action == bulk.HOLD else bulk.WAITING
        bulk_store.move_job_across_tenants(txn, job, status, (), now, gathered=held)


def _whole(job: Job, found: list[Queued]) -> list[Queued]:
    """Recipients of messages all of whose waiting recipients are meant: a rendering is held for all or for none."""
    left_out = {each.message_id for each in found if not job.wanted.matches(each)}
    return [each for each in found if each.message_id not in left_out]


def _act(txn: Txn, ids: IdMaker, job: Job, items: list[Item], now: float) -> None:
    if job.action == bulk.DELAY:
        bulk_store.release_across_tenants(txn, job, items, now, until=job.until)
        return
    if job.action == bulk.REROUTE:
        bulk_store.reroute_across_tenants(txn, job, items, now)
        return
    act = FAIL if job.action == bulk.FAIL else REQUEUE
    refused = []
    for item in items:
        try:
            act_on(
                txn, item.tenant_id, ids, item.message_id, act, reason=job.reason, by=job.ordered_by, now=now, recipient_id=item.recipient_id
            )
        except Conflict:
            refused.append(item)  # it ended meanwhile, or its moment has not come: it waits as it did
    if refused:
        bulk_store.release_across_tenants(txn, job, refused, now)
