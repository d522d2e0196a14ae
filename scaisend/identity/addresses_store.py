"""The source addresses that a tenant's mail leaves by, whatever pool or domain it is of; without any it may leave by all."""

from collections.abc import Sequence

import orjson

from scaisend.storage.database import Txn

Addresses = tuple[str, ...]


def set_addresses(txn: Txn, tenant_id: str, addresses: Sequence[str], *, now_s: float) -> None:
    """The tenant's mail leaves by these alone, or by any when there are none."""
    txn.execute(
        "UPDATE tenants SET addresses = :addresses, updated_at = :at WHERE id = :tenant_id",
        {"addresses": orjson.dumps(list(addresses)).decode() if addresses else None, "at": int(now_s * 1_000_000), "tenant_id": tenant_id},
    )


def addresses(txn: Txn, tenant_id: str, *, lock: bool = False) -> Addresses:
    """The tenant's own; empty: any."""
    row = txn.row(f"SELECT addresses FROM tenants WHERE id = :tenant_id {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id})
    return tuple(orjson.loads(row[0])) if row and row[0] else ()


def addresses_across_tenants(txn: Txn, tenant_ids: Sequence[str]) -> dict[str, Addresses]:
    """Those of each of the tenants that has some."""
    rows = txn.rows("SELECT id, addresses FROM tenants WHERE id IN :ids AND addresses IS NOT NULL", {"ids": list(tenant_ids)})
    return {row[0]: tuple(orjson.loads(row[1])) for row in rows}
