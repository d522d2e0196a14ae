"""SQL of unsubscribe groups (ASM) and of who left them. An address stands folded (address.fold)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scaisend.faults import Invalid
from scaisend.storage.database import Row, Txn
from scaisend.suppressions.erased import ErasedNames

US = 1_000_000
MOST_GROUPS = 200
FIRST_ID_AT = 1_577_836_800  # 2020: ids begin with the seconds since, so that the id of a deleted group never comes back
_GROUP = "id, name, description, is_default, created_at, updated_at"


@dataclass(frozen=True, slots=True)
class Group:
    """An unsubscribe group of a tenant."""

    id: int
    name: str
    description: str | None
    is_default: bool
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Left:
    """An address that left a group."""

    email: str
    group_id: int
    group_name: str
    created_at: float


def groups(txn: Txn, tenant_id: str, group_ids: Sequence[int] | None = None) -> list[Group]:
    """The tenant's groups by id; those of `group_ids` only, when they are given."""
    only = "" if group_ids is None else " AND id IN :ids"
    rows = txn.rows(
        f"SELECT {_GROUP} FROM asm_groups WHERE tenant_id = :tenant_id{only} ORDER BY id",
        {"tenant_id": tenant_id, "ids": [] if group_ids is None else sorted(set(group_ids))},
    )
    return [_group(row) for row in rows]


def group(txn: Txn, tenant_id: str, group_id: int) -> Group | None:
    """The tenant's group, or None."""
    found = groups(txn, tenant_id, [group_id])
    return found[0] if found else None


def add_group(
    txn: Txn, tenant_id: str, *, name: str, description: str | None, is_default: bool, now: float, group_id: int | None = None
) -> Group:
    """The group, under `group_id` or a number of its own. Raises: Invalid when the name is taken or the tenant has MOST_GROUPS."""
    _lock_tenant(txn, tenant_id)
    others = groups(txn, tenant_id)
    if len(others) >= MOST_GROUPS:
        raise Invalid(f"An account may have {MOST_GROUPS} unsubscribe groups.", None, "Delete groups that are not used.")
    _refuse_taken(others, name, None)
    if group_id is None:
        group_id = max(int(now) - FIRST_ID_AT, max((each.id for each in others), default=0) + 1)
    if is_default:
        _clear_default(txn, tenant_id)
    at = int(now * US)
    txn.insert(
        "asm_groups", ("id", "tenant_id", "name", "description", "is_default", "created_at", "updated_at"),
        [(group_id, tenant_id, name, description, int(is_default), at, at)],
    )
    return Group(group_id, name, description, is_default, at / US, at / US)


def change_group(
    txn: Txn, tenant_id: str, group_id: int, *, name: str | None, description: str | None, is_default: bool | None, now: float
) -> Group | None:
    """The group with its new values, where they are given; None when there is no such group. Raises: Invalid when the name is taken."""
    _lock_tenant(txn, tenant_id)
    others = groups(txn, tenant_id)
    before = next((each for each in others if each.id == group_id), None)
    if before is None:
        return None
    if name is not None:
        _refuse_taken(others, name, group_id)
    if is_default:
        _clear_default(txn, tenant_id)
    txn.execute(
        "UPDATE asm_groups SET name = :name, description = :description, is_default = :is_default, updated_at = :now "
        "WHERE tenant_id = :tenant_id AND id = :id",
        {
            "name": before.name if name is None else name, "description": before.description if description is None else description,
            "is_default": int(before.is_default if is_default is None else is_default), "now": int(now * US), "tenant_id": tenant_id, "id": group_id,
        },
    )
    return group(txn, tenant_id, group_id)


def delete_group(txn: Txn, tenant_id: str, group_id: int) -> bool:
    """Whether there was such a group; it is gone. Who left it is forgotten by `forget_some`."""
    return txn.execute("DELETE FROM asm_groups WHERE tenant_id = :tenant_id AND id = :id", {"tenant_id": tenant_id, "id": group_id}) > 0


def forget_some(txn: Txn, tenant_id: str, group_id: int, most: int) -> int:
    """Up to `most` of those who left the group are forgotten; how many."""
    rows = txn.rows(
        "SELECT number FROM asm_suppressions WHERE tenant_id = :tenant_id AND group_id = :group_id LIMIT :most",
        {"tenant_id": tenant_id, "group_id": group_id, "most": most},
    )
    if not rows:
        return 0
    return txn.execute(
        "DELETE FROM asm_suppressions WHERE number IN :numbers AND tenant_id = :tenant_id",
        {"numbers": sorted(row[0] for row in rows), "tenant_id": tenant_id},
    )


