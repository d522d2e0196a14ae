"""SQL of what waits, for operators: why, for whom, and which ids stand first. Over all tenants."""

from dataclasses import dataclass

from scaisend.messages.store import micros, moment_of
from scaisend.storage.database import Txn, Value
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER, WEBHOOK_DELIVER

_WHY = (
    "CASE WHEN r.status = 'queued' AND m.status IN ('scheduled', 'paused') THEN m.status WHEN r.status = 'sending' THEN 'sending' "
    "ELSE COALESCE(r.waiting, CASE WHEN r.status = 'in_doubt' THEN 'in_doubt' ELSE 'delivery' END) END"
)
_PEEK = {
    EMAIL_PROCESS: "SELECT id, tenant_id, status, reason, due_at FROM messages",
    SMTP_DELIVER: "SELECT id, tenant_id, status, waiting, due_at FROM recipients",
    WEBHOOK_DELIVER: "SELECT id, tenant_id, status, last_answer, due_at FROM webhook_deliveries",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """How many recipients of a tenant wait for one reason, and the earliest moment at which one is looked at."""

    tenant_id: str
    reason: str
    count: int
    next_at: float | None


@dataclass(frozen=True, slots=True)
class First:
    """A row that stands near the head of a queue; `why` is what its row says of it."""

    id: str
    tenant_id: str
    status: str
    why: str | None
    due_at: float | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A message with a failed recipient."""

    id: str
    tenant_id: str


def reasons_across_tenants(txn: Txn, tenant_id: str | None) -> list[Reason]:
    """The reasons, most recipients first; of one tenant if so wished."""
    of_tenant, parameters = _of_tenant("r.tenant_id", tenant_id)
    rows = txn.rows(
        f"SELECT r.tenant_id, {_WHY} AS why, COUNT(*) AS n, MIN(r.due_at) FROM recipients r JOIN messages m ON m.id = r.message_id "
        f"WHERE r.status IN ('queued', 'deferred', 'sending', 'in_doubt') {of_tenant} GROUP BY r.tenant_id, why ORDER BY n DESC, r.tenant_id, why",
        parameters,
    )
    return [Reason(row[0], row[1], int(row[2]), moment_of(row[3])) for row in rows]


def first_across_tenants(txn: Txn, queue: str, tenant_id: str | None, most: int) -> list[First]:
    """The rows that are due first, those of the future included."""
    of_tenant, parameters = _of_tenant("tenant_id", tenant_id)
    rows = txn.rows(f"{_PEEK[queue]} WHERE due_at IS NOT NULL {of_tenant} ORDER BY due_at, id LIMIT :most", {**parameters, "most": most})
    return [First(*(*row[:4], moment_of(row[4]))) for row in rows]


def failed_across_tenants(txn: Txn, since: float, tenant_id: str | None, after: str, most: int) -> list[Failed]:
    """Messages above the id `after` of which a recipient failed since the moment."""
    of_tenant, parameters = _of_tenant("tenant_id", tenant_id)
    rows = txn.rows(
        f"SELECT DISTINCT message_id, tenant_id FROM recipients WHERE status = 'failed' AND updated_at >= :since AND message_id > :after {of_tenant} "
        "ORDER BY message_id LIMIT :most",
        {**parameters, "since": micros(since), "after": after, "most": most},
    )
    return [Failed(row[0], row[1]) for row in rows]


def tenant_of_message_across_tenants(txn: Txn, message_id: str) -> str | None:
    """The tenant whose message it is."""
    row = txn.row("SELECT tenant_id FROM messages WHERE id = :id", {"id": message_id})
    return str(row[0]) if row else None


def _of_tenant(column: str, tenant_id: str | None) -> tuple[str, dict[str, Value]]:
    return ("", {}) if tenant_id is None else (f"AND {column} = :tenant_id", {"tenant_id": tenant_id})
