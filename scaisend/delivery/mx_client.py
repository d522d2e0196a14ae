"""MX and address look-ups: the route of a domain, remembered for its TTL up to a cap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scaisend.delivery.mx import (
    Exchange,
    Route,
    TakesNoMail,
    exchange_at,
    exchanges,
    is_address,
    is_mail_domain,
    mail_domain,
    route,
    static_exchange,
)
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_policy import TlsPolicy
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver

MAX_ROUTES = 50_000
SHORTEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """IPv4 and IPv6 addresses of a host; `is_secure`: DNSSEC vouches for all of them."""

    found: tuple[str, ...]
    is_secure: bool = False


class MxClient:
    """Finds the hosts of domains and the addresses of hosts, and by `ladder` what TLS is asked of them.

    `routes` are static and ask no DNS; `clock` tells seconds.
    """

    def __init__(
        self, *, resolver: Resolver, routes: Mapping[str, Exchange], clock: Callable[[], float], port: int = 25, cache_cap_s: float = 300.0,
        ladder: Ladder | None = None,
    ) -> None:
        self._ladder = ladder or Ladder(policy=TlsPolicy())
        self._resolver = resolver
        self._static = routes
        self._clock = clock
        self._port = port
        self._cap_s = cache_cap_s
        self._routes: dict[str, tuple[float, Route]] = {}
        self._led: dict[str, Exchange] = {}

    def lead(self, routes: Mapping[str, Exchange]) -> None:
        """Mail of these domains goes to other hosts than their own from now on, and of those no longer named to their own again."""
        for domain in {*self._led, *routes}:
            if self._led.get(domain) != routes.get(domain):
                self._routes.pop(domain, None)
        self._led = dict(routes)

    def known(self, domain: str) -> Route | None:
        """The route of a domain (A-label), when no look-up is needed."""
        found = self._routes.get(domain)
        if found is not None and self._clock() < found[0]:
            return found[1]
        fixed = self._led.get(domain) or static_exchange(self._static, domain)
        if fixed is None or not is_mail_domain(domain):
            return None
        return self._remember(domain, route((fixed,), self._ladder.given(domain)), self._cap_s)

    def at(self, host: str, domain: str) -> Route:
        """The host (`host:port`) as the route of mail of the domain (A-label)."""
        return route((exchange_at(host),), self._ladder.given(domain))

    async def route(self, domain: str) -> Route:
        """The hosts that take mail of the domain (A-label): its MX, or itself when it has none but an address.

        Raises: TakesNoMail, for address literals, and when DNS says that there is no such host; DnsTrouble, when DNS says nothing for now.
        """
        known = self.known(domain)
        if known is not None:
            return known
        mail_domain(domain)
        try:
            answer = await self._resolver.resolve(domain, "MX")
        except NoSuchName:
            raise TakesNoMail(f"NXDOMAIN: the domain {domain} does not exist") from None
        except NoRecords:
            addresses = await self.addresses(domain)
            if not addresses.found:
                raise TakesNoMail(f"the domain {domain} has neither MX nor address records") from None
            # The denial of MX and the addresses are of one zone, so what DNSSEC says of these it says of that.
            demand = await self._ladder.demand(domain, is_secure=addresses.is_secure)
            return self._remember(domain, route((Exchange(0, domain, self._port),), demand), self._cap_s)
        hosts = exchanges(answer.records, self._port)
        return self._remember(domain, route(hosts, await self._ladder.demand(domain, is_secure=answer.secure)), answer.ttl_s)

    async def addresses(self, host: str) -> Addresses:
        """The addresses of a host, none found when it has none.

        Raises: DnsTrouble, when one of the look-ups failed and the other found nothing.
        """
        if is_address(host):
            return Addresses((host,))
        if host == "localhost":
            return Addresses(("127.0.0.1", "::1"))
        found: list[str] = []
        is_secure = True
        trouble: DnsTrouble | None = None
        for kind in ("A", "AAAA"):
            try:
                answer = await self._resolver.resolve(host, kind)
            except NoSuchName:
                break
            except NoRecords:
                continue
            except DnsTrouble as error:
                trouble = error
                continue
            found += [record for record in answer.records if isinstance(record, str)]
            is_secure = is_secure and answer.secure
        if not found and trouble is not None:
            raise trouble
        return Addresses(tuple(found), is_secure and bool(found))

    def _remember(self, domain: str, found: Route, ttl_s: float) -> Route:
        led = self._led.get(domain)
        if led is not None and led not in found.exchanges:
            return route((led,), self._ladder.given(domain))  # it was led elsewhere while it was looked up
        if len(self._routes) >= MAX_ROUTES:
            del self._routes[next(iter(self._routes))]
        self._routes[domain] = (self._clock() + max(min(ttl_s, self._cap_s), SHORTEST_S), found)
        return found
