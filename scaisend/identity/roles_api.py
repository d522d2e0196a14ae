"""/api/admin/roles, /users/{id}/roles and /group-mappings: who may do what in a tenant."""

from dataclasses import replace

from scaisend.faults import Conflict, Fault, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import cursor, only, read_cursor, whole
from scaisend.http.reply import Reply, data_reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.administration import MOST, USUAL, page_of, page_reply, record, tenant_of
from scaisend.identity.people_store import Role
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import ABOVE, refuse_beyond
from scaisend.identity.roles_store import (
    Mapping,
    change_role,
    delete_role,
    give_role,
    make_role,
    map_group,
    mappings,
    role,
    role_count,
    roles_page,
    take_role,
    unmap_group,
)
from scaisend.identity.users_store import group, user
from scaisend.ids import IdMaker
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

ADMIN = ("admin.users", ABOVE)
MOST_ROLES = 1_000
LONGEST_NAME = 64
ROLES, MAPPINGS = "/api/admin/roles", "/api/admin/group-mappings"
GIVEN = "/api/admin/users/<user_id>/roles/<role>"


class RolesApi:
    """Roles of one tenant: the caller's, or the one that `?tenant_id=` names. `<role>` is an id or a name."""

    def __init__(self, *, database: Database, ids: IdMaker) -> None:
        self._database = database
        self._ids = ids

    def routes(self) -> list[Route]:
        return [
            get(ROLES, self.show_all, permission=ADMIN, summary="The tenant's roles"),
            post(ROLES, self.make, permission=ADMIN, summary="Make a role"),
            get(f"{ROLES}/<role>", self.show, permission=ADMIN, summary="One role"),
            patch(f"{ROLES}/<role>", self.change, permission=ADMIN, summary="Change a role's name, description and permissions"),
            delete(f"{ROLES}/<role>", self.remove, permission=ADMIN, summary="Delete a role; nobody has it any more"),
            post(GIVEN, self.give, permission=ADMIN, summary="Give a user a role"),
            delete(GIVEN, self.take, permission=ADMIN, summary="Take a role from a user"),
            get(MAPPINGS, self.show_mappings, permission=ADMIN, summary="Roles that whole groups have"),
            post(MAPPINGS, self.map, permission=ADMIN, summary="Give a group a role"),
            delete(f"{MAPPINGS}/<group_id>/<role>", self.unmap, permission=ADMIN, summary="Take a role from a group"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """Roles by id."""
        after, most = page_of(call, "tenant_id")
        found = await self._database.read(_page, call, after, most)
        return page_reply([shown_role(each) for each in found], found, most)

    async def make(self, call: Call) -> Reply:
        """201 with the role."""
        name, description, permissions = _read(call, is_new=True)
        new = Role(self._ids.new("rol", call.caller.tenant_id), "", name or "", description, tuple(permissions or ()), False)
        return data_reply(shown_role(await self._database.run(_make, call, new)), 201)

    async def show(self, call: Call) -> Reply:
        """One role."""
        return data_reply(shown_role(await self._database.read(_one, call)))

    async def change(self, call: Call) -> Reply:
        """The role as it is now; what is not given stays."""
        return data_reply(shown_role(await self._database.run(_change, call, *_read(call, is_new=False))))

    async def remove(self, call: Call) -> Reply:
        """204."""
        await self._database.run(_remove, call)
        return no_content()

    async def give(self, call: Call) -> Reply:
        """The user and the role that it has from now on."""
        return data_reply(await self._database.run(_give, call))

    async def take(self, call: Call) -> Reply:
        """204."""
        await self._database.run(_take, call)
        return no_content()

    async def show_mappings(self, call: Call) -> Reply:
        """Mappings by group and role; `next` is the `?after=` of the next page."""
        only(call, "after", "limit", "tenant_id")
        text = call.one("after")
        group_id, role_id = read_cursor(text, (str, str), field="after") if text else ("", "")
        most = whole(call, "limit", least=1, most=MOST, default=USUAL)
        found = await self._database.read(_mappings, call, (str(group_id), str(role_id)), most)
        following = cursor((found[-1].group_id, found[-1].role_id)) if len(found) == most else None
        return json_reply({"data": [_shown(each) for each in found], "next": following})

    async def map(self, call: Call) -> Reply:
        """201 with the mapping."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        group_id = reader.text("group_id", required=True, least=1, most=128)
        role_id = reader.text("role_id", required=True, least=1, most=128)
        finish(faults)
        return data_reply(_shown(await self._database.run(_map, call, group_id or "", role_id or "")), 201)

    async def unmap(self, call: Call) -> Reply:
        """204."""
        await self._database.run(_unmap, call)
        return no_content()


def shown_role(each: Role) -> dict[str, object]:
    """The role as /api/admin shows it."""
    return {
        "id": each.id, "tenant_id": each.tenant_id, "name": each.name, "description": each.description,
        "permissions": each.permissions, "is_default": each.is_default,
    }


def _read(call: Call, *, is_new: bool) -> tuple[str | None, str | None, list[str] | None]:
    """Name, description and permissions of the body. Raises: Invalid."""
    faults: list[Fault] = []
    reader = Reader(call.json(), faults)
    reader.refuse_unknown({"name", "description", "permissions"})
    name = reader.text("name", required=is_new or reader.has("name"), least=1, most=LONGEST_NAME)
    description = reader.text("description")
    permissions = reader.texts("permissions", required=is_new, most=64, most_items=len(OURS))
    for index, each in enumerate(permissions or ()):
        if each not in OURS:
            reader.fault(f"There is no permission {each!r}.", f"permissions.{index}", "GET /api/admin/permissions lists them.")
    finish(faults)
    return name, description, None if permissions is None else list(dict.fromkeys(permissions))


def _page(txn: Txn, call: Call, after: str, most: int) -> list[Role]:
    return roles_page(txn, tenant_of(txn, call).id, after=after, most=most)


def _one(txn: Txn, call: Call) -> Role:
    return role(txn, tenant_of(txn, call).id, call.path["role"])


def _make(txn: Txn, call: Call, new: Role) -> Role:
    tenant_id = tenant_of(txn, call).id
    refuse_beyond(call.caller, new.permissions)
    if role_count(txn, tenant_id) >= MOST_ROLES:
        raise Conflict(f"a tenant has at most {MOST_ROLES} roles")
    made = replace(new, tenant_id=tenant_id)
    make_role(txn, tenant_id, made, now_s=call.now_s)
    record(txn, call, tenant_id, action="role.create", resource=made.id, change={"name": made.name, "permissions": made.permissions})
    return made


def _change(txn: Txn, call: Call, name: str | None, description: str | None, permissions: list[str] | None) -> Role:
    before = _changeable(txn, call)
    after = replace(
        before, name=before.name if name is None else name, description=before.description if description is None else description,
        permissions=before.permissions if permissions is None else tuple(permissions),
    )
    refuse_beyond(call.caller, [each for each in after.permissions if each not in before.permissions])
    if after != before:
        change_role(
            txn, before.tenant_id, before.id, name=after.name, description=after.description, permissions=after.permissions, now_s=call.now_s,
        )
        record(txn, call, before.tenant_id, action="role.change", resource=before.id, change={
            "before": {"name": before.name, "permissions": before.permissions}, "after": {"name": after.name, "permissions": after.permissions},
        })
    return after


def _remove(txn: Txn, call: Call) -> None:
    before = _changeable(txn, call)
    delete_role(txn, before.tenant_id, before.id)
    record(txn, call, before.tenant_id, action="role.delete", resource=before.id, change={"name": before.name})


def _changeable(txn: Txn, call: Call) -> Role:
    """The role, held until the commit. Raises: NotFound; Conflict when it is a default one."""
    found = role(txn, tenant_of(txn, call).id, call.path["role"], for_update=True)
    if found.is_default:
        raise Conflict(f"{found.name} is a default role and stays as it is", help="make another role")
    return found


def _give(txn: Txn, call: Call) -> dict[str, object]:
    tenant_id = tenant_of(txn, call).id
    given = role(txn, tenant_id, call.path["role"], for_update=True)
    to = user(txn, tenant_id, call.path["user_id"])
    refuse_beyond(call.caller, given.permissions)
    if give_role(txn, tenant_id, to.id, given.id, now_s=call.now_s):
        record(txn, call, tenant_id, action="user.give_role", resource=to.id, change={"role_id": given.id, "role": given.name})
    return {"user_id": to.id, "role": shown_role(given)}


def _take(txn: Txn, call: Call) -> None:
    tenant_id = tenant_of(txn, call).id
    taken = role(txn, tenant_id, call.path["role"])
    whose = user(txn, tenant_id, call.path["user_id"])
    if not take_role(txn, tenant_id, whose.id, taken.id):
        raise NotFound("the user was not given this role")
    record(txn, call, tenant_id, action="user.take_role", resource=whose.id, change={"role_id": taken.id, "role": taken.name})


def _mappings(txn: Txn, call: Call, after: tuple[str, str], most: int) -> list[Mapping]:
    return mappings(txn, tenant_of(txn, call).id, after=after, most=most)


def _map(txn: Txn, call: Call, group_name: str, role_name: str) -> Mapping:
    tenant_id = tenant_of(txn, call).id
    given = role(txn, tenant_id, role_name, for_update=True)
    to = group(txn, tenant_id, group_name)
    refuse_beyond(call.caller, given.permissions)
    if map_group(txn, tenant_id, to.id, given.id, now_s=call.now_s):
        record(txn, call, tenant_id, action="group.give_role", resource=to.id, change={"role_id": given.id, "role": given.name})
    return Mapping(to.id, to.name, given.id, given.name)


def _unmap(txn: Txn, call: Call) -> None:
    tenant_id = tenant_of(txn, call).id
    taken = role(txn, tenant_id, call.path["role"])
    whose = group(txn, tenant_id, call.path["group_id"])
    if not unmap_group(txn, tenant_id, whose.id, taken.id):
        raise NotFound("the group was not given this role")
    record(txn, call, tenant_id, action="group.take_role", resource=whose.id, change={"role_id": taken.id, "role": taken.name})


def _shown(each: Mapping) -> dict[str, object]:
    return {"group_id": each.group_id, "group": each.group, "role_id": each.role_id, "role": each.role}
