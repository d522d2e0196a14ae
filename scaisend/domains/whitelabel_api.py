"""/v3/whitelabel/domains: the tenant's sender domains as SendGrid shows them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from scaisend.domains.domains import Doer, Domains, DomainView
from scaisend.domains.whitelabel import (
    MOST_ADDRESSES,
    canonical,
    read_address,
    read_change,
    read_domain,
    read_id,
    shape,
    validation,
)
from scaisend.domains.whitelabel_store import numbers
from scaisend.faults import Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.account_api import user_id
from scaisend.identity.people_store import tenant
from scaisend.storage.database import Database, Txn

READ, WRITE = "domains.read", "domains.write"
ALL = "/v3/whitelabel/domains"
ONE = f"{ALL}/<domain_id>"
PAGE = 50


@dataclass(frozen=True, slots=True)
class _Known:
    """The integer ids of the tenant's domains, and what the tenant is called."""

    numbers: dict[str, int]
    username: str


class WhitelabelApi:
    """The domains of the caller's tenant; `<domain_id>` is the integer id. `sources` are the addresses that mail may leave from."""

    def __init__(self, *, database: Database, domains: Domains, sources: Collection[str]) -> None:
        self._database = database
        self._domains = domains
        self._sources = frozenset(sources)

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=READ, summary="Authenticated domains"),
            post(ALL, self.add, permission=WRITE, summary="Add a domain, with the records to publish"),
            get(f"{ALL}/default", self.show_default, permission=READ, summary="The default domain, or the one named"),
            get(ONE, self.show, permission=READ, summary="One authenticated domain"),
            patch(ONE, self.change, permission=WRITE, summary="Make a domain the default, or no longer"),
            delete(ONE, self.remove, permission=WRITE, summary="Delete a domain and its keys"),
            post(f"{ONE}/ips", self.add_address, permission=WRITE, summary="Have a domain's mail leave by one more source address"),
            delete(f"{ONE}/ips/<ip>", self.remove_address, permission=WRITE, summary="Have a domain's mail leave by an address no more"),
            post(f"{ONE}/validate", self.validate, permission=WRITE, summary="Ask DNS what it has of the records"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """A bare array, `limit` (50) and `offset`; `domain` chooses by name."""
        page = offset_page(call, default=PAGE)
        views, known = await self._domains.all(call.caller.tenant_id), await self._known(call)
        name = call.one("domain")
        found = [each for each in views if each.domain.id in known.numbers and (not name or each.domain.domain == name.strip().lower())]
        return array_reply(call, ALL, page, [self._shape(call, each, known) for each in found[page.offset : page.offset + page.limit + 1]])

    async def add(self, call: Call) -> Reply:
        """201 with the domain and the records to publish."""
        name, is_default, addresses = read_domain(call.json(), self._sources)
        view = await self._domains.add(call.caller.tenant_id, name, _doer(call))
        if addresses:
            view = await self._domains.set_addresses(call.caller.tenant_id, view.domain.id, lambda before: addresses, _doer(call))
        if is_default and not view.domain.is_default:
            view = await self._domains.change(call.caller.tenant_id, view.domain.id, is_default=True, doer=_doer(call))
        return json_reply(self._shape(call, view, await self._known(call)), 201)

    async def show_default(self, call: Call) -> Reply:
        """The default domain; with `domain`, the one of that name."""
        views, known = await self._domains.all(call.caller.tenant_id), await self._known(call)
        name = (call.one("domain") or "").strip().lower()
        wanted = [each for each in views if each.domain.id in known.numbers and (each.domain.domain == name if name else each.domain.is_default)]
        if not wanted:
            raise NotFound("resource not found")
        return json_reply(self._shape(call, wanted[0], known))

    async def show(self, call: Call) -> Reply:
        """The domain with its records."""
        view, known = await self._found(call)
        return json_reply(self._shape(call, view, known))

    async def change(self, call: Call) -> Reply:
        """The domain as it is now."""
        is_default = read_change(call.json())
        view, known = await self._found(call)
        if is_default is not None and is_default != view.domain.is_default:
            view = await self._domains.change(call.caller.tenant_id, view.domain.id, is_default=is_default, doer=_doer(call))
        return json_reply(self._shape(call, view, known))

    async def remove(self, call: Call) -> Reply:
        """204; mail from the domain is refused from now on."""
        view, _ = await self._found(call)
        await self._domains.delete(call.caller.tenant_id, view.domain.id, _doer(call))
        return no_content()

    async def add_address(self, call: Call) -> Reply:
        """200 with the domain, as SendGrid answers; mail that names no pool leaves by its domain's addresses, if there are any."""
        address = read_address(call.json(), self._sources)
        return await self._readdress(call, lambda before: before if address in before else _bounded((*before, address)))

    async def remove_address(self, call: Call) -> Reply:
        """200 with the domain. Raises: NotFound when the address is none of its."""
        address = canonical(call.path["ip"])

        def without(before: tuple[str, ...]) -> tuple[str, ...]:
            if address not in before:
                raise NotFound("resource not found", "ip")
            return tuple([each for each in before if each != address])

        return await self._readdress(call, without)

    async def _readdress(self, call: Call, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Reply:
        view, known = await self._found(call)
        view = await self._domains.set_addresses(call.caller.tenant_id, view.domain.id, change, _doer(call))
        return json_reply(self._shape(call, view, known))

    async def validate(self, call: Call) -> Reply:
        """200 whatever was found."""
        view, known = await self._found(call)
        view = await self._domains.verify(call.caller.tenant_id, view.domain.id, _doer(call))
        return json_reply(validation(view, self._domains.records(view), number=known.numbers[view.domain.id]))

    async def _found(self, call: Call) -> tuple[DomainView, _Known]:
        number, known = read_id(call.path["domain_id"]), await self._known(call)
        an_id = next((each for each, its in known.numbers.items() if its == number), None)
        if an_id is None:
            raise NotFound("resource not found")
        return await self._domains.one(call.caller.tenant_id, an_id), known

    async def _known(self, call: Call) -> _Known:
        return await self._database.run(_numbered, call)

    def _shape(self, call: Call, view: DomainView, known: _Known) -> dict[str, object]:
        return shape(
            view, self._domains.records(view), number=known.numbers[view.domain.id], user_id=user_id(call.caller.tenant_id),
            username=known.username,
        )


def _numbered(txn: Txn, call: Call) -> _Known:
    found = tenant(txn, call.caller.tenant_id)
    return _Known(numbers(txn, call.caller.tenant_id, now_s=call.now_s), found.username if found else "")


def _bounded(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if len(addresses) > MOST_ADDRESSES:
        raise Invalid(f"A domain may have {MOST_ADDRESSES} addresses.", "ip")
    return addresses


def _doer(call: Call) -> Doer:
    return Doer(call.caller.credential_id, call.now_s, call.remote or None, call.request_id or None)
