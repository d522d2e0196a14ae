"""SQL of bulk jobs: what they are, what they took of the queued mail, and how it goes back.

A step of a job is one transaction: its row is locked first, then messages, then recipients. So steps never overlap, whichever
processes take them, and one that was cut off never was.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scaisend.delivery.bulk import GATHERING, OPEN, UNDOING, Plan, Queued, Wanted, wanted_of
from scaisend.delivery.waiting_store import HASTENED, Place
from scaisend.messages import waiting
from scaisend.messages.store import HELD_AT, US, lock_messages_across_tenants, micros, moment_of
from scaisend.storage.database import Row, Txn

KEPT_S = 7 * 86_400.0
HELD_US = int(HELD_AT * US)
_JOB = (
    "SELECT id, tenant_id, action, wanted, delay_until, status, place, gathered, done, begins_at, reason, ordered_by, created_at, updated_at, route FROM bulk_jobs"
)
_QUEUED = "r.id, r.message_id, r.tenant_id, r.email, CASE WHEN m.status = 'scheduled' THEN 'scheduled' ELSE r.status END, r.waiting, m.from_email, m.subject, m.accepted_at"


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk job. `tenant_id` None: it concerns the mail of all tenants."""

    id: str
    tenant_id: str | None
    action: str
    wanted: Wanted
    until: float | None
    status: str
    place: tuple[object, ...]
    gathered: int
    done: int
    begins_at: float
    reason: str
    ordered_by: str
    created_at: float
    updated_at: float
    route: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """A recipient that a job took."""

    recipient_id: str
    tenant_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class _Held:
    """A recipient that a job holds, locked: how it waited before, in microseconds, and where it goes."""

    recipient_id: str
    message_id: str
    due_at: int | None
    why: str | None
    message_due_at: int | None
    route: str | None


def add_job_across_tenants(txn: Txn, job_id: str, tenant_id: str | None, plan: Plan, by: str, now: float) -> None:
    """The job is there; workers begin to gather."""
    txn.insert(
        "bulk_jobs",
        ("id", "tenant_id", "action", "wanted", "delay_until", "status", "place", "begins_at", "reason", "ordered_by", "created_at", "updated_at", "route"),
        [(
            job_id, tenant_id, plan.action, json.dumps(plan.wanted.shape(), ensure_ascii=False), micros(plan.until), GATHERING, "[]",
            micros(now + plan.undo_s), plan.reason, by[:128], micros(now), micros(now), plan.route,
        )],
    )


def jobs_across_tenants(txn: Txn, tenant_id: str | None, *, most: int = 100) -> list[Job]:
    """The jobs, newest first; of one tenant if so wished."""
    where, parameters = ("", {}) if tenant_id is None else ("WHERE tenant_id = :tenant_id", {"tenant_id": tenant_id})
    return [_job(row) for row in txn.rows(f"{_JOB} {where} ORDER BY created_at DESC, id DESC LIMIT :most", {**parameters, "most": most})]


def job_across_tenants(txn: Txn, job_id: str, tenant_id: str | None) -> Job | None:
    """The job; of the tenant if so wished."""
    row = txn.row(f"{_JOB} WHERE id = :id", {"id": job_id}) if job_id.isascii() else None
    return _job(row) if row and tenant_id in (None, row[1]) else None


def open_jobs_across_tenants(txn: Txn, now: float) -> list[str]:
    """Ids of jobs that have something to be done."""
    rows = txn.rows("SELECT id FROM bulk_jobs WHERE status IN :open AND (status <> 'waiting' OR begins_at <= :now) ORDER BY id", {"open": list(OPEN), "now": micros(now)})
    return [row[0] for row in rows]


def lock_job_across_tenants(txn: Txn, job_id: str) -> Job | None:
    """The job, locked; None while another process takes a step of it."""
    row = txn.row(f"{_JOB} WHERE id = :id {txn.dialect.skip_locked}", {"id": job_id})
    return _job(row) if row else None


def move_job_across_tenants(txn: Txn, job: Job, status: str, place: Sequence[object], now: float, *, gathered: int = 0, done: int = 0) -> None:
    """The job, locked by the caller, has come so far."""
    txn.execute(
        "UPDATE bulk_jobs SET status = :status, place = :place, gathered = gathered + :gathered, done = done + :done, updated_at = :now WHERE id = :id",
        {"status": status, "place": json.dumps(list(place)), "gathered": gathered, "done": done, "now": micros(now), "id": job.id},
    )


def undo_job_across_tenants(txn: Txn, job: Job, now: float) -> bool:
    """The job is to be undone, unless it has gone on meanwhile."""
    return txn.execute(
        "UPDATE bulk_jobs SET status = :undoing, done = 0, updated_at = :now WHERE id = :id AND (status IN ('gathering', 'waiting') OR (action = 'hold' AND status = 'done'))",
        {"undoing": UNDOING, "now": micros(now), "id": job.id},
    ) > 0


