"""SQL of the suppression lists. An address stands in them folded (address.fold)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scaisend.identity.settings_store import settings_across_tenants
from scaisend.storage.database import Row, Txn, Value
from scaisend.suppressions.erased import ErasedNames
from scaisend.suppressions.lists import Allowed, allowed_by

US = 1_000_000
_COLUMNS = ("tenant_id", "list", "email", "reason", "status", "ip", "event_id", "rule", "created_at")
_LISTED = "number, email, reason, status, ip, created_at"
REASON_LENGTH, STATUS_LENGTH, IP_LENGTH, RULE_LENGTH = 512, 16, 64, 64


class Entry(NamedTuple):
    """An address to be listed: `email` folded, `event_id` and `rule` the evidence, `created_at` epoch seconds."""

    tenant_id: str
    list: str
    email: str
    reason: str | None
    status: str | None
    ip: str | None
    event_id: str | None
    rule: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Listed:
    """An address on a list. `number` counts up with insertion."""

    number: int
    email: str
    reason: str | None
    status: str | None
    ip: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an address is on a list: the rule, and the event that caused it with its detail (JSON text), if they are known."""

    list: str
    email: str
    reason: str | None
    status: str | None
    ip: str | None
    rule: str | None
    created_at: float
    event_id: str | None
    message_id: str | None
    event_type: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The lists that an address is on, and the groups it left."""

    lists: frozenset[str]
    groups: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: made from `start_at` up to before `end_at`; `like` is a prefix in which `%` stands for any text."""

    start_at: float | None = None
    end_at: float | None = None
    like: str | None = None


def listed_across_tenants(txn: Txn, addresses: Iterable[tuple[str, str]], names: ErasedNames | None = None) -> dict[tuple[str, str], set[str]]:
    """Which lists hold each (tenant id, folded address), under itself or the name of an erased one; absent are those on no list, and those
    that their tenant always mails."""
    asked = _asked(addresses, names)
    found: dict[tuple[str, str], set[str]] = {}
    for tenant_id, email, name in txn.rows(
        "SELECT tenant_id, email, list FROM suppressions WHERE (tenant_id, email) IN :addresses", {"addresses": sorted(asked)}
    ):
        found.setdefault(asked.get((tenant_id, email), (tenant_id, email)), set()).add(name)
    if found:
        allowed = _allowed_across_tenants(txn, found)
        return {each: lists for each, lists in found.items() if each[0] not in allowed or each[1] not in allowed[each[0]]}
    return found


def standings_across_tenants(txn: Txn, addresses: Iterable[tuple[str, str]], names: ErasedNames | None = None) -> dict[tuple[str, str], Standing]:
    """Where each (tenant id, folded address), or the name of an erased one, is listed and which groups it left; the others are absent.

    Those that their tenant always mails are on no list, but have left what they left.
    """
    asked = _asked(addresses, names)
    found: dict[tuple[str, str], tuple[set[str], set[int]]] = {}
    for tenant_id, email, name, group_id in txn.rows(
        "SELECT tenant_id, email, list, 0 FROM suppressions WHERE (tenant_id, email) IN :addresses "
        "UNION ALL SELECT tenant_id, email, NULL, group_id FROM asm_suppressions WHERE (tenant_id, email) IN :addresses",
        {"addresses": sorted(asked)},
    ):
        lists, groups = found.setdefault(asked.get((tenant_id, email), (tenant_id, email)), (set(), set()))
        if name is None:
            groups.add(group_id)
        else:
            lists.add(name)
    allowed = _allowed_across_tenants(txn, found) if found else {}
    for (tenant_id, email), (lists, _) in found.items():
        if tenant_id in allowed and email in allowed[tenant_id]:
            lists.clear()
    return {address: Standing(frozenset(lists), frozenset(groups)) for address, (lists, groups) in found.items() if lists or groups}


def _asked(addresses: Iterable[tuple[str, str]], names: ErasedNames | None) -> dict[tuple[str, str], tuple[str, str]]:
    """Under what each address may stand in a list, with the address."""
    return names.with_names(addresses) if names is not None else {each: each for each in addresses}


def _allowed_across_tenants(txn: Txn, addresses: Iterable[tuple[str, str]]) -> dict[str, Allowed]:
    """Whom the tenants of the addresses always mail: those whose mail_settings.address_whitelist is on."""
    settings = settings_across_tenants(txn, sorted({tenant_id for tenant_id, _ in addresses}))
    found = {tenant_id: allowed_by(sections.get("mail_settings", {}).get("address_whitelist", {})) for tenant_id, sections in settings.items()}
    return {tenant_id: allowed for tenant_id, allowed in found.items() if allowed is not None}


def list_across_tenants(txn: Txn, entries: Iterable[Entry]) -> int:
    """The addresses are on their lists; how many were not before. Those that were keep their first reason and date."""
    rows: list[Sequence[Value]] = [
        (each.tenant_id, each.list, each.email, *_cut(each), each.event_id, each.rule and each.rule[:RULE_LENGTH], int(each.created_at * US))
        for each in sorted(entries, key=lambda each: (each.tenant_id, each.email, each.list))
    ]
    return txn.insert("suppressions", _COLUMNS, rows, ignore=True) if rows else 0


