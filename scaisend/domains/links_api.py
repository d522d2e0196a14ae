"""/v3/whitelabel/links: hosts of the tenant's own that tracked links lead over."""

from scaisend.dns import Resolver
from scaisend.domains import links_store as store
from scaisend.domains.links import BrandedLink, LinkCheck, check_link, read_link, read_link_change, shape, validation
from scaisend.domains.whitelabel import read_id
from scaisend.faults import NotFound
from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.account_api import user_id
from scaisend.identity.administration import record
from scaisend.identity.people_store import tenant
from scaisend.storage.database import Database, Txn

READ, WRITE = "domains.read", "domains.write"
ALL = "/v3/whitelabel/links"
ONE = f"{ALL}/<link_id>"
PAGE = 50


class LinksApi:
    """The branded links of the caller's tenant. `tracking_host` is where they lead; `resolver` should remember nothing."""

    def __init__(self, *, database: Database, resolver: Resolver, tracking_host: str) -> None:
        self._database = database
        self._resolver = resolver
        self._tracking_host = tracking_host

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=READ, summary="Branded links"),
            post(ALL, self.add, permission=WRITE, summary="Add a host for tracked links, with the records to publish"),
            get(f"{ALL}/default", self.show_default, permission=READ, summary="The default branded link, or the one of a domain"),
            get(ONE, self.show, permission=READ, summary="One branded link"),
            patch(ONE, self.change, permission=WRITE, summary="Make a branded link the default, or no longer"),
            delete(ONE, self.remove, permission=WRITE, summary="Delete a branded link"),
            post(f"{ONE}/validate", self.validate, permission=WRITE, summary="Ask DNS for a branded link's records"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """A bare array, `limit` (50) and `offset`."""
        page = offset_page(call, default=PAGE)
        found = await self._database.read(store.links, call.caller.tenant_id)
        username = await self._username(call)
        return array_reply(call, ALL, page, [self._shape(call, each, username) for each in found[page.offset : page.offset + page.limit + 1]])

    async def add(self, call: Call) -> Reply:
        """201 with the link and the records to publish."""
        domain, subdomain, is_default = read_link(call.json())
        made = await self._database.run(_add, call, domain, subdomain, is_default)
        return json_reply(self._shape(call, made, await self._username(call)), 201)

    async def show_default(self, call: Call) -> Reply:
        """The default; with `domain`, that domain's, its default one first. Raises: NotFound."""
        domain = (call.one("domain") or "").strip().lower()
        found = await self._database.read(store.links, call.caller.tenant_id)
        wanted = [each for each in found if (each.domain == domain if domain else each.is_default)]
        if not wanted:
            raise _unknown()
        first = min(wanted, key=lambda each: not each.is_default)
        return json_reply(self._shape(call, first, await self._username(call)))

    async def show(self, call: Call) -> Reply:
        """The link with its records."""
        return json_reply(self._shape(call, await self._database.read(_found, call), await self._username(call)))

    async def change(self, call: Call) -> Reply:
        """The link as it is now."""
        changed = await self._database.run(_change, call, read_link_change(call.json()))
        return json_reply(self._shape(call, changed, await self._username(call)))

    async def remove(self, call: Call) -> Reply:
        """204; links that stand in mails already lead on as long as the host does."""
        await self._database.run(_remove, call)
        return no_content()

    async def validate(self, call: Call) -> Reply:
        """200 whatever was found."""
        found = await self._database.read(_found, call)
        check = await check_link(self._resolver.resolve, found, self._tracking_host)
        return json_reply(validation(await self._database.run(_save, call, found, check)))

    async def _username(self, call: Call) -> str:
        found = await self._database.read(tenant, call.caller.tenant_id)
        return found.username if found else ""

    def _shape(self, call: Call, each: BrandedLink, username: str) -> dict[str, object]:
        return shape(each, tracking_host=self._tracking_host, user_id=user_id(call.caller.tenant_id), username=username)


def _found(txn: Txn, call: Call, *, lock: bool = False) -> BrandedLink:
    number = read_id(call.path["link_id"])
    found = store.link(txn, call.caller.tenant_id, number, lock=lock) if number is not None else None
    if found is None:
        raise _unknown()
    return found


def _add(txn: Txn, call: Call, domain: str, subdomain: str, is_default: bool) -> BrandedLink:
    made = store.add_link(txn, call.caller.tenant_id, domain, subdomain, is_default=is_default, now_s=call.now_s)
    _note(txn, call, "branded_link.create", made, {"host": made.host, "is_default": made.is_default})
    return made


def _change(txn: Txn, call: Call, is_default: bool) -> BrandedLink:
    found = _found(txn, call, lock=True)
    if found.is_default != is_default:
        store.set_default_link(txn, call.caller.tenant_id, found.id, is_default)
        _note(txn, call, "branded_link.default", found, {"host": found.host, "is_default": is_default})
    return _found(txn, call)


def _remove(txn: Txn, call: Call) -> None:
    found = _found(txn, call, lock=True)
    store.delete_link(txn, call.caller.tenant_id, found.id)
    _note(txn, call, "branded_link.delete", found, {"host": found.host})


def _save(txn: Txn, call: Call, found: BrandedLink, check: LinkCheck) -> BrandedLink:
    saved = store.save_link_check(txn, call.caller.tenant_id, found.id, check, now_s=call.now_s)
    if saved is None:
        raise _unknown()
    before, after = saved
    if before.is_valid != after.is_valid:
        _note(txn, call, "branded_link.validate", after, {"before": {"valid": before.is_valid}, "after": {"valid": after.is_valid}})
    return after


def _note(txn: Txn, call: Call, action: str, each: BrandedLink, change: dict[str, object]) -> None:
    record(txn, call, call.caller.tenant_id, action=action, resource=str(each.id), change=change)


def _unknown() -> NotFound:
    return NotFound("resource not found")
