"""The tables of domains: `domains` and `domain_keys`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.domains.dkim_keys import NewKey
from scaisend.faults import Conflict
from scaisend.storage.database import Row, Txn

PENDING, ACTIVE, RETIRED = "pending", "active", "retired"
MOST_DOMAINS = 1_000

Pair = tuple[str, str]

_DOMAIN = "id, tenant_id, domain, verified, return_path_ready, is_default, check_result, checked_at, verified_at, created_at, addresses, associated_from"
_KEY_COLUMNS = ("id", "tenant_id", "domain_id", "selector", "algorithm", "sealed_private", "public", "status", "created_at")
_KEY = "k.id, k.domain_id, k.selector, k.algorithm, k.sealed_private, k.public, k.status, k.created_at, k.seen_at, k.retired_at"


@dataclass(frozen=True, slots=True)
class Domain:
    """A tenant's sender domain. `check_result` holds what the last verification found: dicts with type, name, found, valid, note.

    `addresses` are the source addresses of its mail, where that names no pool; none: any. `associated_from` is the domain of another
    tenant whose keys it has.
    """

    id: str
    tenant_id: str
    domain: str
    verified: bool
    return_path_ready: bool
    is_default: bool
    check_result: tuple[Mapping[str, object], ...]
    checked_at: float | None
    verified_at: float | None
    created_at: float
    addresses: tuple[str, ...] = ()
    associated_from: str | None = None


@dataclass(frozen=True, slots=True)
class DomainKey:
    """A DKIM key of a domain."""

    id: str
    domain_id: str
    selector: str
    algorithm: str
    sealed_private: bytes
    public: bytes
    status: str
    created_at: float
    seen_at: float | None
    retired_at: float | None = None


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """What delivery needs of a domain: the keys that sign, RSA first, its own return-path host once that is ready, its source addresses."""

    domain: str
    return_path_host: str | None
    keys: tuple[DomainKey, ...]
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What a verification came to: `seen` are the ids of keys whose record is ours."""

    result: tuple[Mapping[str, object], ...]
    seen: frozenset[str]
    verified: bool
    return_path_ready: bool
    checked_at: float


def add_domain(
    txn: Txn, tenant_id: str, *, domain_id: str, name: str, keys: Sequence[tuple[str, str, NewKey]], now_s: float
) -> Domain:
    """The domain with its keys, each (id, selector, key), all pending. Raises: Conflict when the tenant has it, or too many."""
    if domain_named(txn, tenant_id, name) is not None:
        raise Conflict(f"the domain {name} was already added", "domain", "use the domain that is there, or delete it first")
    found = txn.row("SELECT COUNT(*) FROM domains WHERE tenant_id = :tenant_id", {"tenant_id": tenant_id})
    count = found[0] if found else 0
    if count >= MOST_DOMAINS:
        raise Conflict(f"a tenant may have {MOST_DOMAINS} domains", "domain", "delete domains that are not used")
    now = _micros(now_s)
    inserted = txn.insert(
        "domains",
        ("id", "tenant_id", "domain", "verified", "return_path_ready", "is_default", "check_result", "created_at", "updated_at"),
        [(domain_id, tenant_id, name, 0, 0, int(count == 0), "[]", now, now)], ignore=True,
    )
    if not inserted:
        raise Conflict(f"the domain {name} was already added", "domain")
    add_keys(txn, tenant_id, domain_id=domain_id, keys=keys, now_s=now_s)
    return Domain(domain_id, tenant_id, name, False, False, count == 0, (), None, None, now_s)


def add_keys(txn: Txn, tenant_id: str, *, domain_id: str, keys: Sequence[tuple[str, str, NewKey]], now_s: float) -> None:
    """The keys, each (id, selector, key), belong to the domain and wait to be seen in DNS."""
    txn.insert("domain_keys", _KEY_COLUMNS, [
        (key_id, tenant_id, domain_id, selector, key.algorithm, key.sealed_private, key.public, PENDING, _micros(now_s))
        for key_id, selector, key in keys
    ])


