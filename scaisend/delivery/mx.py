"""Which hosts take a domain's mail, and in what order they are asked (RFC 5321 5.1, RFC 7505)."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest

import idna

from scaisend.delivery.demand import USUAL, Demand
from scaisend.dns import Record
from scaisend.faults import Invalid, ScaiSendError

ANY = "*"
MAX_NAME = 200


class TakesNoMail(ScaiSendError):
    """The domain takes no mail: `code` and `enhanced` are what a host would have said, when DNS says so outright (null MX)."""

    def __init__(self, message: str, *, code: int | None = None, enhanced: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.enhanced = enhanced


@dataclass(frozen=True, slots=True)
class Exchange:
    """A host that takes mail."""

    preference: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """The hosts of a domain. Domains with the same hosts have the same `name`; those that ask the same TLS of them share connections."""

    name: str
    exchanges: tuple[Exchange, ...]
    demand: Demand = USUAL


def route(exchanges: Iterable[Exchange], demand: Demand = USUAL) -> Route:
    """The route over these hosts; its name is their sorted names, with a digest in place of the end when that gets long."""
    found = tuple(exchanges)
    name = ",".join(sorted({each.host if each.port == 25 else f"{each.host}:{each.port}" for each in found}))
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME - 17]}~{sha256(name.encode()).hexdigest()[:16]}"
    return Route(name, found, demand)


def mail_domain(domain: str) -> str:
    """The domain as A-label, lower case. Raises: TakesNoMail, for address literals and what is no domain name."""
    name = domain.strip().rstrip(".")
    if name.startswith("[") or is_address(name):
        raise TakesNoMail("address literals are not delivered to", code=550, enhanced="5.1.2")
    try:
        return name.lower() if name.isascii() and _is_name(name) else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise TakesNoMail(f"{domain!r} is no domain name", code=550, enhanced="5.1.2") from None


def is_mail_domain(domain: str) -> bool:
    """Whether `mail_domain` accepts it."""
    try:
        mail_domain(domain)
    except TakesNoMail:
        return False
    return True


def exchanges(records: Iterable[Record], port: int) -> tuple[Exchange, ...]:
    """The hosts of an MX answer, best first; addresses in the place of names are left out.

    Raises: TakesNoMail, for a null MX, and when nothing usable remains.
    """
    found = [(record[0], record[1].rstrip(".").lower()) for record in records if isinstance(record, tuple)]
    usable = sorted({(preference, host) for preference, host in found if host and not is_address(host)})
    if usable:
        return tuple(Exchange(preference, host, port) for preference, host in usable)
    if any(not host for _, host in found):
        raise TakesNoMail("the domain publishes a null MX: it takes no mail", code=556, enhanced="5.1.10")
    raise TakesNoMail("the domain's MX records name no host")


def asking_order(found: Sequence[Exchange], rank: Callable[[], float]) -> list[Exchange]:
    """The hosts in the order of asking: by preference, at random among equals (RFC 5321 5.1). `rank` draws a number per host."""
    return [each for _, _, each in sorted(((each.preference, rank(), each) for each in found), key=lambda row: row[:2])]


def interleaved(addresses: Sequence[str], families: Sequence[int]) -> list[str]:
    """The addresses of the IP versions in `families`, the versions taking turns, first family first."""
    lanes = [[each for each in addresses if (":" in each) == (version == 6)] for version in families]
    return [each for row in zip_longest(*lanes) for each in row if each is not None]


def parse_routes(text: str) -> dict[str, Exchange]:
    """SMTP_ROUTES `domain=host:port,*=host:port` as domain → host; the port is 25 when left out. Raises: Invalid, naming the entry."""
    routes = {}
    for entry in filter(None, (each.strip() for each in text.split(","))):
        domain, _, target = entry.partition("=")
        host, _, port = target.strip().rpartition(":")
        if target.endswith("]") or not host or (":" in host and not host.startswith("[")):
            host, port = target.strip(), "25"
        if not domain.strip() or not host.strip("[]") or not port.isdigit() or not 0 < int(port) < 65536:
            raise Invalid(f"{entry!r} is no route", "SMTP_ROUTES", "domain=host:port,*=host:port")
        name = domain.strip().lower()
        try:
            routes[name if name == ANY else mail_domain(name)] = Exchange(0, host.strip("[]").lower(), int(port))
        except TakesNoMail as fault:
            raise Invalid(f"{entry!r}: {fault}", "SMTP_ROUTES", "domain=host:port,*=host:port") from None
    return routes


def exchange_at(host: str) -> Exchange:
    """The host `host[:port]`, or `[IPv6 address]:port`. Raises: Invalid."""
    return parse_routes(f"{ANY}={host}")[ANY]


def static_exchange(routes: Mapping[str, Exchange], domain: str) -> Exchange | None:
    """The static route of a domain (A-label), if there is one."""
    return routes.get(domain) or routes.get(ANY)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True


def _is_name(name: str) -> bool:
    labels = name.split(".")
    return len(name) <= 253 and all(0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() for label in labels)
