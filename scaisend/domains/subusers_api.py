"""/v3/whitelabel/domains/subuser and /links/subuser: what a tenant that the caller administers sends from, and its links lead over.

A domain of one tenant can be associated with another of the same partner, which then has it too, with the same keys. A link belongs to the
tenant that uses it, so it is shown here and made on its behalf.
"""

from dataclasses import replace

from scaisend.domains import links_store
from scaisend.domains.domains import Domains, DomainView
from scaisend.domains.links import shape as link_shape
from scaisend.domains.sharing_store import Place, associate, associated, numbered_across_tenants
from scaisend.domains.store import Domain, delete_domain, lock_domain
from scaisend.domains.whitelabel import read_id, shape
from scaisend.domains.whitelabel_store import numbers
from scaisend.faults import Conflict, Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, post
from scaisend.identity.account_api import user_id
from scaisend.identity.administration import called_tenant, named_tenant, record
from scaisend.identity.people_store import Tenant
from scaisend.identity.reach import ABOVE, reach_of
from scaisend.ids import IdMaker
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

DOMAIN, LINK = "/v3/whitelabel/domains/subuser", "/v3/whitelabel/links/subuser"
ONE = "/v3/whitelabel/domains/<domain_id>/subuser"


class SubuserDomainsApi:
    """For who administers tenants; `username` names one of them. `tracking_host` is where branded links lead."""

    def __init__(self, *, database: Database, domains: Domains, ids: IdMaker, tracking_host: str) -> None:
        self._database = database
        self._ids = ids
        self._domains = domains
        self._tracking_host = tracking_host

    def routes(self) -> list[Route]:
        return [
            get(DOMAIN, self.show_domain, permission=ABOVE, summary="The domain that a tenant sends from: its default one"),
            get(f"{DOMAIN}/all", self.show_domains, permission=ABOVE, summary="All domains that a tenant may send from"),
            post(ONE, self.associate, permission=ABOVE, summary="Let a tenant send from a domain of another one, with the same keys"),
            post(f"{ONE}:add", self.associate, permission=ABOVE, summary="The same"),
            delete(DOMAIN, self.part, permission=ABOVE, summary="Take from a tenant the domain that was associated with it"),
            delete(ONE, self.part_one, permission=ABOVE, summary="Take from a tenant the one of its associated domains that is named"),
            get(LINK, self.show_link, permission=ABOVE, summary="The host that a tenant's links lead over: its default one"),
        ]

    async def show_domain(self, call: Call) -> Reply:
        """The default domain, else its first. Raises: NotFound where it has none."""
        shown = await self._shown(call)
        if not shown:
            raise NotFound("resource not found")
        return json_reply(min(shown, key=lambda each: not each["default"]))

    async def show_domains(self, call: Call) -> Reply:
        """A bare array, by name."""
        return json_reply(await self._shown(call))

    async def associate(self, call: Call) -> Reply:
        """201 with the domain as the tenant has it from now on; `?tenant_id=` says whose the domain is, where tenants have the same id."""
        username = _username(call.json())
        whose, made, number = await self._database.run(_associate, call, self._ids, username)
        return json_reply(self._shape(await self._domains.one(whose.id, made.id), whose, number), 201)

    async def part(self, call: Call) -> Reply:
        """204; mail of the tenant from the domain is refused from now on. Raises: NotFound; Conflict where several were associated."""
        await self._database.run(_part, call)
        return no_content()

    async def part_one(self, call: Call) -> Reply:
        """204; the path has the id that the domain's owner has for it. Raises: NotFound."""
        username = call.one("username") or _username(call.json())
        await self._database.run(_part_one, call, username)
        return no_content()

    async def show_link(self, call: Call) -> Reply:
        """The default link, else its first. Raises: NotFound where it has none."""
        whose = await self._database.read(_named, call)
        found = await self._database.read(links_store.links, whose.id)
        if not found:
            raise NotFound("resource not found")
        first = min(found, key=lambda each: not each.is_default)
        return json_reply(link_shape(first, tracking_host=self._tracking_host, user_id=user_id(whose.id), username=whose.username))

    async def _shown(self, call: Call) -> list[dict[str, object]]:
        whose, known = await self._database.run(_numbered, call)
        views = await self._domains.all(whose.id)
        return [self._shape(each, whose, known[each.domain.id]) for each in views if each.domain.id in known]

    def _shape(self, view: DomainView, whose: Tenant, number: int) -> dict[str, object]:
        return shape(view, self._domains.records(view), number=number, user_id=user_id(whose.id), username=whose.username)


