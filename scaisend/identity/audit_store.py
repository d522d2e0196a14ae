"""The audit log: who did what to the installation. The rows of a tenant, and those of none, form a chain each (audit_chain.py)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scaisend.identity.audit_chain import INSTALLATION, Chain, ChainedRow, hash_of, hash_of_older
from scaisend.storage.database import Row, Txn

_CHAINED = ("tenant_id", "partner_id", "actor", "action", "resource", "change", "source", "request_id", "happened_at")
_COLUMNS = (*_CHAINED, "place", "previous_hash", "row_hash")
_END = "places, last_hash, older_rows, older_number, older_hash"
PAGE = 1_000
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
    `change` is JSON-able and holds no secret. The chain's end stays locked until the commit, so that the acts of all processes come
    one after the other.
    """
    moment = int(happened_at * 1_000_000)
    columns = (
        tenant_id, None, actor[:128], action[:64], resource[:128] if resource else None,
        json.dumps(change, ensure_ascii=False, separators=(",", ":")) if change is not None else None,
        source[:64] if source else None, request_id[:64] if request_id else None, moment,
    )
    chain = _locked(txn, tenant_id, moment)
    place = chain.places + 1
    row_hash = hash_of(chain.last_hash, (place, *columns))
    txn.insert("audit_log", [f"`{column}`" for column in _COLUMNS], [(*columns, place, chain.last_hash, row_hash)])
    txn.execute(
        "UPDATE audit_chains SET places = :place, last_hash = :hash WHERE chain = :chain", {"place": place, "hash": row_hash, "chain": chain.name}
    )


def acts(txn: Txn, tenant_id: str, *, before: int | None, most: int) -> list[Act]:
    """The tenant's acts, newest first: at most `most` of them, with numbers under `before` when it is given."""
    found = txn.rows(
        f"{_SELECT} WHERE tenant_id = :tenant_id AND number < :before ORDER BY number DESC LIMIT :most",
        {"tenant_id": tenant_id, "before": 2**62 if before is None else before, "most": most},
    )
    return [_act(row) for row in found]


def acts_across_tenants(txn: Txn, partner_id: str | None, *, before: int | None, most: int) -> list[Act]:
    """As `acts`: those of all tenants of the partner, or, where that is None, all there are, those of no tenant included."""
    within = "" if partner_id is None else " AND tenant_id IN (SELECT id FROM tenants WHERE partner_id = :partner_id)"
    found = txn.rows(
        f"{_SELECT} WHERE number < :before{within} ORDER BY number DESC LIMIT :most",
        {"before": 2**62 if before is None else before, "most": most, **({} if partner_id is None else {"partner_id": partner_id})},
    )
    return [_act(row) for row in found]


def chains_across_tenants(txn: Txn) -> list[Chain]:
    """Every chain, by name, each at its end."""
    return [Chain(*row) for row in txn.rows(f"SELECT chain, {_END} FROM audit_chains ORDER BY chain")]


def unchained_across_tenants(txn: Txn) -> list[str]:
    """The chains that have chained rows in the log and no end: it was removed."""
    found = txn.rows("SELECT DISTINCT tenant_id FROM audit_log WHERE row_hash IS NOT NULL")
    known = {row[0] for row in txn.rows("SELECT chain FROM audit_chains")}
    return sorted({row[0] or INSTALLATION for row in found} - known)


def rest_of_chain(txn: Txn, tenant_id: str | None, after: int) -> tuple[Chain | None, list[ChainedRow]]:
    """The chain's end as it is while nobody writes, or None when it is gone, and the rows that follow the number `after`."""
    row = txn.row(f"SELECT chain, {_END} FROM audit_chains WHERE chain = :chain {txn.dialect.for_update}", {"chain": tenant_id or INSTALLATION})
    return (Chain(*row) if row else None), list(_all(txn, tenant_id, after))


def chained(txn: Txn, tenant_id: str | None, after: int, most: int) -> list[ChainedRow]:
    """Up to `most` rows of the chain of the tenant, or of none, that follow the number `after`."""
    which, names = ("tenant_id IS NULL", {}) if tenant_id is None else ("tenant_id = :tenant_id", {"tenant_id": tenant_id})
    columns = ", ".join(f"`{column}`" for column in _CHAINED)
    rows = txn.rows(
        f"SELECT number, place, previous_hash, row_hash, {columns} FROM audit_log WHERE {which} AND number > :after ORDER BY number LIMIT :most",
        {**names, "after": after, "most": most},
    )
    return [ChainedRow(row[0], tuple(row[4:]), row[1], row[2], row[3]) for row in rows]


def _locked(txn: Txn, tenant_id: str | None, now: int) -> Chain:
    """The chain's end, locked; begun after the rows that are there when it was not."""
    name = tenant_id or INSTALLATION
    select = f"SELECT chain, {_END} FROM audit_chains WHERE chain = :chain {txn.dialect.for_update}"
    row = txn.row(select, {"chain": name})
    if row is None:
        older = hash_of_older((each.number, each.columns) for each in _all(txn, tenant_id))
        txn.insert("audit_chains", ("chain", "places", "last_hash", "older_rows", "older_number", "older_hash", "created_at"), [
            (name, 0, older[2], older[0], older[1], older[2], now),
        ], ignore=True)
        row = txn.row(select, {"chain": name})
    assert row is not None
    return Chain(*row)


def _all(txn: Txn, tenant_id: str | None, after: int = 0) -> Iterator[ChainedRow]:
    while rows := chained(txn, tenant_id, after, PAGE):
        yield from rows
        after = rows[-1].number


def _act(row: Row) -> Act:
    number, tenant_id, actor, action, resource, change, source, request_id, happened_at = row
    return Act(
        number, tenant_id, actor, action, resource, json.loads(change) if change else None, source, request_id, happened_at / 1_000_000,
    )