def counts(txn: Txn, tenant_id: str) -> dict[int, int]:
    """How many left each of the tenant's groups; groups that nobody left are absent."""
    return dict(txn.rows(
        "SELECT group_id, COUNT(*) FROM asm_suppressions WHERE tenant_id = :tenant_id GROUP BY group_id", {"tenant_id": tenant_id}))


def leave(txn: Txn, tenant_id: str, group_id: int, emails: Iterable[str], now: float) -> int:
    """The folded addresses have left the group; how many had not before."""
    rows = [(tenant_id, group_id, email, int(now * US)) for email in sorted(set(emails))]
    return txn.insert("asm_suppressions", ("tenant_id", "group_id", "email", "created_at"), rows, ignore=True) if rows else 0


def come_back(txn: Txn, tenant_id: str, group_id: int, email: str) -> bool:
    """Whether the folded address had left the group; it has not any more."""
    return txn.execute(
        "DELETE FROM asm_suppressions WHERE tenant_id = :tenant_id AND email = :email AND group_id = :group_id",
        {"tenant_id": tenant_id, "email": email, "group_id": group_id},
    ) > 0


def members(txn: Txn, tenant_id: str, group_id: int, *, limit: int, offset: int) -> list[str]:
    """One page of the addresses that left the group, by address."""
    return [row[0] for row in txn.rows(
        "SELECT email FROM asm_suppressions WHERE tenant_id = :tenant_id AND group_id = :group_id ORDER BY email LIMIT :limit OFFSET :offset",
        {"tenant_id": tenant_id, "group_id": group_id, "limit": limit, "offset": offset},
    )]


def members_among(txn: Txn, tenant_id: str, group_id: int, emails: Sequence[str]) -> set[str]:
    """Which of the folded addresses left the group."""
    return {row[0] for row in txn.rows(
        "SELECT email FROM asm_suppressions WHERE tenant_id = :tenant_id AND email IN :emails AND group_id = :group_id",
        {"tenant_id": tenant_id, "emails": sorted(set(emails)), "group_id": group_id},
    )}


def groups_left_by(txn: Txn, tenant_id: str, email: str) -> set[int]:
    """The numbers of the groups that the folded address left."""
    return {row[0] for row in txn.rows(
        "SELECT group_id FROM asm_suppressions WHERE tenant_id = :tenant_id AND email = :email", {"tenant_id": tenant_id, "email": email})}


def all_left(txn: Txn, tenant_id: str, *, limit: int, offset: int) -> list[Left]:
    """One page of who left which of the tenant's groups, by address and group."""
    rows = txn.rows(
        "SELECT s.email, s.group_id, g.name, s.created_at FROM asm_suppressions s JOIN asm_groups g ON g.tenant_id = s.tenant_id AND g.id = s.group_id "
        "WHERE s.tenant_id = :tenant_id ORDER BY s.email, s.group_id LIMIT :limit OFFSET :offset",
        {"tenant_id": tenant_id, "limit": limit, "offset": offset},
    )
    return [Left(row[0], row[1], row[2], row[3] / US) for row in rows]


def left_across_tenants(txn: Txn, keys: Iterable[tuple[str, str, int]], names: ErasedNames | None = None) -> set[tuple[str, str, int]]:
    """Which (tenant id, folded address, group id) have left the group, under the address or the name of an erased one."""
    asked = {key: key for key in keys}
    if names is not None:
        asked |= {(tenant_id, names.name(tenant_id, email), group_id): (tenant_id, email, group_id) for tenant_id, email, group_id in list(asked)}
    rows = txn.rows("SELECT tenant_id, email, group_id FROM asm_suppressions WHERE (tenant_id, email, group_id) IN :keys", {"keys": sorted(asked)})
    return {asked[key] for row in rows if (key := (row[0], row[1], row[2])) in asked}


def _lock_tenant(txn: Txn, tenant_id: str) -> None:
    """One at a time changes the tenant's groups: names and numbers are unique, and one is the default."""
    txn.row(f"SELECT id FROM tenants WHERE id = :tenant_id {txn.dialect.for_update}", {"tenant_id": tenant_id})


def _refuse_taken(others: Sequence[Group], name: str, group_id: int | None) -> None:
    if any(each.name == name and each.id != group_id for each in others):
        raise Invalid("A group with this name already exists.", "name", "Choose another name, or use the group that is there.")


def _clear_default(txn: Txn, tenant_id: str) -> None:
    txn.execute("UPDATE asm_groups SET is_default = 0 WHERE tenant_id = :tenant_id AND is_default = 1", {"tenant_id": tenant_id})


def _group(row: Row) -> Group:
    return Group(row[0], row[1], row[2], bool(row[3]), row[4] / US, row[5] / US)
