"""SQL of the limits of single tenants, and of what they used of their quotas."""

from collections.abc import Mapping, Sequence

import orjson

from scaisend.identity.limits import Limits
from scaisend.storage.database import Txn

US = 1_000_000


def limits_across_tenants(txn: Txn, tenant_ids: Sequence[str] | None = None) -> dict[str, Limits]:
    """The limits of each tenant that has any of its own, of all or of these."""
    if tenant_ids is None:
        rows = txn.rows("SELECT tenant_id, limits FROM tenant_limits ORDER BY tenant_id")
    else:
        rows = txn.rows("SELECT tenant_id, limits FROM tenant_limits WHERE tenant_id IN :ids", {"ids": list(tenant_ids)})
    return {row[0]: orjson.loads(row[1]) for row in rows}


def limits_of(txn: Txn, tenant_id: str, *, lock: bool = False) -> dict[str, str | int]:
    """The tenant's own limits."""
    row = txn.row(f"SELECT limits FROM tenant_limits WHERE tenant_id = :tenant_id {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id})
    found: dict[str, str | int] = orjson.loads(row[0]) if row else {}
    return found


def change_limits(txn: Txn, tenant_id: str, changes: Mapping[str, str | int | None], *, now_s: float) -> tuple[Limits, Limits]:
    """The tenant's own limits before and after the changes; None takes one away."""
    txn.insert("tenant_limits", ("tenant_id", "limits", "updated_at"), [(tenant_id, "{}", int(now_s * US))], ignore=True)
    before = limits_of(txn, tenant_id, lock=True)
    after = {name: value for name, value in (before | dict(changes)).items() if value is not None}
    txn.execute(
        "UPDATE tenant_limits SET limits = :limits, updated_at = :now WHERE tenant_id = :tenant_id",
        {"limits": orjson.dumps(after, option=orjson.OPT_SORT_KEYS).decode(), "now": int(now_s * US), "tenant_id": tenant_id},
    )
    return before, after


def usage(txn: Txn, tenant_id: str, periods: Sequence[str]) -> dict[str, int]:
    """Recipients that the tenant had accepted in each period in which any were counted."""
    return dict(txn.rows(
        "SELECT period, recipients FROM mail_usage WHERE tenant_id = :tenant_id AND period IN :periods", {"tenant_id": tenant_id, "periods": list(periods)}
    ))


def lock_usage_across_tenants(txn: Txn, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """What was used by each (tenant id, period), locked: others that spend of it wait for this transaction. `keys` in order."""
    txn.insert("mail_usage", ("tenant_id", "period", "recipients"), [(*key, 0) for key in keys], ignore=True)
    rows = txn.rows(
        f"SELECT tenant_id, period, recipients FROM mail_usage WHERE (tenant_id, period) IN :keys ORDER BY tenant_id, period {txn.dialect.for_update}",
        {"keys": list(keys)},
    )
    return {(row[0], row[1]): row[2] for row in rows}


def add_usage_across_tenants(txn: Txn, spent: Mapping[tuple[str, str], int]) -> None:
    """So many recipients more were accepted for each (tenant id, period)."""
    txn.upsert(
        "mail_usage", ("tenant_id", "period", "recipients"), [(*key, count) for key, count in sorted(spent.items())], keys=("tenant_id", "period"),
        add=("recipients",),
    )
