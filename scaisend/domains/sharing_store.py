"""Domains that a tenant has from another of its partner: rows of its own, with the owner's keys under the owner's selectors."""

import json
from collections.abc import Sequence

from scaisend.domains.dkim_keys import NewKey
from scaisend.domains.store import (
    RETIRED,
    Check,
    Domain,
    DomainKey,
    add_domain,
    add_keys,
    domain,
    domains,
    keys_of,
    lock_domain,
    save_check,
)
from scaisend.identity.people_store import DEACTIVATED
from scaisend.ids import IdMaker
from scaisend.storage.database import Txn

Place = tuple[str, str]


def numbered_across_tenants(txn: Txn, number: int, *, partner_id: str | None, owner_id: str | None) -> list[Place]:
    """Up to two (tenant, domain id) that have this integer id and are nobody else's: of the partner's tenants, or of all, or of the one owner.

    Deactivated tenants own nothing.
    """
    within, parameters = "", dict[str, str | int](number=number)
    for column, value in (("t.partner_id", partner_id), ("d.tenant_id", owner_id)):
        if value is not None:
            name = column.partition(".")[2]
            within += f" AND {column} = :{name}"
            parameters[name] = value
    return [(row[0], row[1]) for row in txn.rows(
        "SELECT d.tenant_id, d.id FROM domains d JOIN tenants t ON t.id = d.tenant_id "
        f"WHERE d.number = :number AND d.associated_from IS NULL AND t.status <> '{DEACTIVATED}'{within} ORDER BY d.id LIMIT 2", parameters)]


def associate(txn: Txn, tenant_id: str, ids: IdMaker, owned: Domain, *, now_s: float) -> Domain:
    """The tenant has the domain `owned` too, as it stands: verified or not, with copies of the keys that are not retired.

    Its source addresses are not copied. Raises: Conflict when the tenant has a domain of that name, or too many.
    """
    made = add_domain(txn, tenant_id, domain_id=ids.new("dom", tenant_id), name=owned.domain, keys=(), now_s=now_s)
    txn.execute(
        "UPDATE domains SET associated_from = :owned, verified = :verified, return_path_ready = :ready, check_result = :result, "
        "checked_at = :checked_at, verified_at = :verified_at WHERE tenant_id = :tenant_id AND id = :id",
        {
            "owned": owned.id, "verified": int(owned.verified), "ready": int(owned.return_path_ready), "tenant_id": tenant_id, "id": made.id,
            "result": json.dumps(owned.check_result, ensure_ascii=False, separators=(",", ":")),
            "checked_at": _micros(owned.checked_at), "verified_at": _micros(owned.verified_at),
        },
    )
    _copy_keys(txn, tenant_id, ids, made.id, keys_of(txn, owned.tenant_id, [owned.id])[owned.id], now_s=now_s)
    after = domain(txn, tenant_id, made.id)
    assert after is not None, made.id
    return after


def associated(txn: Txn, tenant_id: str) -> list[Domain]:
    """The tenant's domains that are from others, by name."""
    return [each for each in domains(txn, tenant_id) if each.associated_from is not None]


def associations_across_tenants(txn: Txn, domain_id: str) -> list[Place]:
    """The (tenant, domain id) that have this domain's keys."""
    return [(row[0], row[1]) for row in txn.rows(
        "SELECT tenant_id, id FROM domains WHERE associated_from = :id ORDER BY id", {"id": domain_id})]


def has_owner_across_tenants(txn: Txn, domain_id: str) -> bool:
    """Whether the domain is there still, and its tenant too."""
    return txn.row(
        f"SELECT 1 FROM domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.id = :id AND t.status <> '{DEACTIVATED}'", {"id": domain_id},
    ) is not None


def keep_as_own(txn: Txn, tenant_id: str, domain_id: str) -> None:
    """The domain follows no other any more."""
    txn.execute("UPDATE domains SET associated_from = NULL WHERE tenant_id = :tenant_id AND id = :id", {"tenant_id": tenant_id, "id": domain_id})


def follow_keys_across_tenants(txn: Txn, ids: IdMaker, domain_id: str, keys: Sequence[tuple[str, str, NewKey]], *, now_s: float) -> list[Domain]:
    """The domains that have this one's keys have the new ones too, pending; those domains."""
    found = _followers(txn, domain_id)
    for each in found:
        named = [(ids.new("dky", each.tenant_id), selector, key) for _, selector, key in keys]
        add_keys(txn, each.tenant_id, domain_id=each.id, keys=named, now_s=now_s)
    return found


def follow_check_across_tenants(txn: Txn, domain_id: str, check: Check, seen: frozenset[str]) -> list[tuple[Domain, Domain]]:
    """The check is the last of the domains that have this one's keys too, each before and after; `seen` are selectors."""
    changed = []
    for before in _followers(txn, domain_id):
        keys = keys_of(txn, before.tenant_id, [before.id])[before.id]
        its = frozenset([key.id for key in keys if key.selector in seen])
        after = save_check(txn, before.tenant_id, before.id, Check(check.result, its, check.verified, check.return_path_ready, check.checked_at))
        assert after is not None, before.id
        changed.append((before, after))
    return changed


def _followers(txn: Txn, domain_id: str) -> list[Domain]:
    found = [lock_domain(txn, *each) for each in associations_across_tenants(txn, domain_id)]
    return [each for each in found if each is not None]


def _copy_keys(txn: Txn, tenant_id: str, ids: IdMaker, domain_id: str, keys: Sequence[DomainKey], *, now_s: float) -> None:
    for key in keys:
        if key.status != RETIRED:
            key_id = ids.new("dky", tenant_id)
            new = NewKey(key.algorithm, key.sealed_private, key.public)
            add_keys(txn, tenant_id, domain_id=domain_id, keys=[(key_id, key.selector, new)], now_s=now_s)
            txn.execute("UPDATE domain_keys SET status = :status, seen_at = :seen_at WHERE tenant_id = :tenant_id AND id = :id", {
                "status": key.status, "seen_at": _micros(key.seen_at), "tenant_id": tenant_id, "id": key_id,
            })


def _micros(at: float | None) -> int | None:
    return None if at is None else int(at * 1_000_000)
