"""Roles, who has them, and what a person may do by them.

Every change counts the identity epoch up last, so that it holds from the next request on in every process.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.faults import Conflict, NotFound
from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.identity.people_store import Role
from scaisend.identity.standing_store import AROUND, BY_GROUP, DIRECT
from scaisend.storage.database import DuplicateKey, Row, Txn

_ROLE = "SELECT id, tenant_id, name, description, permissions, is_default FROM roles WHERE tenant_id = :tenant_id"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A role that all members of a group have, those of the groups inside it included."""

    group_id: str
    group: str
    role_id: str
    role: str


def role(txn: Txn, tenant_id: str, name: str, *, for_update: bool = False) -> Role:
    """The tenant's role of this id or name; with `for_update` it stays as it is until the commit.

    Raises: NotFound.
    """
    lock = txn.dialect.for_update if for_update else ""
    by_id = txn.row(f"{_ROLE} AND id = :name {lock}", {"tenant_id": tenant_id, "name": name}) if name.isascii() else None
    row = by_id or txn.row(f"{_ROLE} AND name = :name {lock}", {"tenant_id": tenant_id, "name": name})
    if row is None:
        raise NotFound("there is no such role")
    return _role(row)


def roles_page(txn: Txn, tenant_id: str, *, after: str, most: int) -> list[Role]:
    """The tenant's roles by id: at most `most`, with ids above `after`."""
    found = txn.rows(f"{_ROLE} AND id > :after ORDER BY id LIMIT :most", {"tenant_id": tenant_id, "after": after, "most": most})
    return [_role(row) for row in found]


def role_count(txn: Txn, tenant_id: str) -> int:
    """How many roles the tenant has."""
    row = txn.row("SELECT COUNT(*) FROM roles WHERE tenant_id = :tenant_id", {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def make_role(txn: Txn, tenant_id: str, made: Role, *, now_s: float) -> None:
    """The tenant has this role.

    Raises: Conflict when it has one of that name.
    """
    at = int(now_s * 1_000_000)
    columns = ("id", "tenant_id", "name", "description", "permissions", "is_default", "created_at", "updated_at")
    permissions = json.dumps(list(made.permissions))
    try:
        txn.insert("roles", columns, [(made.id, tenant_id, made.name, made.description, permissions, int(made.is_default), at, at)])
    except DuplicateKey:
        raise Conflict(f"there is a role {made.name!r} already", "name") from None
    bump_identity_epoch(txn)


def change_role(
    txn: Txn, tenant_id: str, role_id: str, *, name: str, description: str | None, permissions: Sequence[str], now_s: float,
) -> None:
    """The role is this from the commit on, for all who have it.

    Raises: Conflict when another one has that name.
    """
    try:
        txn.execute(
            "UPDATE roles SET name = :name, description = :description, permissions = :permissions, updated_at = :at"
            " WHERE tenant_id = :tenant_id AND id = :id",
            {
                "name": name, "description": description, "permissions": json.dumps(list(permissions)), "at": int(now_s * 1_000_000),
                "tenant_id": tenant_id, "id": role_id,
            },
        )
    except DuplicateKey:
        raise Conflict(f"there is a role {name!r} already", "name") from None
    bump_identity_epoch(txn)


def delete_role(txn: Txn, tenant_id: str, role_id: str) -> None:
    """The role is gone, and nobody has it any more."""
    one = {"tenant_id": tenant_id, "role_id": role_id}
    txn.execute("DELETE FROM user_roles WHERE tenant_id = :tenant_id AND role_id = :role_id", one)
    txn.execute("DELETE FROM group_mappings WHERE tenant_id = :tenant_id AND role_id = :role_id", one)
    txn.execute("DELETE FROM roles WHERE tenant_id = :tenant_id AND id = :role_id", one)
    bump_identity_epoch(txn)


def give_role(txn: Txn, tenant_id: str, user_id: str, role_id: str, *, now_s: float) -> bool:
    """The user has the role. False when it had it before."""
    columns = ("tenant_id", "user_id", "role_id", "created_at")
    done = txn.insert("user_roles", columns, [(tenant_id, user_id, role_id, int(now_s * 1_000_000))], ignore=True)
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def take_role(txn: Txn, tenant_id: str, user_id: str, role_id: str) -> bool:
    """The user has the role no more, unless by a group. False when it was not given directly."""
    done = txn.execute(
        "DELETE FROM user_roles WHERE tenant_id = :tenant_id AND user_id = :user_id AND role_id = :role_id",
        {"tenant_id": tenant_id, "user_id": user_id, "role_id": role_id},
    )
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def map_group(txn: Txn, tenant_id: str, group_id: str, role_id: str, *, now_s: float) -> bool:
    """The group's members have the role. False when they had it by this group before."""
    columns = ("tenant_id", "group_id", "role_id", "created_at")
    done = txn.insert("group_mappings", columns, [(tenant_id, group_id, role_id, int(now_s * 1_000_000))], ignore=True)
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def unmap_group(txn: Txn, tenant_id: str, group_id: str, role_id: str) -> bool:
    """The group gives the role no more. False when it did not."""
    done = txn.execute(
        "DELETE FROM group_mappings WHERE tenant_id = :tenant_id AND group_id = :group_id AND role_id = :role_id",
        {"tenant_id": tenant_id, "group_id": group_id, "role_id": role_id},
    )
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def mappings(txn: Txn, tenant_id: str, *, after: tuple[str, str], most: int) -> list[Mapping]:
    """The tenant's mappings by group and role: at most `most`, from above the pair `after`."""
    found = txn.rows(
        "SELECT m.group_id, g.name, m.role_id, r.name FROM group_mappings m"
        " JOIN user_groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.role_id"
        " WHERE m.tenant_id = :tenant_id AND (m.group_id > :group_id OR (m.group_id = :group_id AND m.role_id > :role_id))"
        " ORDER BY m.group_id, m.role_id LIMIT :most",
        {"tenant_id": tenant_id, "group_id": after[0], "role_id": after[1], "most": most},
    )
    return [Mapping(*row) for row in found]


def roles_of_user(txn: Txn, tenant_id: str, user_id: str) -> tuple[list[Role], list[Role]]:
    """The roles that were given to the user itself, and those it has by groups, each by id."""
    one = {"tenant_id": tenant_id, "user_id": user_id}
    direct = txn.rows(f"{_ROLE} AND id IN ({DIRECT}) ORDER BY id", one)
    by_group = txn.rows(f"{AROUND}{_ROLE} AND id IN ({BY_GROUP}) ORDER BY id", one)
    return [_role(row) for row in direct], [_role(row) for row in by_group]


def _role(row: Row) -> Role:
    return Role(row[0], row[1], row[2], row[3], tuple(json.loads(row[4])), bool(row[5]))
