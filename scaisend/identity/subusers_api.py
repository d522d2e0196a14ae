"""/v3/subusers: the tenants that a caller administers, as SendGrid shows subusers. Who is of one tenant administers none, and sees none."""

from collections.abc import Collection, Iterator, Mapping

from scaisend.faults import Conflict, Invalid
from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post, put
from scaisend.identity.account_api import SECTION, user_id
from scaisend.identity.addresses_store import addresses, set_addresses
from scaisend.identity.administration import called_tenant, record
from scaisend.identity.disabling_store import set_disabled
from scaisend.identity.people_store import (
    ACTIVE,
    DEACTIVATED,
    Tenant,
    lock_partner,
    make_tenant,
    partner_within,
    partners,
    set_tenant_status,
    tenant,
    tenants,
    tenants_called,
)
from scaisend.identity.reach import ABOVE, reach_of
from scaisend.identity.settings_store import change_setting, settings_across_tenants
from scaisend.identity.subuser import NewSubuser, read_addresses, read_disabled, read_subuser
from scaisend.ids import IdMaker
from scaisend.storage.database import Database, Txn

ALL = "/v3/subusers"
ONE = f"{ALL}/<username>"
AT_ONCE = 500
MOST_OFFSET = 10_000
# No plan limits what is sent; what does is at /api/admin/tenants/{id}/limits.
CREDITS: Mapping[str, object] = {"type": "unlimited"}
Found = tuple[Tenant, str]


