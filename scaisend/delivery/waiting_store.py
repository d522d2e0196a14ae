"""SQL of queued mail by page, for operations over many: in the order in which it comes due, tenant by tenant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scaisend.messages import waiting
from scaisend.messages.store import HELD_AT, US, micros
from scaisend.storage.database import Row, Txn

HASTENED = (
    waiting.DESTINATION_PAUSED, waiting.DESTINATION_BACKOFF, waiting.DESTINATION_BUSY, waiting.NO_CONNECTION, waiting.DNS_TROUBLE, waiting.TLS_TROUBLE,
    waiting.RETRY, waiting.GREYLISTED,
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk through a tenant's queued mail has come: the moment (microseconds) and id of the last row seen."""

    due: int = -1
    id: str = ""


def tenants_after_across_tenants(txn: Txn, after: str, most: int = 1) -> list[str]:
    """Tenants by id."""
    return [row[0] for row in txn.rows("SELECT id FROM tenants WHERE id > :after ORDER BY id LIMIT :most", {"after": after, "most": most})]


def later_recipients(txn: Txn, tenant_id: str, place: Place, now: float, most: int) -> tuple[list[tuple[str, str]], Place | None]:
    """(id, email) of the tenant's recipients that wait for a later moment and a reason of HASTENED, and where the next page begins; None: nowhere."""
    rows = txn.rows(
        "SELECT id, email, due_at, waiting FROM recipients WHERE tenant_id = :tenant_id AND due_at >= :from AND due_at < :held "
        "AND status IN ('queued', 'deferred') AND attempt_id IS NULL AND (due_at > :from OR id > :id) ORDER BY due_at, id LIMIT :most",
        {"tenant_id": tenant_id, "from": max(place.due, int(now * US)), "held": int(HELD_AT * US), "id": place.id, "most": most},
    )
    found = [(row[0], row[1]) for row in rows if row[3] in HASTENED]
    return found, _next(rows, most)


def hasten(txn: Txn, tenant_id: str, recipient_ids: Collection[str], now: float) -> int:
    """Those of the recipients that still wait are due now; how many."""
    if not recipient_ids:
        return 0
    return txn.execute(
        "UPDATE recipients SET due_at = :now, updated_at = :now WHERE id IN :ids AND tenant_id = :tenant_id AND due_at > :now AND due_at < :held "
        "AND status IN ('queued', 'deferred') AND attempt_id IS NULL",
        {"now": micros(now), "ids": sorted(recipient_ids), "tenant_id": tenant_id, "held": int(HELD_AT * US)},
    )


def _next(rows: Sequence[Row], most: int) -> Place | None:
    return Place(int(rows[-1][2]), rows[-1][0]) if len(rows) == most else None
