"""SQL of the integer ids that SendGrid's view gives to domains, of the default domain, and of domains' source addresses."""

import json
from collections.abc import Sequence

from scaisend.storage.database import Txn

FIRST_ID_AT = 1_577_836_800  # 2020: ids begin with the seconds since, so that the id of a deleted domain never comes back


def numbers(txn: Txn, tenant_id: str, *, now_s: float) -> dict[str, int]:
    """The integer id of each of the tenant's domains, by the domain's own id; those that had none have one now."""
    found = _numbers(txn, tenant_id)
    if None not in found.values():
        return {an_id: number for an_id, number in found.items() if number is not None}
    txn.row(f"SELECT id FROM tenants WHERE id = :tenant_id {txn.dialect.for_update}", {"tenant_id": tenant_id})
    found = _numbers(txn, tenant_id)
    highest = max((number for number in found.values() if number is not None), default=0)
    given: dict[str, int] = {}
    for an_id, number in found.items():
        if number is None:
            number = highest = max(int(now_s) - FIRST_ID_AT, highest + 1)
            txn.execute(
                "UPDATE domains SET number = :number WHERE tenant_id = :tenant_id AND id = :id",
                {"number": number, "tenant_id": tenant_id, "id": an_id},
            )
        given[an_id] = number
    return given


def set_default(txn: Txn, tenant_id: str, domain_id: str, is_default: bool) -> None:
    """The domain is the tenant's only default, or no default any more."""
    wanted = {"tenant_id": tenant_id, "id": domain_id, "is_default": int(is_default)}
    if is_default:
        txn.execute("UPDATE domains SET is_default = 0 WHERE tenant_id = :tenant_id AND is_default = 1 AND id <> :id", wanted)
    txn.execute("UPDATE domains SET is_default = :is_default WHERE tenant_id = :tenant_id AND id = :id", wanted)


def set_addresses(txn: Txn, tenant_id: str, domain_id: str, addresses: Sequence[str]) -> None:
    """Mail from the domain that names no pool leaves by these addresses; by any when there are none."""
    txn.execute(
        "UPDATE domains SET addresses = :addresses WHERE tenant_id = :tenant_id AND id = :id",
        {"addresses": json.dumps(list(addresses)) if addresses else None, "tenant_id": tenant_id, "id": domain_id},
    )


def _numbers(txn: Txn, tenant_id: str) -> dict[str, int | None]:
    return dict(txn.rows("SELECT id, number FROM domains WHERE tenant_id = :tenant_id ORDER BY created_at, id", {"tenant_id": tenant_id}))
