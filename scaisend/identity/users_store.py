"""People and their groups, mirrored from the identity provider."""

from dataclasses import dataclass

from scaisend.faults import NotFound
from scaisend.storage.database import Row, Txn

_USER = (
    "SELECT u.id, u.tenant_id, COALESCE(u.partner_id, t.partner_id), u.external_id, u.email, u.name, u.role,"
    " CASE WHEN u.unassigned_at IS NULL THEN u.status ELSE 'deactivated' END, u.created_at, u.updated_at FROM users u LEFT JOIN tenants t ON t.id = u.tenant_id"
)
_GROUP = "SELECT id, tenant_id, external_id, parent_id, name, status, created_at, updated_at FROM user_groups WHERE tenant_id = :tenant_id"


@dataclass(frozen=True, slots=True)
class User:
    """A person. `tenant_id` is None for partner admins and super admins of no tenant; `role` is one of the provider's, or None."""

    id: str
    tenant_id: str | None
    partner_id: str | None
    external_id: str | None
    email: str
    name: str | None
    role: str | None
    status: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people; `parent_id` is the group it is nested in."""

    id: str
    tenant_id: str
    external_id: str | None
    parent_id: str | None
    name: str
    status: str
    created_at: float
    updated_at: float


def users(txn: Txn, tenant_id: str | None, *, partner_id: str | None = None, after: str = "", most: int) -> list[User]:
    """People by id: those of the tenant, or of the partner and its tenants, or, where both are None, all."""
    within, parameters = _within(tenant_id, partner_id)
    found = txn.rows(f"{_USER} WHERE u.id > :after{within} ORDER BY u.id LIMIT :most", {**parameters, "after": after, "most": most})
    return [_user(row) for row in found]


def user(txn: Txn, tenant_id: str | None, name: str, *, partner_id: str | None = None) -> User:
    """The person of this id or external id, among those that `users` would list.

    Raises: NotFound.
    """
    within, parameters = _within(tenant_id, partner_id)
    row = None
    if name.isascii():  # MySQL refuses to compare an ASCII column with other text
        row = txn.row(f"{_USER} WHERE (u.id = :name OR u.external_id = :name){within} ORDER BY u.id LIMIT 1", {**parameters, "name": name})
    if row is None:
        raise NotFound("there is no such user")
    return _user(row)


def groups(txn: Txn, tenant_id: str, *, after: str = "", most: int) -> list[Group]:
    """The tenant's groups by id: at most `most`, with ids above `after`."""
    found = txn.rows(f"{_GROUP} AND id > :after ORDER BY id LIMIT :most", {"tenant_id": tenant_id, "after": after, "most": most})
    return [_group(row) for row in found]


def group(txn: Txn, tenant_id: str, name: str) -> Group:
    """The tenant's group of this id or external id.

    Raises: NotFound.
    """
    row = None
    if name.isascii():
        row = txn.row(f"{_GROUP} AND (id = :name OR external_id = :name) ORDER BY id LIMIT 1", {"tenant_id": tenant_id, "name": name})
    if row is None:
        raise NotFound("there is no such group")
    return _group(row)


def members(txn: Txn, tenant_id: str, group_id: str, *, after: str = "", most: int) -> list[User]:
    """The group's own members by id: at most `most`, with ids above `after`."""
    found = txn.rows(
        f"{_USER} JOIN group_members m ON m.user_id = u.id WHERE m.tenant_id = :tenant_id AND m.group_id = :group_id"
        " AND u.tenant_id = :tenant_id AND u.id > :after ORDER BY u.id LIMIT :most",
        {"tenant_id": tenant_id, "group_id": group_id, "after": after, "most": most},
    )
    return [_user(row) for row in found]


def groups_of_user(txn: Txn, tenant_id: str, user_id: str) -> list[Group]:
    """The groups that the user is a member of, by id."""
    found = txn.rows(
        f"{_GROUP} AND id IN (SELECT group_id FROM group_members WHERE tenant_id = :tenant_id AND user_id = :user_id) ORDER BY id",
        {"tenant_id": tenant_id, "user_id": user_id},
    )
    return [_group(row) for row in found]


def _within(tenant_id: str | None, partner_id: str | None) -> tuple[str, dict[str, str]]:
    if tenant_id is not None:
        return " AND u.tenant_id = :tenant_id", {"tenant_id": tenant_id}
    if partner_id is not None:
        return " AND COALESCE(u.partner_id, t.partner_id) = :partner_id", {"partner_id": partner_id}
    return "", {}


def _user(row: Row) -> User:
    an_id, tenant_id, partner_id, external_id, email, name, role, status, created_at, updated_at = row
    return User(an_id, tenant_id, partner_id, external_id, email, name, role, status, created_at / 1_000_000, updated_at / 1_000_000)


def _group(row: Row) -> Group:
    an_id, tenant_id, external_id, parent_id, name, status, created_at, updated_at = row
    return Group(an_id, tenant_id, external_id, parent_id, name, status, created_at / 1_000_000, updated_at / 1_000_000)
