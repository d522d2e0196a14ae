"""/v3/ips: the installation's source addresses, which of them warm up, and the tenant's IP pools, as SendGrid shows them."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from scaisend.delivery.destinations_store import IpPool, add_pool, change_pool, pools, remove_pool
from scaisend.delivery.shaping_store import plans_across_tenants
from scaisend.delivery.sources import Source
from scaisend.faults import Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.paging import array_reply, offset_page
from scaisend.http.reply import Reply, json_reply, no_content
from scaisend.http.route import Route, delete, get, post, put
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

ALL, POOLS, WARMUPS = "/v3/ips", "/v3/ips/pools", "/v3/ips/warmup"
POOL = f"{POOLS}/<pool_name>"
READ, WRITE = ("admin.settings", "ips.read"), "admin.settings"
SHORTEST, LONGEST = 2, 64
MOST_POOLS = 100
MOST_ADDRESSES = 100
NO_POOL = "Unable to locate specified IPs Pool"


class IpsApi:
    """`sources` are those of SMTP_SOURCE_IPS; all tenants share them, and the operator's warm-up plans."""

    def __init__(self, *, database: Database, ids: IdMaker, sources: Sequence[Source]) -> None:
        self._database = database
        self._ids = ids
        self._sources = {source.address: source.helo for source in sources if source.address is not None}

    def routes(self) -> list[Route]:
        return [
            get(ALL, self.show_all, permission=READ, summary="The addresses that mail leaves from"),
            get(f"{ALL}/assigned", self.assigned, permission=READ, summary="The addresses, and which pools they are in"),
            get(POOLS, self.show_pools, permission=READ, summary="The names of the IP pools"),
            post(POOLS, self.add_pool, permission=WRITE, summary="Make an IP pool without addresses"),
            get(POOL, self.show_pool, permission=READ, summary="An IP pool with its addresses"),
            put(POOL, self.rename_pool, permission=WRITE, summary="Rename an IP pool"),
            delete(POOL, self.remove_pool, permission=WRITE, summary="Delete an IP pool"),
            get(WARMUPS, self.show_warmups, permission=READ, summary="The addresses that warm up"),
            get(f"{WARMUPS}/<ip>", self.show_warmup, permission=READ, summary="Since when an address warms up"),
            post(f"{POOL}/ips", self.add_address, permission=WRITE, summary="Put an address into a pool"),
            delete(f"{POOL}/ips/<ip>", self.remove_address, permission=WRITE, summary="Take an address out of a pool"),
            get(f"{ALL}/<ip>", self.show, permission=READ, summary="One address"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """A bare array, `limit` (10) and `offset`; `ip` chooses one."""
        page = offset_page(call, default=10)
        found, warming, wanted = await self._pools(call), await self._warming(call), call.one("ip")
        shown = [self._shape(each, found, warming) for each in self._sources if not wanted or each == wanted]
        return array_reply(call, ALL, page, shown[page.offset : page.offset + page.limit + 1])

    async def assigned(self, call: Call) -> Reply:
        """Every address, since every tenant may use them all."""
        found, warming = await self._pools(call), await self._warming(call)
        return json_reply([_assigned(each, found, warming) for each in self._sources])

    async def show(self, call: Call) -> Reply:
        """The address. Raises: NotFound."""
        address = _canonical(call.path["ip"])
        if address not in self._sources:
            raise NotFound("resource not found", "ip")
        return json_reply(self._shape(address, await self._pools(call), await self._warming(call)))

    async def show_warmups(self, call: Call) -> Reply:
        """A bare array; `start_date` in epoch seconds."""
        return json_reply([_warmup(each, since) for each, since in (await self._warming(call)).items()])

    async def show_warmup(self, call: Call) -> Reply:
        """An array of one. Raises: NotFound, also where the address is warm."""
        address, warming = _canonical(call.path["ip"]), await self._warming(call)
        if address not in warming:
            raise NotFound("resource not found")
        return json_reply([_warmup(address, warming[address])])

    async def show_pools(self, call: Call) -> Reply:
        """A bare array."""
        return json_reply([{"name": each.name} for each in await self._pools(call)])

    async def add_pool(self, call: Call) -> Reply:
        """200, as SendGrid answers. Mail that names a pool without addresses leaves by any."""
        name = _read_name(call)
        made = IpPool(self._ids.new("ipp", call.caller.tenant_id), name, (), call.now_s, call.now_s)
        await self._database.run(_add, call, made)
        return json_reply({"name": name})

    async def show_pool(self, call: Call) -> Reply:
        """The pool's addresses, in the order they were put in."""
        found = _named(await self._pools(call), call.path["pool_name"])
        return json_reply({"pool_name": found.name, "ips": list(found.addresses)})

    async def rename_pool(self, call: Call) -> Reply:
        """The new name; mail that was accepted under the old one leaves by any address."""
        name = _read_name(call)
        await self._database.run(_change, call, lambda pool: replace(pool, name=name, updated_at=call.now_s))
        return json_reply({"name": name})

    async def remove_pool(self, call: Call) -> Reply:
        """204; mail that was accepted for it leaves by any address."""
        await self._database.run(_remove, call)
        return no_content()

    async def add_address(self, call: Call) -> Reply:
        """201 with the address and all its pools."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        text = reader.text("ip", required=True, least=1, most=64) or ""
        address = _canonical(text)
        if text and address not in self._sources:
            reader.fault("This is not an address that this service sends from.", "ip", "the operator sets them in SMTP_SOURCE_IPS")
        finish(faults)
        await self._database.run(_change, call, lambda pool: _with(pool, address, call.now_s))
        return json_reply(_assigned(address, await self._pools(call), await self._warming(call)), 201)

    async def remove_address(self, call: Call) -> Reply:
        """204. Raises: NotFound when it is not in the pool."""
        address = _canonical(call.path["ip"])
        await self._database.run(_change, call, lambda pool: _without(pool, address, call.now_s))
        return no_content()

    async def _pools(self, call: Call) -> list[IpPool]:
        return await self._database.read(pools, call.caller.tenant_id)

    async def _warming(self, call: Call) -> dict[str, int]:
        """The sources whose plan is not over, and the epoch seconds of their first days."""
        plans = await self._database.read(plans_across_tenants)
        return {each.source: int(each.started_at) for each in plans if each.source in self._sources and each.ceiling(call.now_s) is not None}

    def _shape(self, address: str, found: Sequence[IpPool], warming: Mapping[str, int]) -> dict[str, object]:
        return _assigned(address, found, warming) | {"subusers": [], "rdns": self._sources[address], "whitelabeled": True, "assigned_at": None}


def _assigned(address: str, found: Sequence[IpPool], warming: Mapping[str, int]) -> dict[str, object]:
    return {"ip": address, "pools": _pools_of(address, found), "warmup": address in warming, "start_date": warming.get(address)}


def _warmup(address: str, since: int) -> dict[str, object]:
    return {"ip": address, "start_date": since}


def _pools_of(address: str, found: Sequence[IpPool]) -> list[str]:
    return [each.name for each in found if address in each.addresses]


def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _read_name(call: Call) -> str:
    """The name that the body gives. Raises: Invalid."""
    faults: list[Fault] = []
    reader = Reader(call.json(), faults)
    name = reader.text("name", required=True, least=SHORTEST, most=LONGEST) or ""
    if name and (not name.isprintable() or name != name.strip()):
        reader.fault("The name must be printable characters.", "name")
    finish(faults)
    return name


def _named(found: Sequence[IpPool], name: str) -> IpPool:
    pool = next((each for each in found if each.name == name), None)
    if pool is None:
        raise NotFound(NO_POOL)
    return pool


def _with(pool: IpPool, address: str, now: float) -> IpPool:
    if address in pool.addresses:
        return pool
    if len(pool.addresses) >= MOST_ADDRESSES:
        raise Invalid(f"A pool may have {MOST_ADDRESSES} addresses.", "ip")
    return replace(pool, addresses=(*pool.addresses, address), updated_at=now)


def _without(pool: IpPool, address: str, now: float) -> IpPool:
    if address not in pool.addresses:
        raise NotFound("resource not found", "ip")
    return replace(pool, addresses=tuple([each for each in pool.addresses if each != address]), updated_at=now)


def _add(txn: Txn, call: Call, made: IpPool) -> None:
    if len(pools(txn, call.caller.tenant_id)) >= MOST_POOLS:
        raise Invalid(f"An account may have {MOST_POOLS} IP pools.", "name")
    if not add_pool(txn, call.caller.tenant_id, made):
        raise Invalid("A pool with this name already exists.", "name")
    _record(txn, call, "ip_pool.create", made)


def _change(txn: Txn, call: Call, changed: Callable[[IpPool], IpPool]) -> None:
    before = _named(pools(txn, call.caller.tenant_id, lock=True), call.path["pool_name"])
    after = changed(before)
    if after == before:
        return
    if not change_pool(txn, call.caller.tenant_id, after):
        raise Invalid("A pool with this name already exists.", "name")
    _record(txn, call, "ip_pool.change", after)


def _remove(txn: Txn, call: Call) -> None:
    found = _named(pools(txn, call.caller.tenant_id, lock=True), call.path["pool_name"])
    remove_pool(txn, call.caller.tenant_id, found.id)
    _record(txn, call, "ip_pool.remove", found)


def _record(txn: Txn, call: Call, action: str, pool: IpPool) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=pool.id,
        change={"name": pool.name, "addresses": pool.addresses}, source=call.remote or None, request_id=call.request_id or None,
        happened_at=call.now_s,
    )
