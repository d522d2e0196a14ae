"""/v3/asm/*: unsubscribe groups, who left them, and the global unsubscribes."""

from collections.abc import Sequence

from scaisend.address import fold
from scaisend.faults import NotFound
from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.storage.database import Database, Txn
from scaisend.suppressions import groups_store, store
from scaisend.suppressions.erased import Erasure, with_names
from scaisend.suppressions.groups_store import Group
from scaisend.suppressions.lists import UNSUBSCRIBES
from scaisend.suppressions.requested import read_emails, read_group, read_group_id, read_wanted
from scaisend.suppressions.store import Entry

READ, WRITE = "suppressions.read", "suppressions.write"
GROUPS = "/v3/asm/groups"
ONE = f"{GROUPS}/<group_id>"
LEFT = f"{ONE}/suppressions"
ALL_LEFT = "/v3/asm/suppressions"
GLOBAL = f"{ALL_LEFT}/global"
EMAILS = "recipient_emails"
MEMBERS_PAGE = 100_000
AT_ONCE = 1_000


class GroupsApi:
    """The unsubscribe groups of the caller's tenant."""

    def __init__(self, *, database: Database, erasure: Erasure | None = None) -> None:
        self._erasure = erasure
        self._database = database

    def routes(self) -> list[Route]:
        return [
            get(GROUPS, self.show_all, permission=READ, summary="The unsubscribe groups"),
            post(GROUPS, self.add, permission=WRITE, summary="Make an unsubscribe group"),
            get(ONE, self.show, permission=READ, summary="One unsubscribe group"),
            patch(ONE, self.change, permission=WRITE, summary="Change an unsubscribe group"),
            delete(ONE, self.remove, permission=WRITE, summary="Delete an unsubscribe group and forget who left it"),
            get(LEFT, self.show_members, permission=READ, summary="The addresses that left a group"),
            post(LEFT, self.leave, permission=WRITE, summary="Take addresses out of a group"),
            post(f"{LEFT}/search", self.search, permission=READ, summary="Which of the addresses left a group"),
            delete(f"{LEFT}/<email>", self.come_back, permission=WRITE, summary="Let an address back into a group"),
            get(ALL_LEFT, self.show_all_left, permission=READ, summary="Who left which group"),
            get(GLOBAL, self.show_global_page, permission=READ, summary="Who opted out of all mail"),
            post(GLOBAL, self.leave_all, permission=WRITE, summary="Opt addresses out of all mail"),
            get(f"{GLOBAL}/<email>", self.show_global, permission=READ, summary="Whether an address opted out of all mail"),
            delete(f"{GLOBAL}/<email>", self.come_back_to_all, permission=WRITE, summary="Let an address get mail again"),
            get(f"{ALL_LEFT}/<email>", self.show_left_by, permission=READ, summary="Every group, and whether an address left it"),
        ]

    # -- groups --

    async def show_all(self, call: Call) -> Reply:
        """Every group, or those that `id` names, with how many left it."""
        wanted = None
        if "id" in call.query:
            wanted = [group_id for text in call.query["id"] if (group_id := read_group_id(text)) is not None]
        return json_reply(await self._database.read(_shown_groups, call.caller.tenant_id, wanted))

    async def add(self, call: Call) -> Reply:
        """201 with the group."""
        name, description, is_default = read_group(call.json(), is_new=True)
        made = await self._database.run(_add, call, name or "", description, bool(is_default))
        return json_reply(_shown(made), 201)

    async def show(self, call: Call) -> Reply:
        """The group with how many left it."""
        found = await self._database.read(_shown_groups, call.caller.tenant_id, [_group_id(call)])
        if not found:
            raise _unknown()
        return json_reply(found[0])

    async def change(self, call: Call) -> Reply:
        """201, as SendGrid answers it."""
        name, description, is_default = read_group(call.json(), is_new=False)
        changed = await self._database.run(_change, call, _group_id(call), name, description, is_default)
        if changed is None:
            raise _unknown()
        return json_reply(_shown(changed), 201)

    async def remove(self, call: Call) -> Reply:
        """204; who left the group gets mail of other groups as before."""
        group_id = _group_id(call)
        if not await self._database.run(_remove, call, group_id):
            raise _unknown()
        while await self._database.run(groups_store.forget_some, call.caller.tenant_id, group_id, AT_ONCE):
            pass
        return no_content()

    # -- who left them --

    async def show_members(self, call: Call) -> Reply:
        """A bare array of addresses."""
        page = offset_page(call, default=MEMBERS_PAGE, most=MEMBERS_PAGE)
        group_id = await self._known(call)
        found = await self._database.read(groups_store.members, call.caller.tenant_id, group_id, limit=page.limit + 1, offset=page.offset)
        return array_reply(call, f"{GROUPS}/{group_id}/suppressions", page, found)

    async def leave(self, call: Call) -> Reply:
        """201 with the addresses as they were given."""
        emails = read_emails(call.json(), EMAILS)
        group_id = await self._known(call)
        await self._database.run(_leave, call, group_id, [fold(each) for each in emails])
        return json_reply({EMAILS: emails}, 201)

    async def search(self, call: Call) -> Reply:
        """An array of those of the addresses that left the group."""
        emails = read_emails(call.json(), EMAILS)
        group_id = await self._known(call)
        left = await self._database.read(groups_store.members_among, call.caller.tenant_id, group_id, [fold(each) for each in emails])
        return json_reply([each for each in emails if fold(each) in left])

    async def come_back(self, call: Call) -> Reply:
        """204, whether it had left or not."""
        group_id = await self._known(call)
        await self._database.run(_come_back, call, group_id, self._erasure)
        return no_content()

    async def show_all_left(self, call: Call) -> Reply:
        """One page of addresses and the groups they left."""
        page = offset_page(call)
        found = await self._database.read(groups_store.all_left, call.caller.tenant_id, limit=page.limit + 1, offset=page.offset)
        return array_reply(call, ALL_LEFT, page, [
            {"email": each.email, "group_id": each.group_id, "group_name": each.group_name, "created_at": int(each.created_at)} for each in found
        ])

    async def show_left_by(self, call: Call) -> Reply:
        """Every group of the tenant, with whether this address left it."""
        groups, left = await self._database.read(_left_by, call.caller.tenant_id, fold(call.path["email"]))
        return json_reply({"suppressions": [{**_shown(each), "suppressed": each.id in left} for each in groups]})

    # -- all mail --

    async def show_global_page(self, call: Call) -> Reply:
        """The list of /v3/suppression/unsubscribes."""
        wanted = read_wanted(call.one("start_time"), call.one("end_time"), call.one("email"))
        page = offset_page(call)
        found = await self._database.read(store.listed, call.caller.tenant_id, UNSUBSCRIBES, wanted, limit=page.limit + 1, offset=page.offset)
        return array_reply(call, GLOBAL, page, [{"created": int(each.created_at), "email": each.email} for each in found])

    async def leave_all(self, call: Call) -> Reply:
        """201 with the addresses as they were given."""
        emails = read_emails(call.json(), EMAILS)
        entries = [Entry(call.caller.tenant_id, UNSUBSCRIBES, fold(each), None, None, None, None, "api", call.now_s) for each in emails]
        await self._database.run(_leave_all, call, entries)
        return json_reply({EMAILS: emails}, 201)

    async def show_global(self, call: Call) -> Reply:
        """`{"recipient_email": …}`, or `{}` for an address that gets mail."""
        found = await self._database.read(store.listed_one, call.caller.tenant_id, UNSUBSCRIBES, fold(call.path["email"]))
        return json_reply({"recipient_email": found.email} if found else {})

    async def come_back_to_all(self, call: Call) -> Reply:
        """204, whether it was listed or not."""
        await self._database.run(_come_back_to_all, call, self._erasure)
        return no_content()

    async def _known(self, call: Call) -> int:
        """The number of the group in the path. Raises: NotFound."""
        group_id = _group_id(call)
        if await self._database.read(groups_store.group, call.caller.tenant_id, group_id) is None:
            raise _unknown()
        return group_id


