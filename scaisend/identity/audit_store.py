"""The audit log: who did what to the installation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.storage.database import Row, Txn

_COLUMNS = ("tenant_id", "actor", "action", "resource", "change", "source", "request_id", "happened_at")
_SELECT = "SELECT number, tenant_id, actor, action, resource, `change`, source, request_id, happened_at FROM audit_log"


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the log. `number` counts up; `change` is what the actor's room wrote, without secrets."""

    number: int
    tenant_id: str | None
    actor: str
    action: str
    resource: str | None
    change: Mapping[str, object] | None
    source: str | None
    request_id: str | None
    happened_at: float


def record_act(
    txn: Txn, tenant_id: str | None, *, actor: str, action: str, resource: str | None, change: Mapping[str, object] | None,
    source: str | None, request_id: str | None, happened_at: float,
) -> None:
    """The act is in the log if this transaction commits.

    `action` is a noun, a dot and a verb, such as `api_key.create`; `tenant_id` is None for what concerns no single tenant.
    `change` is JSON-able and holds no secret.
    """
    row = (
        tenant_id, actor[:128], action[:64], resource[:128] if resource else None,
        json.dumps(change, ensure_ascii=False, separators=(",", ":")) if change is not None else None,
        source[:64] if source else None, request_id[:64] if request_id else None, int(happened_at * 1_000_000),
    )
    txn.insert("audit_log", [f"`{column}`" for column in _COLUMNS], [row])


def acts(txn: Txn, tenant_id: str, *, before: int | None, most: int) -> list[Act]:
    """The tenant's acts, newest first: at most `most` of them, with numbers under `before` when it is given."""
    found = txn.rows(
        f"{_SELECT} WHERE tenant_id = :tenant_id AND number < :before ORDER BY number DESC LIMIT :most",
        {"tenant_id": tenant_id, "before": 2**62 if before is None else before, "most": most},
    )
    return [_act(row) for row in found]


def _act(row: Row) -> Act:
    number, tenant_id, actor, action, resource, change, source, request_id, happened_at = row
    return Act(
        number, tenant_id, actor, action, resource, json.loads(change) if change else None, source, request_id, happened_at / 1_000_000,
    )
