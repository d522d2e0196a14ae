"""SQL of the suppression lists."""

from collections.abc import Iterable

from scaisend.storage.database import Txn


def listed_across_tenants(txn: Txn, addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    """Which lists hold each (tenant id, folded address); addresses on no list are absent."""
    found: dict[tuple[str, str], set[str]] = {}
    for tenant_id, email, name in txn.rows(
        "SELECT tenant_id, email, list FROM suppressions WHERE (tenant_id, email) IN :addresses", {"addresses": sorted(set(addresses))}
    ):
        found.setdefault((tenant_id, email), set()).add(name)
    return found
