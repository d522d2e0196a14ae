"""SQL of the outbox and of deliveries, the batches of events that are posted to a webhook.

`due_at` says when somebody must look at a delivery: its next attempt, or the end of the lease of the claim `attempt_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.ids import letters
from scaisend.storage.database import Row, Txn

US = 1_000_000
QUEUED = "queued"
DELIVERED = "delivered"
FAILED = "failed"
_COLUMNS = ("id", "tenant_id", "webhook_id", "event_ids", "status", "attempts", "last_answer", "due_at", "attempt_id", "created_at", "updated_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM webhook_deliveries"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that is to be handed to its tenant's webhooks."""

    number: int
    event_id: str
    type: str


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A batch of events for one webhook."""

    id: str
    webhook_id: str
    event_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch and what became of it. `status` is queued, delivered or failed; it is `is_claimed` while it is being posted."""

    id: str
    tenant_id: str
    webhook_id: str
    event_ids: tuple[str, ...]
    status: str
    attempts: int
    last_answer: str | None
    due_at: float | None
    is_claimed: bool
    created_at: float
    updated_at: float


def tenants_in_outbox_across_tenants(txn: Txn) -> list[str]:
    """The tenants that have events in the outbox."""
    return [row[0] for row in txn.rows("SELECT DISTINCT tenant_id FROM outbox ORDER BY tenant_id")]


def outbox_of(txn: Txn, tenant_id: str, most: int) -> list[OutboxRow]:
    """The oldest rows of the tenant that no other process has in hand; an event that is gone has no type."""
    numbers = txn.rows(
        f"SELECT number, event_id FROM outbox WHERE tenant_id = :tenant_id ORDER BY number LIMIT :most {txn.dialect.skip_locked}",
        {"tenant_id": tenant_id, "most": most},
    )
    types: dict[str, str] = dict(txn.rows(
        "SELECT id, type FROM events WHERE id IN :ids AND tenant_id = :tenant_id", {"ids": [row[1] for row in numbers], "tenant_id": tenant_id}
    )) if numbers else {}
    return [OutboxRow(number, event_id, types.get(event_id, "")) for number, event_id in numbers]


def drop_from_outbox(txn: Txn, tenant_id: str, numbers: Sequence[int]) -> None:
    """The rows are gone."""
    txn.execute("DELETE FROM outbox WHERE number IN :numbers AND tenant_id = :tenant_id", {"numbers": numbers, "tenant_id": tenant_id})


def add_deliveries(txn: Txn, tenant_id: str, new: Sequence[NewDelivery], now: float) -> None:
    """The deliveries are due."""
    at = int(now * US)
    rows = [(each.id, tenant_id, each.webhook_id, orjson.dumps(list(each.event_ids)).decode(), QUEUED, 0, None, at, None, at, at) for each in new]
    if rows:
        txn.insert("webhook_deliveries", _COLUMNS, rows)


def due_webhooks_across_tenants(txn: Txn, now: float, most: int) -> list[tuple[str, str]]:
    """(webhook id, id of a due delivery of it) of every webhook that has one, each as often as any other."""
    rows = txn.rows(
        "SELECT webhook_id, MIN(id) FROM webhook_deliveries WHERE due_at <= :now GROUP BY webhook_id ORDER BY MIN(due_at) LIMIT :most",
        {"now": int(now * US), "most": most},
    )
    return [(row[0], row[1]) for row in rows]


def webhook_ids_across_tenants(txn: Txn, delivery_ids: Sequence[str]) -> list[str]:
    """The webhooks that these deliveries are for."""
    rows = txn.rows("SELECT DISTINCT webhook_id FROM webhook_deliveries WHERE id IN :ids", {"ids": delivery_ids})
    return [row[0] for row in rows]


def claim_across_tenants(txn: Txn, webhook_id: str, most: int, attempt_id: str, lease_until: float, now: float) -> list[Delivery]:
    """Up to `most` due deliveries of the webhook, longest due first, now held by the attempt until the lease ends."""
    rows = txn.rows(
        f"{_SELECT} WHERE webhook_id = :webhook_id AND due_at <= :now ORDER BY due_at, id LIMIT :most {txn.dialect.skip_locked}",
        {"webhook_id": webhook_id, "now": int(now * US), "most": most},
    )
    if rows:
        txn.execute(
            "UPDATE webhook_deliveries SET attempt_id = :attempt_id, due_at = :until WHERE id IN :ids",
            {"attempt_id": attempt_id, "until": int(lease_until * US), "ids": [row[0] for row in rows]},
        )
    return [_delivery(row) for row in rows]


