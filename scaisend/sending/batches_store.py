"""SQL of mail batches: the ids that mails are paused or cancelled by, and their scheduled-send status."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.messages import status as states
from scaisend.messages import waiting
from scaisend.storage.database import Txn

US = 1_000_000
DAY_S = 86_400.0
# Mails may name a batch for ten days. Their send_at lies at most three days ahead, and they may be held for as long again.
VALID_FOR_S = 10 * DAY_S
HELD_FOR_S = 3 * DAY_S
STOPS_FOR_S = VALID_FOR_S + 2 * HELD_FOR_S
OPEN = "open"
PAUSE = "pause"
CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: `status` is open, pause or cancel."""

    id: str
    status: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Held:
    """A message of a paused batch, with the recipients that wait."""

    message_id: str
    tenant_id: str
    recipient_ids: tuple[str, ...]


def make(txn: Txn, tenant_id: str, batch_id: str, now_s: float) -> None:
    """The batch exists and is open."""
    now = int(now_s * 1_000_000)
    txn.insert("batches", ("id", "tenant_id", "status", "created_at", "updated_at"), [(batch_id, tenant_id, OPEN, now, now)])


def get(txn: Txn, tenant_id: str, batch_id: str, *, lock: bool = False) -> Batch | None:
    """The tenant's batch; locked until the end of the transaction if so wished."""
    row = txn.row(
        f"SELECT id, status, created_at FROM batches WHERE tenant_id = :tenant_id AND id = :id {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "id": batch_id},
    )
    return Batch(row[0], row[1], row[2] / US) if row else None


def stopped(txn: Txn, tenant_id: str, most: int, now_s: float) -> list[Batch]:
    """The tenant's paused and cancelled batches that may still have mails, oldest change first."""
    rows = txn.rows(
        "SELECT id, status, created_at FROM batches WHERE tenant_id = :tenant_id AND status <> :open AND created_at > :after "
        "ORDER BY updated_at, id LIMIT :most",
        {"tenant_id": tenant_id, "open": OPEN, "after": int((now_s - STOPS_FOR_S) * US), "most": most},
    )
    return [Batch(row[0], row[1], row[2] / US) for row in rows]


def held_too_long_across_tenants(txn: Txn, now_s: float, most: int, batch_id: str | None = None) -> list[Held]:
    """Up to `most` messages held by paused batches, or by this one, whose send_at (or acceptance) is more than HELD_FOR_S ago."""
    only = "AND b.id = :batch_id " if batch_id is not None else ""
    messages = txn.rows(
        "SELECT m.id, m.tenant_id FROM batches b JOIN messages m ON m.batch_id = b.id AND m.tenant_id = b.tenant_id "
        f"WHERE b.status = :pause {only}AND m.status = :paused AND COALESCE(m.send_at, m.accepted_at) < :before ORDER BY m.id LIMIT :most",
        {"pause": PAUSE, "batch_id": batch_id, "paused": states.PAUSED, "before": int((now_s - HELD_FOR_S) * US), "most": most},
    )
    if not messages:
        return []
    waiting_ids: dict[str, list[str]] = {}
    for message_id, recipient_id in txn.rows(
        "SELECT message_id, id FROM recipients WHERE message_id IN :ids AND status IN :waiting AND attempt_id IS NULL ORDER BY message_id, number",
        {"ids": [row[0] for row in messages], "waiting": [states.QUEUED, states.DEFERRED]},
    ):
        waiting_ids.setdefault(message_id, []).append(recipient_id)
    return [Held(row[0], row[1], tuple(waiting_ids.get(row[0], ()))) for row in messages]


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


def statuses(
    txn: Txn, pairs: Sequence[tuple[str, str]], *, lock: bool = False, valid_at: float | None = None
) -> dict[tuple[str, str], str]:
    """The status of each (tenant_id, batch_id) that exists, and may be named by new mails at the moment `valid_at`: open, pause or cancel.

    Whoever holds a message back because of a `pause` takes the lock, so that a resume either comes first and is seen, or
    comes after and finds the message.
    """
    if not pairs:
        return {}
    rows = txn.rows(
        f"SELECT tenant_id, id, status FROM batches WHERE (tenant_id, id) IN :pairs AND created_at > :after {txn.dialect.for_update if lock else ''}",
        {"pairs": list(pairs), "after": -1 if valid_at is None else int((valid_at - VALID_FOR_S) * US)},
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