def _named(txn: Txn, call: Call) -> Tenant:
    """The tenant that `username` names. Raises: Invalid."""
    name = call.one("username")
    if not name:
        raise Invalid("The username parameter is required.", "username", "GET /v3/subusers lists them.")
    return called_tenant(txn, call, name)


def _numbered(txn: Txn, call: Call) -> tuple[Tenant, dict[str, int]]:
    whose = _named(txn, call)
    return whose, numbers(txn, whose.id, now_s=call.now_s)


def _username(given: object) -> str:
    faults: list[Fault] = []
    name = Reader(given, faults).text("username", required=True, least=1, most=255)
    finish(faults)
    return name or ""


def _place(txn: Txn, call: Call) -> Place:
    """The owner and id of the domain that the path names. Raises: NotFound, where it is nobody's within reach, or several tenants'."""
    number, owner = read_id(call.path["domain_id"]), call.one("tenant_id")
    owner_id = named_tenant(txn, call, owner).id if owner else None
    found = [] if number is None else numbered_across_tenants(txn, number, partner_id=reach_of(call.caller).partner_id, owner_id=owner_id)
    if len(found) != 1:
        raise NotFound("resource not found", help="where several tenants have a domain of this id, name its owner: ?tenant_id=")
    return found[0]


def _associate(txn: Txn, call: Call, ids: IdMaker, username: str) -> tuple[Tenant, Domain, int]:
    owned = lock_domain(txn, *_place(txn, call))
    if owned is None:
        raise NotFound("resource not found")
    whose, owner = called_tenant(txn, call, username), named_tenant(txn, call, owned.tenant_id)
    if whose.partner_id != owner.partner_id:
        raise Invalid("invalid username", "username", "A domain is shared among the tenants of one partner.")
    try:
        made = associate(txn, whose.id, ids, owned, now_s=call.now_s)
    except Conflict as refused:
        raise Invalid([replace(each, field="username") for each in refused.faults]) from None
    change: dict[str, object] = {"domain": owned.domain, "associated_from": owned.id}
    record(txn, call, whose.id, action="domain.associate", resource=made.id, change=change)
    return whose, made, numbers(txn, whose.id, now_s=call.now_s)[made.id]


def _part(txn: Txn, call: Call) -> None:
    whose = _named(txn, call)
    found = associated(txn, whose.id)
    if len(found) > 1:
        raise Conflict(
            "several domains were associated with this account", "username", "name one: DELETE /v3/whitelabel/domains/{id}/subuser?username=",
        )
    _take(txn, call, whose, found)


def _part_one(txn: Txn, call: Call, username: str) -> None:
    _, domain_id = _place(txn, call)
    whose = called_tenant(txn, call, username)
    _take(txn, call, whose, [each for each in associated(txn, whose.id) if each.associated_from == domain_id])


def _take(txn: Txn, call: Call, whose: Tenant, found: list[Domain]) -> None:
    if not found or not delete_domain(txn, whose.id, found[0].id):
        raise NotFound("resource not found")
    change: dict[str, object] = {"domain": found[0].domain, "associated_from": found[0].associated_from}
    record(txn, call, whose.id, action="domain.part", resource=found[0].id, change=change)
