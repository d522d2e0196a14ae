"""Where a person stands: its status and role, the tenant it acts for, and what its roles give it there."""

import json

from scaisend.identity.disabling_store import STATUS
from scaisend.identity.person import Place, Standing
from scaisend.identity.reach import SUPER_ADMIN
from scaisend.storage.database import Txn

LONGEST_NAME = 255
# The groups a user is in, and those around them; UNION ends circles, and a group that is not active gives nothing and leads nowhere.
AROUND = (
    "WITH RECURSIVE around (id) AS ("
    "SELECT m.group_id FROM group_members m JOIN user_groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id"
    " WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id AND g.status = 'active'"
    " UNION SELECT p.id FROM around a JOIN user_groups g ON g.tenant_id = :tenant_id AND g.id = a.id"
    " JOIN user_groups p ON p.tenant_id = :tenant_id AND p.id = g.parent_id AND p.status = 'active') "
)
BY_GROUP = "SELECT m.role_id FROM group_mappings m JOIN around a ON a.id = m.group_id WHERE m.tenant_id = :tenant_id"
DIRECT = "SELECT role_id FROM user_roles WHERE tenant_id = :tenant_id AND user_id = :user_id"
_PERSON = (
    "SELECT CASE WHEN u.unassigned_at IS NULL THEN u.status ELSE 'deactivated' END, u.role, COALESCE(u.partner_id, t.partner_id), p.status, u.tenant_id,"
    " COALESCE((SELECT e.value FROM epochs e WHERE e.name = 'identity'), 0)"
    " FROM users u LEFT JOIN tenants t ON t.id = u.tenant_id LEFT JOIN partners p ON p.id = COALESCE(u.partner_id, t.partner_id)"
    " WHERE u.id = :user_id"
)
_PLACE = f"SELECT t.id, t.partner_id, {STATUS}, p.status FROM tenants t JOIN partners p ON p.id = t.partner_id WHERE"


def standing_across_tenants(txn: Txn, user_id: str, on_behalf_of: str | None = None) -> Standing | None:
    """The person, acting for the tenant of this id (ours or the provider's) or username, or else its own. None when there is no such person.

    A username, a tenant's slug or where it has none its name, counts among the tenants of the person's partner, or for a super
    admin among all, and only where one tenant alone is called so, those that are deactivated aside.

    The epoch is read before the rest, so that what changes meanwhile is asked for again.
    """
    row = txn.row(_PERSON, {"user_id": user_id})
    if row is None:
        return None
    status, role, partner_id, partner_status, own, epoch = row
    place = _place(txn, on_behalf_of or own, within=None if role == SUPER_ADMIN else partner_id or "")
    granted = granted_to_user(txn, own, user_id) if own and place is not None and place.tenant_id == own else frozenset()
    return Standing(user_id, status, role, partner_id, partner_status, own, place, granted, int(epoch))


def granted_to_user(txn: Txn, tenant_id: str, user_id: str) -> frozenset[str]:
    """The names of the permissions that the user has by its roles, its own and those of the groups around it."""
    found = txn.rows(
        f"{AROUND}SELECT permissions FROM roles WHERE tenant_id = :tenant_id AND id IN ({DIRECT} UNION {BY_GROUP})",
        {"tenant_id": tenant_id, "user_id": user_id},
    )
    return frozenset(name for row in found for name in json.loads(row[0]))


def _place(txn: Txn, name: str | None, *, within: str | None) -> Place | None:
    """The tenant of this id, or of this username `within` a partner; within any when that is None."""
    if not name or len(name) > LONGEST_NAME:
        return None
    row = None
    if name.isascii():  # MySQL refuses to compare an ASCII column with other text
        row = txn.row(f"{_PLACE} t.id = :name", {"name": name}) or txn.row(f"{_PLACE} t.external_id = :name", {"name": name})
    if row is None:
        called = "t.slug IS NULL AND t.name = :name" if not name.isascii() else "(t.slug = :name OR (t.slug IS NULL AND t.name = :name))"
        reach = "" if within is None else " AND t.partner_id = :within"
        found = txn.rows(f"{_PLACE} {called}{reach} AND t.status <> 'deactivated' ORDER BY t.id LIMIT 2", {"name": name, "within": within or ""})
        row = found[0] if len(found) == 1 else None
    return Place(*row) if row else None
