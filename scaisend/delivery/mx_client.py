"""MX and address look-ups: the route of a domain, remembered for its TTL up to a cap."""

from collections.abc import Callable, Mapping

from scaisend.delivery.mx import (
    Exchange,
    Route,
    TakesNoMail,
    exchanges,
    is_address,
    is_mail_domain,
    mail_domain,
    route,
    static_exchange,
)
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver

MAX_ROUTES = 50_000
SHORTEST_S = 5.0


class MxClient:
    """Finds the hosts of domains and the addresses of hosts. `routes` are static and ask no DNS; `clock` tells seconds."""

    def __init__(
        self, *, resolver: Resolver, routes: Mapping[str, Exchange], clock: Callable[[], float], port: int = 25, cache_cap_s: float = 300.0,
    ) -> None:
        self._resolver = resolver
        self._static = routes
        self._clock = clock
        self._port = port
        self._cap_s = cache_cap_s
        self._routes: dict[str, tuple[float, Route]] = {}

    def known(self, domain: str) -> Route | None:
        """The route of a domain (A-label), when no look-up is needed."""
        found = self._routes.get(domain)
        if found is not None and self._clock() < found[0]:
            return found[1]
        fixed = static_exchange(self._static, domain)
        if fixed is None or not is_mail_domain(domain):
            return None
        return self._remember(domain, route((fixed,)), self._cap_s)

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
            if not await self.addresses(domain):
                raise TakesNoMail(f"the domain {domain} has neither MX nor address records") from None
            return self._remember(domain, route((Exchange(0, domain, self._port),)), self._cap_s)
        return self._remember(domain, route(exchanges(answer.records, self._port)), answer.ttl_s)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """IPv4 and IPv6 addresses of a host, empty when it has none.

        Raises: DnsTrouble, when one of the look-ups failed and the other found nothing.
        """
        if is_address(host):
            return (host,)
        if host == "localhost":
            return ("127.0.0.1", "::1")
        found: list[str] = []
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
        if not found and trouble is not None:
            raise trouble
        return tuple(found)

    def _remember(self, domain: str, found: Route, ttl_s: float) -> Route:
        if len(self._routes) >= MAX_ROUTES:
            del self._routes[next(iter(self._routes))]
        self._routes[domain] = (self._clock() + max(min(ttl_s, self._cap_s), SHORTEST_S), found)
        return found