def due_page(txn: Txn, tenant_id: str, place: Place, most: int) -> tuple[list[Queued], Place | None]:
    """The tenant's recipients that wait for delivery and are nobody's, in the order in which they come due; where the next page begins."""
    rows = txn.rows(
        f"SELECT {_QUEUED}, r.due_at FROM recipients r JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id "
        "WHERE r.tenant_id = :tenant_id AND r.due_at >= :from AND r.due_at < :held AND r.status IN ('queued', 'deferred') AND r.attempt_id IS NULL "
        "AND (r.due_at > :from OR r.id > :id) ORDER BY r.due_at, r.id LIMIT :most",
        {"tenant_id": tenant_id, "from": place.due, "held": HELD_US, "id": place.id, "most": most},
    )
    return [_queued(row) for row in rows], Place(int(rows[-1][9]), rows[-1][0]) if len(rows) == most else None


def unrendered_page(txn: Txn, tenant_id: str, place: Place, most: int) -> tuple[list[Queued], Place | None]:
    """All waiting recipients of the tenant's messages that are still to be rendered and are nobody's, message by message."""
    messages = txn.rows(
        "SELECT id, due_at FROM messages WHERE tenant_id = :tenant_id AND due_at >= :from AND due_at < :held AND attempt_id IS NULL "
        "AND status IN ('queued', 'scheduled') AND (due_at > :from OR id > :id) ORDER BY due_at, id LIMIT :most",
        {"tenant_id": tenant_id, "from": place.due, "held": HELD_US, "id": place.id, "most": most},
    )
    rows = txn.rows(
        f"SELECT {_QUEUED} FROM recipients r JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id "
        "WHERE r.tenant_id = :tenant_id AND r.message_id IN :ids AND r.status IN ('queued', 'deferred') AND r.due_at IS NULL ORDER BY r.id",
        {"tenant_id": tenant_id, "ids": [row[0] for row in messages]},
    )
    return [_queued(row) for row in rows], Place(int(messages[-1][1]), messages[-1][0]) if len(messages) == most else None


def hold(txn: Txn, tenant_id: str, job: Job, found: Sequence[Queued], now: float) -> int:
    """Those of the recipients that still wait, and the renderings that were to come for them alone, are held and the job's; how many."""
    if not found:
        return 0
    message_ids = sorted({each.message_id for each in found})
    lock_messages_across_tenants(txn, message_ids)
    renderings = {
        row[0]: row[1] for row in txn.rows(
            "SELECT id, due_at FROM messages WHERE id IN :ids AND tenant_id = :tenant_id AND due_at < :held AND attempt_id IS NULL",
            {"ids": message_ids, "tenant_id": tenant_id, "held": HELD_US},
        )
    }
    rows = txn.rows(
        "SELECT id, message_id, due_at, waiting FROM recipients WHERE id IN :ids AND tenant_id = :tenant_id AND status IN ('queued', 'deferred') "
        "AND attempt_id IS NULL AND (due_at IS NULL OR due_at < :held) ORDER BY id " + txn.dialect.for_update,
        {"ids": sorted(each.recipient_id for each in found), "tenant_id": tenant_id, "held": HELD_US},
    )
    taken = [row for row in rows if row[2] is not None or row[1] in renderings]
    if not taken:
        return 0
    txn.insert(
        "bulk_items", ("job_id", "recipient_id", "tenant_id", "message_id", "due_at", "waiting", "message_due_at", "is_open"),
        [(job.id, row[0], tenant_id, row[1], row[2], row[3], renderings.get(row[1]) if row[2] is None else None, 1) for row in taken], ignore=True,
    )
    txn.execute(
        "UPDATE recipients SET due_at = CASE WHEN due_at IS NULL THEN NULL ELSE :held END, waiting = :why, updated_at = :now WHERE id IN :ids AND tenant_id = :tenant_id",
        {"held": HELD_US, "why": waiting.HELD, "now": micros(now), "ids": [row[0] for row in taken], "tenant_id": tenant_id},
    )
    txn.execute(
        "UPDATE messages SET due_at = :held, updated_at = :now WHERE id IN :ids AND tenant_id = :tenant_id",
        {"held": HELD_US, "now": micros(now), "ids": sorted({row[1] for row in taken if row[2] is None}), "tenant_id": tenant_id},
    )
    return len(taken)


def open_items_across_tenants(txn: Txn, job: Job, most: int) -> list[Item]:
    """Recipients that the job has yet to act on or to release."""
    return [Item(*row) for row in txn.rows(
        "SELECT recipient_id, tenant_id, message_id FROM bulk_items WHERE job_id = :job AND is_open = 1 ORDER BY recipient_id LIMIT :most",
        {"job": job.id, "most": most},
    )]