def domains(txn: Txn, tenant_id: str) -> list[Domain]:
    """The tenant's domains by name."""
    return [_domain(row) for row in txn.rows(
        f"SELECT {_DOMAIN} FROM domains WHERE tenant_id = :tenant_id ORDER BY domain", {"tenant_id": tenant_id})]


def domain(txn: Txn, tenant_id: str, domain_id: str) -> Domain | None:
    """The tenant's domain of that id."""
    if not domain_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    row = txn.row(
        f"SELECT {_DOMAIN} FROM domains WHERE tenant_id = :tenant_id AND id = :id", {"tenant_id": tenant_id, "id": domain_id})
    return _domain(row) if row else None


def domain_named(txn: Txn, tenant_id: str, name: str) -> Domain | None:
    """The tenant's domain of that name, in A-labels."""
    row = txn.row(
        f"SELECT {_DOMAIN} FROM domains WHERE tenant_id = :tenant_id AND domain = :name", {"tenant_id": tenant_id, "name": name})
    return _domain(row) if row else None


def delete_domain(txn: Txn, tenant_id: str, domain_id: str) -> bool:
    """Whether there was such a domain; it and its keys are gone."""
    wanted = {"tenant_id": tenant_id, "id": domain_id}
    txn.execute("DELETE FROM domain_keys WHERE tenant_id = :tenant_id AND domain_id = :id", wanted)
    return txn.execute("DELETE FROM domains WHERE tenant_id = :tenant_id AND id = :id", wanted) > 0


def lock_domain(txn: Txn, tenant_id: str, domain_id: str) -> Domain | None:
    """The domain, which no other transaction changes until this one ends."""
    row = txn.row(
        f"SELECT {_DOMAIN} FROM domains WHERE tenant_id = :tenant_id AND id = :id {txn.dialect.for_update}",
        {"tenant_id": tenant_id, "id": domain_id},
    )
    return _domain(row) if row else None


def keys_of(txn: Txn, tenant_id: str, domain_ids: Sequence[str]) -> dict[str, list[DomainKey]]:
    """The keys of each of the domains, oldest first, RSA before Ed25519."""
    found: dict[str, list[DomainKey]] = {each: [] for each in domain_ids}
    for row in txn.rows(
        f"SELECT {_KEY} FROM domain_keys k WHERE k.tenant_id = :tenant_id AND k.domain_id IN :ids ORDER BY k.created_at, k.algorithm DESC, k.id",
        {"tenant_id": tenant_id, "ids": list(domain_ids)},
    ):
        found[row[1]].append(_key(row))
    return found


def save_check(txn: Txn, tenant_id: str, domain_id: str, check: Check) -> Domain | None:
    """The check is the domain's last; pending keys that were seen sign from now on, and the older ones of their kind retire.

    None when the domain was deleted meanwhile.
    """
    before = lock_domain(txn, tenant_id, domain_id)
    if before is None:
        return None
    now = _micros(check.checked_at)
    for key in keys_of(txn, tenant_id, [domain_id])[domain_id]:
        if key.id in check.seen and key.status == PENDING:
            wanted = {"tenant_id": tenant_id, "domain_id": domain_id, "id": key.id, "algorithm": key.algorithm, "now": now}
            txn.execute(
                "UPDATE domain_keys SET status = 'retired', retired_at = :now WHERE tenant_id = :tenant_id "
                "AND domain_id = :domain_id AND algorithm = :algorithm AND status = 'active'", wanted)
            txn.execute("UPDATE domain_keys SET status = 'active', seen_at = :now WHERE tenant_id = :tenant_id AND id = :id", wanted)
    verified_at = before.verified_at or (check.checked_at if check.verified else None)
    txn.execute(
        "UPDATE domains SET verified = :verified, return_path_ready = :ready, check_result = :result, checked_at = :now, "
        "verified_at = :verified_at, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
        {
            "verified": int(check.verified), "ready": int(check.return_path_ready), "now": now, "tenant_id": tenant_id, "id": domain_id,
            "result": json.dumps(check.result, ensure_ascii=False, separators=(",", ":")),
            "verified_at": None if verified_at is None else _micros(verified_at),
        },
    )
    return domain(txn, tenant_id, domain_id)


