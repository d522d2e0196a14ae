"""Finds the rung of a domain and of each of its hosts: what DNS and the domain's MTA-STS policy say, under the operator's policy."""

from collections.abc import Callable
from typing import Protocol

from scaisend.delivery import tls_policy as policies
from scaisend.delivery.demand import Demand
from scaisend.delivery.mta_sts import Sts
from scaisend.delivery.mx import Exchange, is_address
from scaisend.delivery.tls_policy import Rung, TlsPolicy, rung
from scaisend.dns import NoRecords, NoSuchName, Record, Resolver

_FOLLOW_DANE = (policies.OPPORTUNISTIC, policies.DANE, policies.REQUIRED, policies.VERIFY)
_FOLLOW_STS = (policies.OPPORTUNISTIC, policies.MTA_STS, policies.REQUIRED, policies.VERIFY)


class StsSource(Protocol):
    """Who knows the MTA-STS policies of domains."""

    async def policy_of(self, domain: str) -> Sts | None:
        """The policy of the domain (A-label), None when it has none, or `none`. Raises: DnsTrouble."""


class Ladder:
    """The TLS of a process's deliveries. `told` hears of each session that was tried: its rung, and `tls`, `plain` or a kind of failure."""

    def __init__(
        self, *, policy: TlsPolicy, resolver: Resolver | None = None, sts: StsSource | None = None, told: Callable[[str, str], None] | None = None,
    ) -> None:
        self.policy = policy
        self._resolver = resolver
        self._sts = sts
        self._told = told

    def given(self, domain: str) -> Demand:
        """What is asked of a domain whose hosts the operator named: the policy alone."""
        return Demand(self.policy.of(domain))

    async def demand(self, domain: str, *, is_secure: bool) -> Demand:
        """What is asked of the hosts of a domain (A-label); `is_secure`: DNSSEC vouches for their names. Raises: DnsTrouble."""
        policy = self.policy.of(domain)
        sts = await self._sts.policy_of(domain) if self._sts is not None and policy in _FOLLOW_STS else None
        return Demand(policy, is_secure and policy in _FOLLOW_DANE, sts)

    async def rung(self, demand: Demand, exchange: Exchange, *, is_secure: bool) -> Rung:
        """The rung of a host; `is_secure`: DNSSEC vouches for its addresses, without which it has no TLSA records (RFC 7672 2.2.2).

        Raises: HostNotAllowed; DnsTrouble, when nobody can say whether it has TLSA records: it is not to be used (RFC 7672 2.1.2).
        """
        records: tuple[Record, ...] = ()
        if demand.follows_dane and is_secure and self._resolver is not None and not is_address(exchange.host):
            try:
                answer = await self._resolver.resolve(f"_{exchange.port}._tcp.{exchange.host}", "TLSA")
                records = answer.records if answer.secure else ()
            except (NoSuchName, NoRecords):
                records = ()
        return rung(demand, exchange.host, records)

    def tell(self, name: str, came_of_it: str) -> None:
        """A session of this rung was tried."""
        if self._told is not None:
            self._told(name, came_of_it)