def close_items_across_tenants(txn: Txn, job: Job, items: Sequence[Item]) -> None:
    """The job has no more to do with them."""
    txn.execute("UPDATE bulk_items SET is_open = 0 WHERE job_id = :job AND recipient_id IN :ids", {"job": job.id, "ids": [each.recipient_id for each in items]})


def release_across_tenants(txn: Txn, job: Job, items: Sequence[Item], now: float, *, until: float | None = None) -> None:
    """Those of the items that are still held wait as they did before; with `until` for that moment."""
    held = _lock_held_across_tenants(txn, job, items)
    if until is not None:
        held = [
            replace(
                each, due_at=None if each.due_at is None else micros(until), why=each.why if each.due_at is None else waiting.DELAYED,
                message_due_at=None if each.message_due_at is None else micros(until),
            ) for each in held
        ]
    _put_back_across_tenants(txn, held, now)


def reroute_across_tenants(txn: Txn, job: Job, items: Sequence[Item], now: float) -> None:
    """Those of the items that are still held go to the job's route; what waited for another host is due now, the rest waits as it did before."""
    held = _lock_held_across_tenants(txn, job, items)
    led = sorted(each.recipient_id for each in held if each.route != job.route)
    if led:
        txn.execute("UPDATE recipients SET route = :route WHERE id IN :ids", {"route": job.route, "ids": led})
    _put_back_across_tenants(txn, [
        replace(each, due_at=micros(now), why=waiting.DELIVERY) if each.route != job.route and each.due_at is not None and each.why in HASTENED else each
        for each in held
    ], now)


def _lock_held_across_tenants(txn: Txn, job: Job, items: Sequence[Item]) -> list[_Held]:
    lock_messages_across_tenants(txn, sorted({each.message_id for each in items}))
    return [_Held(*row) for row in txn.rows(
        "SELECT i.recipient_id, i.message_id, i.due_at, i.waiting, i.message_due_at, r.route FROM bulk_items i JOIN recipients r ON r.id = i.recipient_id "
        "WHERE i.job_id = :job AND i.recipient_id IN :ids AND r.status IN ('queued', 'deferred') AND r.attempt_id IS NULL AND r.waiting = :held "
        "ORDER BY i.recipient_id " + txn.dialect.for_update,
        {"job": job.id, "ids": sorted(each.recipient_id for each in items), "held": waiting.HELD},
    )]


def _put_back_across_tenants(txn: Txn, held: Sequence[_Held], now: float) -> None:
    """They wait as is said here; the renderings that were held for them too."""
    recipients: dict[tuple[int | None, str | None], list[str]] = {}
    messages: dict[int, set[str]] = {}
    for each in held:
        recipients.setdefault((each.due_at, each.why), []).append(each.recipient_id)
        if each.message_due_at is not None:
            messages.setdefault(each.message_due_at, set()).add(each.message_id)
    for (due_at, why), ids in recipients.items():
        txn.execute("UPDATE recipients SET due_at = :due, waiting = :why, updated_at = :now WHERE id IN :ids", {"due": due_at, "why": why, "now": micros(now), "ids": ids})
    for due_at, those in messages.items():
        txn.execute(
            "UPDATE messages SET due_at = :due, updated_at = :now WHERE id IN :ids AND due_at = :held",
            {"due": due_at, "now": micros(now), "ids": sorted(those), "held": HELD_US},
        )


def drop_old_jobs_across_tenants(txn: Txn, now: float) -> None:
    """Jobs that ended a week ago are forgotten, with what they took; a hold stays as long as it holds."""
    rows = txn.rows(
        "SELECT j.id FROM bulk_jobs j WHERE j.status IN ('done', 'undone') AND j.updated_at < :old "
        "AND NOT EXISTS (SELECT 1 FROM bulk_items i WHERE i.job_id = j.id AND i.is_open = 1) LIMIT 10",
        {"old": micros(now - KEPT_S)},
    )
    for (job_id,) in rows:
        if txn.execute("DELETE FROM bulk_items WHERE job_id = :id", {"id": job_id}) >= 0:
            txn.execute("DELETE FROM bulk_jobs WHERE id = :id", {"id": job_id})


def _job(row: Row) -> Job:
    return Job(
        row[0], row[1], row[2], wanted_of(json.loads(row[3])), moment_of(row[4]), row[5], tuple(json.loads(row[6] or "[]")), int(row[7]), int(row[8]),
        row[9] / US, row[10], row[11], row[12] / US, row[13] / US, row[14],
    )


def _queued(row: Row) -> Queued:
    return Queued(*(*row[:8], row[8] / US))