def fail_due_across_tenants(txn: Txn, webhook_id: str, answer: str, now: float) -> int:
    """The webhook's due deliveries have failed; how many."""
    return txn.execute(
        "UPDATE webhook_deliveries SET status = :failed, due_at = NULL, attempt_id = NULL, last_answer = :answer, updated_at = :now "
        "WHERE webhook_id = :webhook_id AND due_at <= :now",
        {"failed": FAILED, "answer": answer[:512], "now": int(now * US), "webhook_id": webhook_id},
    )


def settle(
    txn: Txn, tenant_id: str, delivery_id: str, attempt_id: str, *, status: str, answer: str, due_at: float | None, now: float,
) -> bool:
    """The attempt's result is recorded and its claim ended; False when the delivery is in other hands by now."""
    return bool(txn.execute(
        "UPDATE webhook_deliveries SET status = :status, attempts = attempts + 1, last_answer = :answer, due_at = :due, attempt_id = NULL, "
        "updated_at = :now WHERE tenant_id = :tenant_id AND id = :id AND attempt_id = :attempt_id",
        {
            "status": status, "answer": answer[:512], "due": None if due_at is None else int(due_at * US), "now": int(now * US),
            "tenant_id": tenant_id, "id": delivery_id, "attempt_id": attempt_id,
        },
    ))


def deliveries_of(txn: Txn, tenant_id: str, webhook_id: str, *, status: str | None, below: str | None, most: int) -> list[Delivery]:
    """The webhook's deliveries (of that status), newest first, beginning below an id."""
    only = ("" if status is None else " AND status = :status") + ("" if below is None else " AND id < :below")
    rows = txn.rows(
        f"{_SELECT} WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id{only} ORDER BY id DESC LIMIT :most",
        {"tenant_id": tenant_id, "webhook_id": webhook_id, "status": status, "below": below, "most": most},
    )
    return [_delivery(row) for row in rows]


def delivery_of(txn: Txn, tenant_id: str, webhook_id: str, delivery_id: str, *, lock: bool = False) -> Delivery | None:
    """One delivery of the webhook."""
    if not delivery_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    row = txn.row(
        f"{_SELECT} WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND id = :id {txn.dialect.for_update if lock else ''}",
        {"tenant_id": tenant_id, "webhook_id": webhook_id, "id": delivery_id},
    )
    return _delivery(row) if row else None


def queue_again(txn: Txn, tenant_id: str, delivery_id: str, now: float) -> None:
    """The delivery is due, with all its attempts before it."""
    txn.execute(
        "UPDATE webhook_deliveries SET status = :queued, attempts = 0, due_at = :now, attempt_id = NULL, updated_at = :now "
        "WHERE tenant_id = :tenant_id AND id = :id",
        {"queued": QUEUED, "now": int(now * US), "tenant_id": tenant_id, "id": delivery_id},
    )


def forget_deliveries_across_tenants(txn: Txn, made_before: float, most: int) -> int:
    """Up to `most` ended deliveries that were made before the moment are gone; how many."""
    bound = "whd_" + letters(max(0, int(made_before * 1000)) << 80)
    ids = [row[0] for row in txn.rows(
        "SELECT id FROM webhook_deliveries WHERE id < :bound AND due_at IS NULL ORDER BY id LIMIT :most", {"bound": bound, "most": most}
    )]
    return txn.execute("DELETE FROM webhook_deliveries WHERE id IN :ids AND due_at IS NULL", {"ids": ids}) if ids else 0


def _delivery(row: Row) -> Delivery:
    return Delivery(
        row[0], row[1], row[2], tuple(orjson.loads(row[3])), row[4], row[5], row[6], None if row[7] is None else row[7] / US,
        row[8] is not None, row[9] / US, row[10] / US,
    )
