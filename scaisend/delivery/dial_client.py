"""Finds a host of a destination that opens a session: hosts by preference, their addresses in turn, TLS by policy (RFC 5321 5.1)."""

from collections.abc import Callable
from dataclasses import replace

from scaisend.delivery.job import DNS
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.mx import Exchange, Route, asking_order, interleaved
from scaisend.delivery.mx_client import MxClient
from scaisend.delivery.opening import TLS, Opening
from scaisend.delivery.smtp_client import Owner, Periods, Reactor, SessionTrouble, SmtpClient, connect
from scaisend.delivery.sources import Source, Sources
from scaisend.delivery.tls_client import FAILED, NO_DNSSEC, TlsContexts
from scaisend.delivery.tls_ladder_client import Ladder
from scaisend.delivery.tls_policy import HostNotAllowed, Rung
from scaisend.delivery.tls_result import TlsResult
from scaisend.dns import DnsTrouble

MAX_ADDRESSES = 6
AVOIDED_S = 300.0
MAX_AVOIDED = 10_000


class Dialer:
    """Opens sessions. A host that failed is asked last for AVOIDED_S."""

    def __init__(
        self, *, reactor: Reactor, mx: MxClient, sources: Sources, ladder: Ladder, periods: Periods, clock: Callable[[], float],
        random: Callable[[], float], opened: Callable[[SmtpClient], None], ended: Callable[[SmtpClient], None], lanes: Lanes,
    ) -> None:
        self._reactor = reactor
        self._mx = mx
        self._sources = sources
        self._ladder = ladder
        self._tls = TlsContexts(ladder.policy.ca_file)
        self._periods = periods
        self._clock = clock
        self._random = random
        self._opened = opened
        self._ended = ended
        self._lanes = lanes
        self._avoided: dict[str, float] = {}

    async def dial(self, route: Route, source_pool: tuple[str, ...], owner: Owner) -> SmtpClient:
        """A session with the first host that opens one. Raises: SessionTrouble, the most telling one, when none does."""
        families = self._sources.families(source_pool)
        if not families:
            raise SessionTrouble("connect", "none of the pool's source addresses is configured on this host", ours=True)
        troubles: list[SessionTrouble] = []
        for exchange in self._order(route):
            try:
                addresses = await self._mx.addresses(exchange.host)
                rung = await self._rung(route, exchange, is_secure=addresses.is_secure)
            except DnsTrouble as error:
                troubles.append(SessionTrouble(DNS, f"{exchange.host}: {error}"))
                self._avoid(exchange)
                continue
            except SessionTrouble as trouble:  # not in the way that the domain asks for
                troubles.append(trouble)
                continue
            if not addresses.found:
                troubles.append(SessionTrouble(DNS, f"{exchange.host} has no address"))
            for address in interleaved(addresses.found, families):
                if len(troubles) >= MAX_ADDRESSES:
                    break
                try:
                    return await self._in_lane(route.name, exchange, address, rung, source_pool, owner)
                except SessionTrouble as trouble:
                    troubles.append(trouble)
            self._avoid(exchange)
        if not troubles:
            raise SessionTrouble("connect", "no host has an address of an IP version that mail may leave from", ours=True)
        raise max(troubles, key=_weight)

    async def _rung(self, route: Route, exchange: Exchange, *, is_secure: bool) -> Rung:
        """Raises: SessionTrouble, when mail of the route may not go to this host, or nobody can say how."""
        try:
            return await self._ladder.rung(route.demand, exchange, is_secure=is_secure)
        except HostNotAllowed as error:
            result = TlsResult("sts", exchange.host, FAILED, str(error), policy=route.demand.sts.lines if route.demand.sts else ())
            raise SessionTrouble(TLS, str(error), tls_result=result) from None
        except DnsTrouble as error:
            text = f"whether {exchange.host} has TLSA records is not known: {error}"
            raise SessionTrouble(TLS, text, tls_result=TlsResult("tlsa", exchange.host, NO_DNSSEC, text)) from None

    async def _in_lane(self, name: str, exchange: Exchange, address: str, rung: Rung, source_pool: tuple[str, ...], owner: Owner) -> SmtpClient:
        """The session counts among the connections of its lane until its owner takes it off."""
        lane, source = self._lanes.best(self._sources.fitting(source_pool, 6 if ":" in address else 4), name, self._random())
        lane.connections += 1
        try:
            session = await self._try(exchange, address, rung, source, owner)
        except Exception as error:
            lane.connections -= 1
            if isinstance(error, SessionTrouble):
                error.lane = lane
            raise
        session.lane = lane
        return session

    async def _try(self, exchange: Exchange, address: str, rung: Rung, source: Source, owner: Owner) -> SmtpClient:
        memory = self._ladder.policy
        if rung.falls_back and memory.is_plain(exchange.host, self._clock()):
            rung = replace(rung, why=f"{rung.why}; TLS failed with this host a while ago", uses_tls=False)
        try:
            return await self._open(exchange, address, source, owner, rung)
        except SessionTrouble as trouble:
            if not (rung.falls_back and trouble.tls_failed):
                raise
            memory.remember_plain(exchange.host, self._clock())
            failed = trouble.tls_result
        rung = replace(rung, why=f"{rung.why}; TLS failed with this host", uses_tls=False)
        return await self._open(exchange, address, source, owner, rung, failed=failed)

    async def _open(
        self, exchange: Exchange, address: str, source: Source, owner: Owner, rung: Rung, *, failed: TlsResult | None = None,
    ) -> SmtpClient:
        opening = Opening(helo=source.helo, wants_tls=rung.uses_tls, needs_tls=rung.needs_tls)
        session = SmtpClient(
            reactor=self._reactor, opening=opening, tls=self._tls.for_host(exchange.host, rung), rung=rung, host=exchange.host, address=address,
            source=source, periods=self._periods, owner=owner, tls_failed=failed,
        )
        self._opened(session)
        connect(self._reactor, session, port=exchange.port, periods=self._periods, source=source)
        try:
            await session.ready
            self._ladder.tell(rung.name, "plain" if session.tls_result is None or session.cipher is None else session.tls_result.failure or "tls")
            return session
        except SessionTrouble as trouble:
            if trouble.tls_result is not None:
                self._ladder.tell(rung.name, trouble.tls_result.failure or FAILED)
            trouble.host, trouble.address, trouble.source = exchange.host, address, source.address
            raise
        finally:
            self._ended(session)

    def _order(self, route: Route) -> list[Exchange]:
        order = asking_order(route.exchanges, self._random)
        if len(order) > 1 and self._avoided:
            now = self._clock()
            order.sort(key=lambda each: now < self._avoided.get(each.host, 0.0))
        return order

    def _avoid(self, exchange: Exchange) -> None:
        now = self._clock()
        if len(self._avoided) >= MAX_AVOIDED:
            self._avoided = {host: until for host, until in self._avoided.items() if until > now}
        self._avoided[exchange.host] = now + AVOIDED_S


def _weight(trouble: SessionTrouble) -> tuple[bool, bool, bool]:
    """What a host said tells more than silence, silence more than DNS, and all that more than a fault of ours."""
    return (not trouble.ours, trouble.reply is not None, trouble.stage != DNS)
