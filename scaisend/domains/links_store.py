"""SQL of branded links."""

from collections.abc import Sequence
from zlib import crc32

import orjson

from scaisend.domains.links import BrandedLink, LinkCheck
from scaisend.faults import Conflict
from scaisend.storage.database import DuplicateKey, Row, Txn

MOST_LINKS = 100
US = 1_000_000
SPREAD = 2**30  # ids are from here to twice that
_SELECT = "SELECT number, tenant_id, domain, subdomain, is_default, valid, check_result, checked_at FROM branded_links WHERE"


def links(txn: Txn, tenant_id: str) -> list[BrandedLink]:
    """The tenant's branded links, oldest first."""
    return [_link(row) for row in txn.rows(f"{_SELECT} tenant_id = :tenant_id ORDER BY created_at, number", {"tenant_id": tenant_id})]


def link(txn: Txn, tenant_id: str, link_id: int, *, lock: bool = False) -> BrandedLink | None:
    """The tenant's branded link; locked until the end of the transaction if so wished."""
    row = txn.row(
        f"{_SELECT} tenant_id = :tenant_id AND number = :id {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id, "id": link_id}
    )
    return _link(row) if row else None


def add_link(txn: Txn, tenant_id: str, domain: str, subdomain: str, *, is_default: bool, now_s: float) -> BrandedLink:
    """The link, not valid yet. Raises: Conflict when the tenant has it, or MOST_LINKS."""
    txn.row(f"SELECT id FROM tenants WHERE id = :tenant_id {txn.dialect.for_update}", {"tenant_id": tenant_id})
    others = links(txn, tenant_id)
    if len(others) >= MOST_LINKS:
        raise Conflict(f"a tenant may have {MOST_LINKS} branded links", "domain", "delete links that are not used")
    if any((each.domain, each.subdomain) == (domain, subdomain) for each in others):
        raise Conflict(f"the link {subdomain}.{domain} was already added", "domain", "use the link that is there, or delete it first")
    made = _insert(txn, tenant_id, domain, subdomain, int(now_s * US))
    if is_default:
        set_default_link(txn, tenant_id, made, True)
    found = link(txn, tenant_id, made)
    assert found is not None
    return found


def _insert(txn: Txn, tenant_id: str, domain: str, subdomain: str, at: int) -> int:
    """The id of the new link. All tenants' are in one space, so they are spread over it: ids in a row would tell how many others made."""
    number = SPREAD | crc32(f"{tenant_id} {subdomain}.{domain} {at}".encode()) % SPREAD
    while True:
        try:
            txn.insert(
                "branded_links", ("number", "tenant_id", "domain", "subdomain", "is_default", "valid", "check_result", "created_at"),
                [(number, tenant_id, domain, subdomain, 0, 0, "{}", at)],
            )
            return number
        except DuplicateKey:  # the tenant is locked and has no such link, so it is the id
            number = SPREAD | (number + 1) % SPREAD


def set_default_link(txn: Txn, tenant_id: str, link_id: int, is_default: bool) -> None:
    """The link is the tenant's only default, or no default any more."""
    wanted = {"tenant_id": tenant_id, "id": link_id, "is_default": int(is_default)}
    if is_default:
        txn.execute("UPDATE branded_links SET is_default = 0 WHERE tenant_id = :tenant_id AND is_default = 1 AND number <> :id", wanted)
    txn.execute("UPDATE branded_links SET is_default = :is_default WHERE tenant_id = :tenant_id AND number = :id", wanted)


def save_link_check(txn: Txn, tenant_id: str, link_id: int, check: LinkCheck, *, now_s: float) -> tuple[BrandedLink, BrandedLink] | None:
    """The link before and after: the check is its last. None when it was deleted meanwhile."""
    before = link(txn, tenant_id, link_id, lock=True)
    if before is None:
        return None
    txn.execute(
        "UPDATE branded_links SET valid = :valid, check_result = :result, checked_at = :now WHERE tenant_id = :tenant_id AND number = :id",
        {
            "valid": int(check.is_valid(before)), "result": orjson.dumps(check.reasons).decode(), "now": int(now_s * US),
            "tenant_id": tenant_id, "id": link_id,
        },
    )
    after = link(txn, tenant_id, link_id)
    return (before, after) if after is not None else None


def delete_link(txn: Txn, tenant_id: str, link_id: int) -> bool:
    """Whether there was such a link; mails rendered from now on do without it."""
    return txn.execute("DELETE FROM branded_links WHERE tenant_id = :tenant_id AND number = :id", {"tenant_id": tenant_id, "id": link_id}) > 0


def valid_links_across_tenants(txn: Txn, tenant_ids: Sequence[str]) -> dict[str, list[BrandedLink]]:
    """The valid links of each of the tenants that has any."""
    found: dict[str, list[BrandedLink]] = {}
    for row in txn.rows(f"{_SELECT} tenant_id IN :ids AND valid = 1 ORDER BY created_at, number", {"ids": list(tenant_ids)}):
        found.setdefault(row[1], []).append(_link(row))
    return found


def _link(row: Row) -> BrandedLink:
    number, tenant_id, domain, subdomain, is_default, valid, result, checked_at = row
    return BrandedLink(
        number, tenant_id, domain, subdomain, bool(is_default), bool(valid), orjson.loads(result or "{}"),
        None if checked_at is None else checked_at / US,
    )
