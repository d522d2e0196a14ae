"""Ordering: what an operator's act makes of a destination's order, and of the mail that waits for it. Coroutines over a database."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scaisend.delivery import orders_store, shaping_store
from scaisend.delivery.destinations_store import forgive_across_tenants, kept_across_tenants
from scaisend.delivery.hasten import hasten_mail
from scaisend.delivery.orders import Order, read_limits, read_name, read_route
from scaisend.delivery.orders_store import Who
from scaisend.delivery.overview import Json, change_shape, limit_shape, order_shape, overview, uses
from scaisend.delivery.told import told_to_operator, told_to_tenant
from scaisend.faults import NotFound
from scaisend.identity.addresses_store import addresses
from scaisend.storage.database import Database, Txn

CHANGES_SHOWN = 20
FOLLOWED_S = 3.0  # until every process has heard of it: one that has not would put the mail back once more


@dataclass(frozen=True, slots=True)
class Ordered:
    """The order as it stands now, and how many recipients became due by it."""

    order: Order
    hastened: int = 0

    def shape(self) -> Json:
        return {"name": self.order.name, "order": order_shape(self.order), "hastened": self.hastened}


async def pause(database: Database, name: str, reason: str | None, who: Who, now: float) -> Ordered:
    """Nothing is begun for the domain or destination in any process. Raises: Invalid."""
    return Ordered(await _order(database, read_name(name), lambda order: replace(order, is_paused=True, reason=reason or order.reason), "pause", who, now))


async def resume(database: Database, name: str, who: Who, now: float) -> Ordered:
    """Mail goes there again, and what waits is due now. Raises: Invalid; NotFound when it was not paused."""
    return await _let_go(database, read_name(name), _resumed, "resume", who, now)


async def flush(database: Database, name: str, who: Who, now: float) -> Ordered:
    """What is known against it is forgotten in every process, and what waits is due now. Raises: Invalid."""
    return await _let_go(database, read_name(name), lambda order: replace(order, flushed_at=now), "flush", who, now)


async def reroute(database: Database, name: str, route: str | None, reason: str | None, who: Who, now: float) -> Ordered:
    """Mail of the domain goes to `host[:port]`, or, for None, to its own hosts again; what waits is due now. Raises: Invalid."""
    domain = read_name(name)
    kept = None if route is None else read_route(domain, route)
    return await _let_go(database, domain, lambda order: replace(order, route=kept, reason=reason or order.reason), "reroute", who, now)


async def limit(database: Database, name: str, connections: object, per_minute: object, reason: str | None, who: Who, now: float) -> Ordered:
    """The destination, or `*`, has these limits over all processes; None each: as learned. Raises: Invalid.

    A domain's limits become those of the destination that it leads to.
    """
    most, rate = read_limits(connections, per_minute)
    target = await database.run(orders_store.destination_of_across_tenants, read_name(name, limits=True))

    def change(order: Order) -> Order:
        return replace(order, most_connections=most, most_per_minute=rate, reason=reason or order.reason)

    return Ordered(await _order(database, target, change, "limit", who, now))


async def destinations(database: Database, now: float) -> list[Json]:
    """Every destination of which something is to be said, by name."""
    return await database.run(_overview, now)


async def destination(database: Database, name: str, now: float) -> Json:
    """One destination or domain: state, uses, limits, their changes, domains. Raises: Invalid; NotFound when nothing is known of it."""
    return await database.run(_one, read_name(name, limits=True), now)


async def _order(database: Database, name: str, change: Callable[[Order], Order], action: str, who: Who, now: float) -> Order:
    return await database.run(orders_store.order_across_tenants, name, change, action, who, now)


async def _let_go(database: Database, name: str, change: Callable[[Order], Order], action: str, who: Who, now: float) -> Ordered:
    order = await _order(database, name, change, action, who, now)
    for each in {name, await database.run(orders_store.destination_of_across_tenants, name)}:
        await database.run(forgive_across_tenants, each)
    domains = await database.run(orders_store.domains_of_across_tenants, name)
    return Ordered(order, await hasten_mail(database, [*domains, name], now + FOLLOWED_S))


def _resumed(order: Order) -> Order:
    if not order.is_paused:
        raise NotFound(f"{order.name} is not paused", "name")
    return replace(order, is_paused=False)


def _overview(txn: Txn, now: float) -> list[Json]:
    return overview(
        kept_across_tenants(txn), orders_store.orders_across_tenants(txn), orders_store.reports_across_tenants(txn, now),
        shaping_store.shapes_across_tenants(txn), now,
    )


def as_operator(txn: Txn, tenant_id: str, name: str, now: float) -> Json | None:
    """What the explanation of a mail to the domain or route tells of its destination, in full; None where nothing is known of it."""
    known = _known(txn, name, now)
    return None if known is None else told_to_operator(known)


def as_tenant(txn: Txn, tenant_id: str, name: str, now: float) -> Json | None:
    """The same as far as it is the tenant's affair."""
    known = _known(txn, name, now)
    return None if known is None else told_to_tenant(known, addresses(txn, tenant_id))


def _one(txn: Txn, given: str, now: float) -> Json:
    name = orders_store.destination_of_across_tenants(txn, given)
    domains, known = orders_store.domains_of_across_tenants(txn, name), _known(txn, given, now)
    if known is None and not domains:
        raise NotFound(f"nothing is known of {given!r}", "name", "`scaisend destinations` lists what is")
    shape = known or _nothing(name, now)
    return shape | {"domains": domains, "in_use": uses(name, orders_store.reports_across_tenants(txn, now))}


def _known(txn: Txn, given: str, now: float) -> Json | None:
    """State, orders, limits and their changes of the destination that the name leads to; None where there are none."""
    name = orders_store.destination_of_across_tenants(txn, given)
    names = (name, given)
    learned = shaping_store.shapes_across_tenants(txn, destination=name)
    reports = {
        process: [use for use in report if use["name"] in names] for process, report in orders_store.reports_across_tenants(txn, now).items()
    }
    orders = [each for each in orders_store.orders_across_tenants(txn) if each.name in names]
    found = {str(each["name"]): each for each in overview(kept_across_tenants(txn, names=names), orders, reports, learned, now)}
    if not found and not learned:
        return None
    shape = found.get(name) or _nothing(name, now)
    if given != name and given in found:
        shape = shape | {"domain": given, "domain_order": found[given]["order"]}
    changes = shaping_store.changes_across_tenants(txn, name, most=CHANGES_SHOWN)
    return shape | {"limits": [limit_shape(each) for each in learned], "changes": [change_shape(each) for each in changes]}


def _nothing(name: str, now: float) -> Json:
    """A destination against which nothing is known."""
    return overview((), [Order(name)], {}, (), now)[0] | {"order": None, "limits": [], "changes": []}
