"""SQL of mail batches: the ids that mails are paused or cancelled by, and their scheduled-send status."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.messages import status as states
from scaisend.messages import waiting
from scaisend.storage.database import Txn

OPEN = "open"
PAUSE = "pause"
CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: `status` is open, pause or cancel."""

    id: str
    status: str


def make(txn: Txn, tenant_id: str, batch_id: str, now_s: float) -> None:
    """The batch exists and is open."""
    now = int(now_s * 1_000_000)
    txn.insert("batches", ("id", "tenant_id", "status", "created_at", "updated_at"), [(batch_id, tenant_id, OPEN, now, now)])


def get(txn: Txn, tenant_id: str, batch_id: str, *, lock: bool = False) -> Batch | None:
    """The tenant's batch; locked until the end of the transaction if so wished."""
    row = txn.row(
        f"SELECT id, status FROM batches WHERE tenant_id = :tenant_id AND id = :id {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "id": batch_id},
    )
    return Batch(*row) if row else None


def stopped(txn: Txn, tenant_id: str, most: int) -> list[Batch]:
    """The tenant's paused and cancelled batches, oldest change first."""
    rows = txn.rows(
        "SELECT id, status FROM batches WHERE tenant_id = :tenant_id AND status <> :open ORDER BY updated_at, id LIMIT :most",
        {"tenant_id": tenant_id, "open": OPEN, "most": most},
    )
    return [Batch(*row) for row in rows]


def set_status(txn: Txn, tenant_id: str, batch_id: str, status: str, now_s: float) -> None:
    """The batch has the status, and its messages wait, or wait no longer, accordingly."""
    txn.execute(
        "UPDATE batches SET status = :status, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
        {"status": status, "now": int(now_s * 1_000_000), "tenant_id": tenant_id, "id": batch_id},
    )
    apply_batch_status(txn, tenant_id, batch_id, status, now_s)


def counts(txn: Txn, tenant_id: str, batch_id: str) -> dict[str, int]:
    """How many messages of the batch have each status."""
    rows = txn.rows(
        "SELECT status, COUNT(*) FROM messages WHERE batch_id = :id AND tenant_id = :tenant_id GROUP BY status ORDER BY status",
        {"id": batch_id, "tenant_id": tenant_id},
    )
    return dict(rows)


def known_batches(txn: Txn, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (tenant_id, batch_id) that exist."""
    return set(statuses(txn, pairs))


def statuses(txn: Txn, pairs: Sequence[tuple[str, str]], *, lock: bool = False) -> dict[tuple[str, str], str]:
    """The status of each (tenant_id, batch_id) that exists: open, pause or cancel.

    Whoever holds a message back because of a `pause` takes the lock, so that a resume either comes first and is seen, or
    comes after and finds the message.
    """
    if not pairs:
        return {}
    rows = txn.rows(
        f"SELECT tenant_id, id, status FROM batches WHERE (tenant_id, id) IN :pairs {txn.dialect.for_update if lock else ''}",
        {"pairs": list(pairs)},
    )
    return {(tenant_id, batch_id): status for tenant_id, batch_id, status in rows}


def apply_batch_status(txn: Txn, tenant_id: str, batch_id: str, status: str, now_s: float) -> int:
    """The batch's messages follow its new status; how many did.

    `pause` holds those that no worker has begun. Any other status lets the held ones go, at their send_at or now: of a
    cancelled batch the worker that claims them makes an end.
    """
    moment = int(now_s * 1_000_000)
    if status == PAUSE:
        return txn.execute(
            "UPDATE messages SET status = :paused, reason = :reason, due_at = NULL, updated_at = :now WHERE batch_id = :id "
            "AND tenant_id = :tenant_id AND status IN :waiting AND attempt_id IS NULL",
            {
                "paused": states.PAUSED, "reason": waiting.PAUSED, "now": moment, "id": batch_id, "tenant_id": tenant_id,
                "waiting": [states.SCHEDULED, states.QUEUED],
            },
        )
    return txn.execute(
        "UPDATE messages SET status = CASE WHEN send_at > :now THEN :scheduled ELSE :queued END, "
        "reason = CASE WHEN send_at > :now THEN :reason ELSE NULL END, due_at = CASE WHEN send_at > :now THEN send_at ELSE :now END, "
        "updated_at = :now WHERE batch_id = :id AND tenant_id = :tenant_id AND status = :paused AND attempt_id IS NULL",
        {
            "now": moment, "scheduled": states.SCHEDULED, "queued": states.QUEUED, "reason": waiting.SCHEDULED, "id": batch_id,
            "tenant_id": tenant_id, "paused": states.PAUSED,
        },
    )