def signing_keys(txn: Txn, tenant_id: str, name: str) -> list[DomainKey]:
    """The keys that sign for the tenant's domain `name`, RSA first."""
    found = sender_domains_across_tenants(txn, [(tenant_id, name)]).get((tenant_id, name))
    return list(found.keys) if found else []


def sender_domains_across_tenants(txn: Txn, pairs: Sequence[Pair]) -> dict[Pair, SenderDomain]:
    """What delivery needs of each (tenant, domain name) that exists."""
    found: dict[Pair, tuple[str | None, str | None, list[DomainKey]]] = {}
    for tenant_id, name, ready, addresses, *key in txn.rows(
        f"SELECT d.tenant_id, d.domain, d.return_path_ready, d.addresses, {_KEY} FROM domains d LEFT JOIN domain_keys k "
        "ON k.tenant_id = d.tenant_id AND k.domain_id = d.id AND k.status = 'active' "
        "WHERE (d.tenant_id, d.domain) IN :pairs ORDER BY k.algorithm DESC, k.id",
        {"pairs": list(pairs)},
    ):
        *_, keys = found.setdefault((tenant_id, name), (return_path_host(name) if ready else None, addresses, []))
        if key[0] is not None:
            keys.append(_key(tuple(key)))
    return {pair: SenderDomain(pair[1], host, tuple(keys), _addresses(addresses)) for pair, (host, addresses, keys) in found.items()}


def owner_across_tenants(txn: Txn, name: str) -> tuple[str, str] | None:
    """The active tenant that has verified the domain of this name, and its partner; the first of several."""
    row = txn.row(
        "SELECT d.tenant_id, t.partner_id FROM domains d JOIN tenants t ON t.id = d.tenant_id "
        "WHERE d.domain = :name AND d.verified = 1 AND t.status = 'active' AND t.disabled_at IS NULL ORDER BY d.id LIMIT 1",
        {"name": name},
    )
    return None if row is None else (row[0], row[1])


def verified_domains(txn: Txn, pairs: Sequence[Pair]) -> set[Pair]:
    """Those of the (tenant, domain name) pairs that are verified."""
    return {(row[0], row[1]) for row in txn.rows(
        "SELECT tenant_id, domain FROM domains WHERE (tenant_id, domain) IN :pairs AND verified = 1", {"pairs": list(pairs)})}


def sealed_keys_across_tenants(txn: Txn, after: str, most: int) -> list[tuple[str, bytes]]:
    """Up to `most` (key id, sealed private key) that follow the id `after`."""
    rows = txn.rows("SELECT id, sealed_private FROM domain_keys WHERE id > :after ORDER BY id LIMIT :most", {"after": after, "most": most})
    return [(row[0], bytes(row[1])) for row in rows]


def reseal_key_across_tenants(txn: Txn, key_id: str, before: bytes, after: bytes) -> bool:
    """The private key is sealed anew; False when it is not `before` any more."""
    return txn.execute(
        "UPDATE domain_keys SET sealed_private = :after WHERE id = :id AND sealed_private = :before", {"id": key_id, "before": before, "after": after}
    ) > 0


def return_path_host(name: str) -> str:
    """The host of the domain's own return path."""
    return f"bounces.{name}"


def _micros(at: float) -> int:
    return int(at * 1_000_000)


def _at(micros: int | None) -> float | None:
    return None if micros is None else micros / 1_000_000


def _domain(row: Row) -> Domain:
    an_id, tenant_id, name, verified, ready, is_default, result, checked_at, verified_at, created_at, addresses, associated_from = row
    return Domain(
        an_id, tenant_id, name, bool(verified), bool(ready), bool(is_default), tuple(json.loads(result or "[]")),
        _at(checked_at), _at(verified_at), created_at / 1_000_000, _addresses(addresses), associated_from,
    )


def _addresses(text: str | None) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text else ()


def _key(row: Row) -> DomainKey:
    an_id, domain_id, selector, algorithm, sealed, public, status, created_at, seen_at, retired_at = row
    return DomainKey(an_id, domain_id, selector, algorithm, bytes(sealed), bytes(public), status, created_at / 1_000_000, _at(seen_at), _at(retired_at))
