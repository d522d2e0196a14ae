"""/v3/subusers: the tenants that a caller administers, as SendGrid shows subusers. Who is of one tenant administers none, and sees none."""

from collections.abc import Iterator

from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.account_api import user_id
from scaisend.identity.people_store import ACTIVE, Tenant, tenants
from scaisend.identity.reach import reach_of
from scaisend.identity.settings_store import settings_across_tenants
from scaisend.storage.database import Database, Txn

AT_ONCE = 500
MOST_OFFSET = 10_000
Found = tuple[Tenant, str]


class SubusersApi:
    """Lists of tenants; making and changing them is the identity provider's, or /api/admin's."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [
            get("/v3/subusers", self.show_all, summary="The tenants that the caller administers"),
            get("/v3/subusers/reputations", self.reputations, summary="The reputations of those tenants: none is kept, so the best"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """A bare array, `limit` (500) and `offset`; `username` chooses one."""
        page = offset_page(call, most_offset=MOST_OFFSET)
        name = call.one("username")
        wanted = page.offset + page.limit + 1
        found = await self._database.read(_found, call, [name] if name else None, wanted)
        return array_reply(call, "/v3/subusers", page, [
            {"id": user_id(each.id), "username": each.slug or each.name, "email": email, "disabled": each.status != ACTIVE}
            for each, email in found[page.offset : wanted]
        ])

    async def reputations(self, call: Call) -> Reply:
        """Of the tenants that `usernames` names, or of all."""
        found = await self._database.read(_found, call, call.query.get("usernames"), AT_ONCE)
        return json_reply([{"username": each.slug or each.name, "reputation": 100} for each, _ in found])


def _found(txn: Txn, call: Call, names: list[str] | None, most: int) -> list[Found]:
    """The first `most` of the tenants, by id, each with the address that it shows."""
    found: list[Found] = []
    for each in _within(txn, call):
        if len(found) == most:
            break
        if names is None or (each.slug or each.name) in names:
            found.append((each, ""))
    settings = settings_across_tenants(txn, [each.id for each, _ in found])
    return [(each, str(settings.get(each.id, {}).get("user", {}).get("account", {}).get("email", ""))) for each, _ in found]


def _within(txn: Txn, call: Call) -> Iterator[Tenant]:
    reach = reach_of(call.caller)
    if reach.tenant_id is not None:
        return
    after = ""
    while some := tenants(txn, partner_id=reach.partner_id, most=AT_ONCE, after=after):
        yield from some
        after = some[-1].id