class SubusersApi:
    """Tenants of the caller's partner, or for a super admin of all. `sources` are the addresses that mail may leave from."""

    def __init__(self, *, database: Database, ids: IdMaker, sources: Collection[str]) -> None:
        self._database = database
        self._ids = ids
        self._sources = frozenset(sources)

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, summary="The tenants that the caller administers"),
            post(ALL, self.add, permission=ABOVE, summary="Make a tenant of the caller's partner"),
            get(f"{ALL}/reputations", self.reputations, summary="The reputations of those tenants: none is kept, so the best"),
            patch(ONE, self.change, permission=ABOVE, summary="Suspend one of those tenants, or let it go on"),
            delete(ONE, self.remove, permission=ABOVE, summary="Deactivate one of those tenants; nothing of it is erased"),
            get(f"{ONE}/ips", self.show_addresses, permission=ABOVE, summary="The addresses that the tenant's mail leaves by; none: any"),
            put(f"{ONE}/ips", self.set_addresses, permission=ABOVE, summary="Have the tenant's mail leave by these addresses alone"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """A bare array, `limit` (500) and `offset`; `username` chooses one."""
        page = offset_page(call, most_offset=MOST_OFFSET)
        name = call.one("username")
        wanted = page.offset + page.limit + 1
        found = await self._database.read(_found, call, [name] if name else None, wanted)
        return array_reply(call, ALL, page, [
            {"id": user_id(each.id), "username": each.username, "email": email, "disabled": each.status != ACTIVE}
            for each, email in found[page.offset : wanted]
        ])

    async def reputations(self, call: Call) -> Reply:
        """Of the tenants that `usernames` names, or of all."""
        found = await self._database.read(_found, call, call.query.get("usernames"), AT_ONCE)
        return json_reply([{"username": each.username, "reputation": 100} for each, _ in found])

    async def add(self, call: Call) -> Reply:
        """200, as SendGrid answers. The tenant has the default roles and no key: one is made on its behalf."""
        asked = read_subuser(call.json(), self._sources)
        made = await self._database.run(_add, call, self._ids, asked)
        return json_reply({"username": asked.username, "user_id": user_id(made.id), "email": asked.email, "credit_allocation": CREDITS})

    async def change(self, call: Call) -> Reply:
        """204. What a disabled tenant asks is refused from the next request on; mail that was accepted before goes out."""
        await self._database.run(_disable, call, read_disabled(call.json()))
        return no_content()

    async def remove(self, call: Call) -> Reply:
        """204. Raises: Conflict for a tenant of the identity provider's."""
        await self._database.run(_remove, call)
        return no_content()

    async def show_addresses(self, call: Call) -> Reply:
        """What was set."""
        found = await self._database.read(lambda txn: addresses(txn, called_tenant(txn, call, call.path["username"]).id))
        return json_reply({"ips": list(found)})

    async def set_addresses(self, call: Call) -> Reply:
        """200 with the addresses; an empty array is any. Mail leaves so within half a minute."""
        wanted = read_addresses(call.json(), self._sources)
        await self._database.run(_set_addresses, call, wanted)
        return json_reply({"ips": list(wanted)})


def _found(txn: Txn, call: Call, names: list[str] | None, most: int) -> list[Found]:
    """The first `most` of the tenants, by id, each with the address that it shows."""
    found: list[Found] = []
    for each in _within(txn, call):
        if len(found) == most:
            break
        if names is None or each.username in names:
            found.append((each, ""))
    settings = settings_across_tenants(txn, [each.id for each, _ in found])
    return [(each, str(settings.get(each.id, {}).get(SECTION, {}).get("account", {}).get("email", ""))) for each, _ in found]


def _within(txn: Txn, call: Call) -> Iterator[Tenant]:
    reach = reach_of(call.caller)
    if reach.tenant_id is not None:
        return
    after = ""
    while some := tenants(txn, partner_id=reach.partner_id, most=AT_ONCE, after=after):
        yield from [each for each in some if each.status != DEACTIVATED]
        after = some[-1].id


def _add(txn: Txn, call: Call, ids: IdMaker, asked: NewSubuser) -> Tenant:
    partner_id = _partner(txn, call, asked.partner_id)
    lock_partner(txn, partner_id)
    if tenants_called(txn, asked.username, partner_id=partner_id, most=1):
        raise Invalid("username exists", "username")
    made = make_tenant(txn, ids, name=asked.username, slug=asked.username, partner_id=partner_id, now_s=call.now_s)
    change_setting(txn, made.id, SECTION, "account", {"email": asked.email}, now_s=call.now_s)
    if asked.addresses:
        set_addresses(txn, made.id, asked.addresses, now_s=call.now_s)
    record(txn, call, made.id, action="tenant.create", resource=made.id, change={
        "username": asked.username, "partner_id": partner_id, "email": asked.email, "addresses": list(asked.addresses),
    })
    return made


def _partner(txn: Txn, call: Call, named: str | None) -> str:
    """The partner whose tenant it becomes: the one named, the caller's own, or the only one.

    Raises: NotFound, for a named one out of reach; Invalid where none is named and it could be any.
    """
    own = call.caller.partner_id or None
    if named is not None:
        return partner_within(txn, named, partner_id=reach_of(call.caller).partner_id).id
    if own is None and len(found := partners(txn, partner_id=None, most=2)) == 1:
        own = found[0].id
    if own is None:
        raise Invalid("The partner_id parameter is required.", "partner_id", "GET /api/admin/partners lists them.")
    return own


def _disable(txn: Txn, call: Call, is_disabled: bool) -> None:
    found = called_tenant(txn, call, call.path["username"])
    done = set_disabled(txn, found.id, is_disabled, now_s=call.now_s)
    after = tenant(txn, found.id)
    if not is_disabled and after is not None and after.status != ACTIVE:
        raise Conflict(f"this account is {after.status} by the identity provider, or the operator", "disabled", "have it activated there")
    if done:
        record(txn, call, found.id, action="tenant.disable" if is_disabled else "tenant.enable", resource=found.id, change={"disabled": is_disabled})


def _remove(txn: Txn, call: Call) -> None:
    found = called_tenant(txn, call, call.path["username"])
    if found.external_id is not None:
        raise Conflict("this account is the identity provider's", "username", "remove it there, or disable it here: PATCH with {\"disabled\": true}")
    set_tenant_status(txn, found.id, DEACTIVATED, now_s=call.now_s)
    record(txn, call, found.id, action="tenant.deactivate", resource=found.id, change={"username": found.username})


def _set_addresses(txn: Txn, call: Call, wanted: tuple[str, ...]) -> None:
    found = called_tenant(txn, call, call.path["username"])
    before = addresses(txn, found.id, lock=True)
    if before != wanted:
        set_addresses(txn, found.id, wanted, now_s=call.now_s)
        record(txn, call, found.id, action="tenant.addresses", resource=found.id, change={"before": list(before), "after": list(wanted)})
