"""Makers of people and groups, as the identity provider would tell of them."""

from dataclasses import replace

from scaisend.caller import Caller
from scaisend.identity.members_store import add_member
from scaisend.identity.mirror_store import GROUPS, USERS, News, mirror_across_tenants
from scaisend.identity.permissions import EVERYTHING, OURS
from scaisend.identity.reach import ABOVE, SUPER_ADMIN, TENANT_ADMIN
from scaisend.ids import IdMaker
from tests.world.inline_database import InlineDatabase
from tests.world.tenants import NOW


def make_a_user(
    database: InlineDatabase, ids: IdMaker, tenant_id: str | None, subject: str, *, role: str | None = None, partner_id: str | None = None,
    status: str = "active",
) -> str:
    """A user that the provider calls `subject`; our id."""
    columns = {
        "tenant_id": tenant_id, "partner_id": partner_id, "email": f"{subject}@example.org", "name": subject.title(), "role": role, "status": status,
    }
    return database.now(mirror_across_tenants, ids, USERS, News(subject, NOW, columns), now_s=NOW)


def make_a_group(
    database: InlineDatabase, ids: IdMaker, tenant_id: str, name: str, *, parent_id: str | None = None, members: tuple[str, ...] = (),
    status: str = "active",
) -> str:
    """A group that the provider calls `ext-` and its name; our id."""
    columns = {"tenant_id": tenant_id, "parent_id": parent_id, "name": name, "status": status}
    made = database.now(mirror_across_tenants, ids, GROUPS, News(f"ext-{name}", NOW, columns), now_s=NOW)
    for user_id in members:
        database.now(add_member, tenant_id, made, user_id, at=NOW)
    return made


def administrator(partner_id: str, role: str = SUPER_ADMIN) -> Caller:
    """A partner admin or super admin who acts for no tenant."""
    return Caller(
        tenant_id="", partner_id=partner_id, credential_id="usr_above", user_id="usr_above", permissions=frozenset((ABOVE,)), role=role,
    )


def tenant_administrator(caller: Caller) -> Caller:
    """The admin of that caller's tenant."""
    return replace(caller, permissions=EVERYTHING, scopes=OURS, role=TENANT_ADMIN, user_id="usr_admin", key_hash=b"")