def _shown_groups(txn: Txn, tenant_id: str, group_ids: list[int] | None) -> list[dict[str, object]]:
    found = groups_store.groups(txn, tenant_id, group_ids)
    left = groups_store.counts(txn, tenant_id) if found else {}
    return [{**_shown(each), "unsubscribes": left.get(each.id, 0), "last_email_sent_at": None} for each in found]


def _left_by(txn: Txn, tenant_id: str, email: str) -> tuple[list[Group], set[int]]:
    return groups_store.groups(txn, tenant_id), groups_store.groups_left_by(txn, tenant_id, email)


def _add(txn: Txn, call: Call, name: str, description: str | None, is_default: bool) -> Group:
    made = groups_store.add_group(txn, call.caller.tenant_id, name=name, description=description, is_default=is_default, now=call.now_s)
    _record(txn, call, "asm_group.create", made.id, {"name": name})
    return made


def _change(txn: Txn, call: Call, group_id: int, name: str | None, description: str | None, is_default: bool | None) -> Group | None:
    changed = groups_store.change_group(
        txn, call.caller.tenant_id, group_id, name=name, description=description, is_default=is_default, now=call.now_s
    )
    if changed is not None:
        _record(txn, call, "asm_group.update", group_id, {"name": changed.name, "is_default": changed.is_default})
    return changed


def _remove(txn: Txn, call: Call, group_id: int) -> bool:
    removed = groups_store.delete_group(txn, call.caller.tenant_id, group_id)
    if removed:
        _record(txn, call, "asm_group.delete", group_id, {})
    return removed


def _leave(txn: Txn, call: Call, group_id: int, emails: Sequence[str]) -> None:
    left = groups_store.leave(txn, call.caller.tenant_id, group_id, emails, call.now_s)
    _record(txn, call, "asm_group.leave", group_id, {"added": left})


def _come_back(txn: Txn, call: Call, group_id: int, erasure: Erasure | None) -> None:
    emails = with_names(erasure, txn, call.caller.tenant_id, [fold(call.path["email"])])
    if sum(groups_store.come_back(txn, call.caller.tenant_id, group_id, email) for email in emails):
        _record(txn, call, "asm_group.come_back", group_id, {"removed": 1})


def _leave_all(txn: Txn, call: Call, entries: Sequence[Entry]) -> None:
    added = store.list_across_tenants(txn, entries)
    _record(txn, call, "suppressions.add", UNSUBSCRIBES, {"added": added})


def _come_back_to_all(txn: Txn, call: Call, erasure: Erasure | None) -> None:
    if store.unlist(txn, call.caller.tenant_id, UNSUBSCRIBES, with_names(erasure, txn, call.caller.tenant_id, [fold(call.path["email"])])):
        _record(txn, call, "suppressions.remove", UNSUBSCRIBES, {"removed": 1})


def _record(txn: Txn, call: Call, action: str, resource: int | str, change: dict[str, object]) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.credential_id, action=action, resource=str(resource), change=change,
        source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )


def _shown(group: Group) -> dict[str, object]:
    return {"id": group.id, "name": group.name, "description": group.description or "", "is_default": group.is_default}


def _group_id(call: Call) -> int:
    group_id = read_group_id(call.path["group_id"])
    if group_id is None:
        raise _unknown()
    return group_id


def _unknown() -> NotFound:
    return NotFound("not found", "group_id")
