"""/v3/whitelabel/domains/subuser and /links/subuser: what a tenant that the caller administers sends from, and its links lead over.

A domain and a link belong to the tenant that uses them, with keys of its own, so they are shown here and made on its behalf.
"""

from scaisend.domains import links_store
from scaisend.domains.domains import Domains, DomainView
from scaisend.domains.links import shape as link_shape
from scaisend.domains.whitelabel import shape
from scaisend.domains.whitelabel_store import numbers
from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.account_api import user_id
from scaisend.identity.administration import called_tenant
from scaisend.identity.people_store import Tenant
from scaisend.identity.reach import ABOVE
from scaisend.storage.database import Database, Txn

DOMAIN, LINK = "/v3/whitelabel/domains/subuser", "/v3/whitelabel/links/subuser"


class SubuserDomainsApi:
    """For who administers tenants; `username` names one of them. `tracking_host` is where branded links lead."""

    def __init__(self, *, database: Database, domains: Domains, tracking_host: str) -> None:
        self._database = database
        self._domains = domains
        self._tracking_host = tracking_host

    def routes(self) -> list[Route]:
        return [
            get(DOMAIN, self.show_domain, permission=ABOVE, summary="The domain that a tenant sends from: its default one"),
            get(f"{DOMAIN}/all", self.show_domains, permission=ABOVE, summary="All domains that a tenant may send from"),
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
