"""/api/admin/ip-pools: the tenant's named sets of source addresses."""

import ipaddress
from collections.abc import Sequence

from scaisend.delivery.destinations_store import (
    IpPool,
    add_pool,
    change_pool,
    pool,
    pools,
    remove_pool,
)
from scaisend.faults import Conflict, Fault, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply, no_content
from scaisend.http.route import Route, delete, get, patch, post
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker
from scaisend.messages.moments import iso
from scaisend.shape import wrong_type
from scaisend.storage.database import Database, Txn

ALL = "/api/admin/ip-pools"
ONE = "/api/admin/ip-pools/<pool_id>"
SHORTEST, LONGEST = 2, 64
MOST_ADDRESSES = 100


class PoolsApi:
    """IP pools of the caller's tenant. `addresses` are those of SMTP_SOURCE_IPS, as it writes them."""

    def __init__(self, *, database: Database, ids: IdMaker, addresses: Sequence[str] = ()) -> None:
        self._database = database
        self._ids = ids
        self._addresses = frozenset(addresses)

    def routes(self) -> list[Route]:
        may = "admin.settings"
        return [
            get(ALL, self.show_all, permission=may, summary="The tenant's IP pools"),
            post(ALL, self.add, permission=may, summary="Make an IP pool"),
            get(ONE, self.show, permission=may, summary="One IP pool"),
            patch(ONE, self.change, permission=may, summary="Change an IP pool's name or addresses"),
            delete(ONE, self.remove, permission=may, summary="Remove an IP pool"),
        ]

    async def show_all(self, call: Call) -> Reply:
        """The pools, by name."""
        return data_reply([_shape(each) for each in await self._database.run(pools, call.caller.tenant_id)])

    async def show(self, call: Call) -> Reply:
        """One pool."""
        return data_reply(_shape(await self._database.run(_found, call)))

    async def add(self, call: Call) -> Reply:
        """201 with the pool. Raises: Invalid; Conflict when the name is taken."""
        name, addresses = self._read(call, needs_all=True)
        assert name is not None and addresses is not None
        made = IpPool(self._ids.new("ipp", call.caller.tenant_id), name, addresses, call.now_s, call.now_s)
        await self._database.run(_add, call, made)
        return data_reply(_shape(made), 201)

    async def change(self, call: Call) -> Reply:
        """The pool as it is now; what is not given stays. Raises: Invalid; Conflict when the name is taken."""
        name, addresses = self._read(call, needs_all=False)
        return data_reply(_shape(await self._database.run(_change, call, name, addresses)))

    async def remove(self, call: Call) -> Reply:
        """204."""
        await self._database.run(_remove, call)
        return no_content()

    def _read(self, call: Call, *, needs_all: bool) -> tuple[str | None, tuple[str, ...] | None]:
        """The name and the addresses that the body gives. Raises: Invalid with every fault."""
        given = call.json()
        if not isinstance(given, dict):
            raise Invalid(wrong_type("object", given))
        faults = [Fault(f"{name!s:.60} is not a field of an IP pool", name) for name in given if name not in ("name", "addresses")]
        name = given.get("name")
        if name is None:
            if needs_all or "name" in given:
                faults.append(Fault("missing required argument", "name"))
        elif not isinstance(name, str) or not SHORTEST <= len(name) <= LONGEST or not name.isprintable() or name != name.strip():
            faults.append(Fault(f"name must be {SHORTEST} to {LONGEST} printable characters", "name"))
        addresses = self._read_addresses(given.get("addresses"), faults) if needs_all or "addresses" in given else None
        if faults:
            raise Invalid(faults)
        return name, addresses

    def _read_addresses(self, given: object, faults: list[Fault]) -> tuple[str, ...]:
        if not isinstance(given, list) or not 0 < len(given) <= MOST_ADDRESSES:
            faults.append(Fault(f"addresses must be a list of 1 to {MOST_ADDRESSES} source addresses", "addresses"))
            return ()
        found: dict[str, None] = {}
        for place, each in enumerate(given):
            try:
                address = str(ipaddress.ip_address(each if isinstance(each, str) else ""))
            except ValueError:
                faults.append(Fault("not an IP address", f"addresses.{place}"))
                continue
            if address not in self._addresses:
                faults.append(Fault(f"{address} is not among the configured source addresses", f"addresses.{place}", "the operator sets them in SMTP_SOURCE_IPS"))
            found[address] = None
        return tuple(found)


def _found(txn: Txn, call: Call, *, lock: bool = False) -> IpPool:
    found = pool(txn, call.caller.tenant_id, call.path["pool_id"], lock=lock)
    if found is None:
        raise NotFound("there is no such IP pool")
    return found


def _add(txn: Txn, call: Call, made: IpPool) -> None:
    if not add_pool(txn, call.caller.tenant_id, made):
        raise _taken(made.name)
    _record(txn, call, "ip_pool.create", made.id, {"name": made.name, "addresses": made.addresses})


def _change(txn: Txn, call: Call, name: str | None, addresses: tuple[str, ...] | None) -> IpPool:
    before = _found(txn, call, lock=True)
    after = IpPool(
        before.id, before.name if name is None else name, before.addresses if addresses is None else addresses, before.created_at, call.now_s
    )
    if (before.name, before.addresses) == (after.name, after.addresses):
        return before
    if not change_pool(txn, call.caller.tenant_id, after):
        raise _taken(after.name)
    _record(txn, call, "ip_pool.change", before.id, {
        "before": {"name": before.name, "addresses": before.addresses}, "after": {"name": after.name, "addresses": after.addresses},
    })
    return after


def _remove(txn: Txn, call: Call) -> None:
    before = _found(txn, call, lock=True)
    remove_pool(txn, call.caller.tenant_id, before.id)
    _record(txn, call, "ip_pool.remove", before.id, {"name": before.name, "addresses": before.addresses})


def _record(txn: Txn, call: Call, action: str, pool_id: str, change: dict[str, object]) -> None:
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=pool_id, change=change,
        source=call.remote, request_id=call.request_id, happened_at=call.now_s,
    )


def _taken(name: str) -> Conflict:
    return Conflict(f"there is an IP pool {name!r} already", "name")


def _shape(each: IpPool) -> dict[str, object]:
    return {
        "id": each.id, "name": each.name, "addresses": each.addresses, "created_at": iso(each.created_at), "updated_at": iso(each.updated_at),
    }
