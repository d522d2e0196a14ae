"""/api/admin/users and /groups: people as the identity provider tells of them."""

from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, get
from scaisend.identity.administration import named_tenant, page_of, page_reply, tenant_of
from scaisend.identity.permissions import OURS, permissions_of
from scaisend.identity.reach import ABOVE, ROLES_ABOVE, TENANT_ADMIN, reach_of
from scaisend.identity.roles_api import shown_role
from scaisend.identity.roles_store import roles_of_user
from scaisend.identity.users_store import Group, User, group, groups, groups_of_user, members, user, users
from scaisend.storage.database import Database, Txn

ADMIN = ("admin.users", ABOVE)


class PeopleApi:
    """Users and groups as far as the caller sees; ids are ours or the provider's."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [
            get("/api/admin/users", self.show_users, permission=ADMIN, summary="People that the caller sees"),
            get("/api/admin/users/<user_id>", self.show_user, permission=ADMIN, summary="One person with roles, groups and permissions"),
            get("/api/admin/groups", self.show_groups, permission=ADMIN, summary="The tenant's groups"),
            get("/api/admin/groups/<group_id>", self.show_group, permission=ADMIN, summary="One group"),
            get("/api/admin/groups/<group_id>/members", self.show_members, permission=ADMIN, summary="The members of a group"),
        ]

    async def show_users(self, call: Call) -> Reply:
        """People by id; `?tenant_id=` those of one tenant."""
        after, most = page_of(call, "tenant_id")
        found = await self._database.read(_users, call, after, most)
        return page_reply([_shown(each) for each in found], found, most)

    async def show_user(self, call: Call) -> Reply:
        """The person, and what it may do in its tenant and why."""
        return data_reply(await self._database.read(_whole, call))

    async def show_groups(self, call: Call) -> Reply:
        """Groups of one tenant by id."""
        after, most = page_of(call, "tenant_id")
        found = await self._database.read(_groups, call, after, most)
        return page_reply([_shown_group(each) for each in found], found, most)

    async def show_group(self, call: Call) -> Reply:
        """One group."""
        return data_reply(_shown_group(await self._database.read(_group, call)))

    async def show_members(self, call: Call) -> Reply:
        """Its own members by id; those of groups inside it are theirs."""
        after, most = page_of(call)
        found = await self._database.read(_members, call, after, most)
        return page_reply([_shown(each) for each in found], found, most)


def _users(txn: Txn, call: Call, after: str, most: int) -> list[User]:
    reach, wanted = reach_of(call.caller), call.one("tenant_id")
    tenant_id = named_tenant(txn, call, wanted).id if wanted else reach.tenant_id
    return users(txn, tenant_id, partner_id=reach.partner_id, after=after, most=most)


def _whole(txn: Txn, call: Call) -> dict[str, object]:
    reach = reach_of(call.caller)
    found = user(txn, reach.tenant_id, call.path["user_id"], partner_id=reach.partner_id)
    shown = _shown(found)
    if found.tenant_id is None:
        return {**shown, "roles": [], "group_roles": [], "groups": [], "permissions": OURS if found.role in ROLES_ABOVE else []}
    direct, by_group = roles_of_user(txn, found.tenant_id, found.id)
    given = permissions_of(name for each in (*direct, *by_group) for name in each.permissions)
    is_admin = found.role in (*ROLES_ABOVE, TENANT_ADMIN)
    return {
        **shown, "roles": [shown_role(each) for each in direct], "group_roles": [shown_role(each) for each in by_group],
        "groups": [_shown_group(each) for each in groups_of_user(txn, found.tenant_id, found.id)],
        "permissions": [name for name in OURS if is_admin or name in given],
    }


def _groups(txn: Txn, call: Call, after: str, most: int) -> list[Group]:
    return groups(txn, tenant_of(txn, call).id, after=after, most=most)


def _group(txn: Txn, call: Call) -> Group:
    return group(txn, tenant_of(txn, call).id, call.path["group_id"])


def _members(txn: Txn, call: Call, after: str, most: int) -> list[User]:
    found = _group(txn, call)
    return members(txn, found.tenant_id, found.id, after=after, most=most)


def _shown(each: User) -> dict[str, object]:
    return {
        "id": each.id, "external_id": each.external_id, "tenant_id": each.tenant_id, "partner_id": each.partner_id, "email": each.email,
        "name": each.name, "role": each.role, "status": each.status, "created_at": each.created_at,
    }


def _shown_group(each: Group) -> dict[str, object]:
    return {
        "id": each.id, "external_id": each.external_id, "tenant_id": each.tenant_id, "parent_id": each.parent_id, "name": each.name,
        "status": each.status, "created_at": each.created_at,
    }
