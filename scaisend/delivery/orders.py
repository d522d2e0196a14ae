"""What an operator orders of a destination: pause, flush, another host, limits of its own; and how such an order is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scaisend.delivery.lanes import Override
from scaisend.delivery.mx import ANY, Exchange, TakesNoMail, exchange_at, is_mail_domain, mail_domain
from scaisend.faults import Invalid

NAME_LENGTH = 255
HOST_LENGTH = 240  # with brackets and port it fits into 255
MOST_CONNECTIONS = 1_000
MOST_PER_MINUTE = 10_000_000.0
LONGEST_REASON = 512


@dataclass(frozen=True, slots=True)
class Order:
    """The orders for one name: a domain (A-label), a destination (its MX set), or `*`. `flushed_at` and `updated_at` in epoch seconds."""

    name: str
    is_paused: bool = False
    route: str | None = None
    most_connections: int | None = None
    most_per_minute: float | None = None
    flushed_at: float | None = None
    reason: str | None = None
    ordered_by: str = ""
    updated_at: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Nothing is ordered any more; a flush that was obeyed counts no longer."""
        return not self.is_paused and self.route is None and self.most_connections is None and self.most_per_minute is None and self.flushed_at is None


def read_name(given: str, *, limits: bool = False) -> str:
    """A domain or destination as orders name it. Raises: Invalid."""
    name = given.strip().rstrip(".").lower()
    if limits and name == ANY:
        return name
    if not name or len(name) > NAME_LENGTH or not name.isprintable() or " " in name or name == ANY:
        raise Invalid(f"{given[:80]!r} is neither a domain nor a destination", "name", "a domain, or a name as `scaisend destinations` shows it")
    if "," in name or ":" in name or "~" in name:
        return name
    try:
        return mail_domain(name)
    except TakesNoMail:
        return name  # a static route may lead to an address


def read_route(domain: str, given: str) -> str:
    """`host` or `host:port` as it is kept. Raises: Invalid."""
    if not is_mail_domain(domain):
        raise Invalid(f"{domain[:80]!r} is no domain", "route", "only a domain can be led elsewhere")
    return read_host(given)


def read_host(given: str) -> str:
    """`host` or `host:port` as it is kept, the port always with it. Raises: Invalid."""
    host = given.strip()
    if not host or len(host) > HOST_LENGTH or not host.isascii() or not host.isprintable() or any(sign in host for sign in ",= "):
        raise Invalid(f"{given[:80]!r} is no host", "route", "host or host:port")
    try:
        found = exchange_at(host)
    except Invalid as error:
        raise Invalid(f"{given[:80]!r} is no host", "route", "host or host:port") from error
    return f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"


def read_limits(connections: object, per_minute: object) -> tuple[int | None, float | None]:
    """Limits as an operator gives them; None: as learned. Raises: Invalid, naming the field."""
    if connections is not None and (not isinstance(connections, int) or isinstance(connections, bool) or not 1 <= connections <= MOST_CONNECTIONS):
        raise Invalid(f"must be a whole number from 1 to {MOST_CONNECTIONS}, or null", "most_connections")
    if per_minute is not None and (not isinstance(per_minute, int | float) or isinstance(per_minute, bool) or not 1 <= per_minute <= MOST_PER_MINUTE):
        raise Invalid(f"must be a number from 1 to {MOST_PER_MINUTE:g}, or null", "most_per_minute")
    return connections, None if per_minute is None else float(per_minute)


def exchange_of(order: Order) -> Exchange | None:
    """The host that mail of the order's domain goes to instead of its MX."""
    return None if order.route is None else exchange_at(order.route)


@dataclass(frozen=True, slots=True)
class Standing:
    """All orders as a process follows them."""

    paused: frozenset[str]
    routes: Mapping[str, Exchange]
    overrides: Mapping[str, Override]
    flushed: Mapping[str, float]


def standing(orders: Iterable[Order]) -> Standing:
    """The orders put together."""
    found = list(orders)
    return Standing(
        paused=frozenset(each.name for each in found if each.is_paused),
        routes={each.name: exchange for each in found if (exchange := exchange_of(each)) is not None},
        overrides={
            each.name: Override(each.most_connections, each.most_per_minute)
            for each in found if each.most_connections is not None or each.most_per_minute is not None
        },
        flushed={each.name: each.flushed_at for each in found if each.flushed_at is not None},
    )