def forget_old_bounces(txn: Txn, tenant_id: str, before: float, *, is_soft: bool, most: int) -> int:
    """Up to `most` of the tenant's bounces from before the moment are off the list, those with a 4.x.x status or all others; how many."""
    which = "status LIKE '4%'" if is_soft else "(status IS NULL OR status NOT LIKE '4%')"
    rows = txn.rows(
        f"SELECT number FROM suppressions WHERE tenant_id = :tenant_id AND list = 'bounces' AND created_at < :before AND {which} LIMIT :most",
        {"tenant_id": tenant_id, "before": int(before * US), "most": most},
    )
    if not rows:
        return 0
    return txn.execute(
        "DELETE FROM suppressions WHERE number IN :numbers AND tenant_id = :tenant_id",
        {"numbers": sorted(row[0] for row in rows), "tenant_id": tenant_id},
    )


def listed(txn: Txn, tenant_id: str, name: str, wanted: Wanted, *, limit: int, offset: int) -> list[Listed]:
    """One page of the tenant's list, newest first."""
    conditions, parameters = ["tenant_id = :tenant_id", "list = :list"], {"tenant_id": tenant_id, "list": name, "limit": limit, "offset": offset}
    if wanted.start_at is not None:
        conditions.append("created_at >= :start")
        parameters["start"] = int(wanted.start_at * US)
    if wanted.end_at is not None:
        conditions.append("created_at < :end")
        parameters["end"] = int(wanted.end_at * US)
    if wanted.like:
        conditions.append("email LIKE :pattern ESCAPE '!'")
        parameters["pattern"] = wanted.like.replace("!", "!!").replace("_", "!_") + "%"
    where = " AND ".join(conditions)
    return [_listed(row) for row in txn.rows(
        f"SELECT {_LISTED} FROM suppressions WHERE {where} ORDER BY created_at DESC, number DESC LIMIT :limit OFFSET :offset", parameters)]


def listed_after(txn: Txn, tenant_id: str, name: str, after: Listed | None, *, limit: int) -> list[Listed]:
    """The entries of the tenant's list that follow `after`, oldest first: for reading a whole list page by page."""
    return [_listed(row) for row in txn.rows(
        f"SELECT {_LISTED} FROM suppressions WHERE tenant_id = :tenant_id AND list = :list AND created_at >= :at "
        "AND (created_at > :at OR number > :number) ORDER BY created_at, number LIMIT :limit",
        {
            "tenant_id": tenant_id, "list": name, "limit": limit,
            "at": round(after.created_at * US) if after else -1, "number": after.number if after else 0,
        },
    )]


def listed_one(txn: Txn, tenant_id: str, name: str, email: str) -> Listed | None:
    """The entry of the folded address on the tenant's list, or None."""
    row = txn.row(
        f"SELECT {_LISTED} FROM suppressions WHERE tenant_id = :tenant_id AND email = :email AND list = :list",
        {"tenant_id": tenant_id, "email": email, "list": name},
    )
    return _listed(row) if row else None


def unlist(txn: Txn, tenant_id: str, name: str, emails: Sequence[str]) -> int:
    """The folded addresses are not on the tenant's list; how many were."""
    return txn.execute(
        "DELETE FROM suppressions WHERE tenant_id = :tenant_id AND email IN :emails AND list = :list",
        {"tenant_id": tenant_id, "emails": sorted(set(emails)), "list": name},
    )


def unlist_some(txn: Txn, tenant_id: str, name: str, most: int) -> int:
    """Up to `most` entries of the tenant's list are gone; how many. A long list is emptied in many short transactions."""
    rows = txn.rows(
        "SELECT number FROM suppressions WHERE tenant_id = :tenant_id AND list = :list ORDER BY created_at LIMIT :most",
        {"tenant_id": tenant_id, "list": name, "most": most},
    )
    return unlist_numbers(txn, tenant_id, [row[0] for row in rows])


def unlist_numbers(txn: Txn, tenant_id: str, numbers: Sequence[int]) -> int:
    """The tenant's entries of these numbers are gone; how many were there."""
    if not numbers:
        return 0
    return txn.execute(
        "DELETE FROM suppressions WHERE number IN :numbers AND tenant_id = :tenant_id", {"numbers": sorted(numbers), "tenant_id": tenant_id}
    )


def numbers_by_rule(txn: Txn, tenant_id: str, rule: str, since: float, *, lists: Sequence[str], most: int) -> list[int]:
    """The numbers of up to `most` entries that the rule made at `since` or later."""
    rows = txn.rows(
        "SELECT number FROM suppressions WHERE tenant_id = :tenant_id AND list IN :lists AND created_at >= :since AND rule = :rule LIMIT :most",
        {"tenant_id": tenant_id, "lists": list(lists), "since": int(since * US), "rule": rule, "most": most},
    )
    return [row[0] for row in rows]


def evidence(txn: Txn, tenant_id: str, email: str) -> list[Evidence]:
    """Every list that the folded address is on, and why, oldest first."""
    rows = txn.rows(
        "SELECT s.list, s.email, s.reason, s.status, s.ip, s.rule, s.created_at, s.event_id, e.message_id, e.type, e.detail "
        "FROM suppressions s LEFT JOIN events e ON e.id = s.event_id AND e.tenant_id = s.tenant_id "
        "WHERE s.tenant_id = :tenant_id AND s.email = :email ORDER BY s.created_at, s.number",
        {"tenant_id": tenant_id, "email": email},
    )
    return [Evidence(*(*row[:6], row[6] / US, *row[7:])) for row in rows]


def _cut(entry: Entry) -> tuple[str | None, str | None, str | None]:
    return (
        entry.reason and entry.reason[:REASON_LENGTH], entry.status and entry.status[:STATUS_LENGTH], entry.ip and entry.ip[:IP_LENGTH],
    )


def _listed(row: Row) -> Listed:
    return Listed(row[0], row[1], row[2], row[3], row[4], row[5] / US)
