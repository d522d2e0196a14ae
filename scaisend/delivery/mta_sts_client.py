"""Finds the MTA-STS policies of domains: a TXT record says that there is one, https brings it, the database keeps it for all processes.

A policy that was fetched holds until its max_age is over, whatever becomes of its record and its host: who can take these away must not be able
to take the policy away (RFC 8461 2, 10.2). It is fetched again when its id changes, and once a day, so that it does not run out unseen.
"""

from collections.abc import Callable

from twisted.logger import Logger

from scaisend.delivery.mta_sts import OFF, BadPolicy, Sts, parse, policy_id
from scaisend.delivery.tls_result import TellTls, TlsResult
from scaisend.delivery.tls_store import (
    KeptPolicy,
    keep_fault_across_tenants,
    keep_policy_across_tenants,
    policy_across_tenants,
)
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver
from scaisend.faults import Unavailable
from scaisend.http.outgoing import NotAnswered, Outgoing
from scaisend.storage.database import Database

FETCH_S = 15.0
RETRY_S = 300.0
REFRESH_S = 86_400.0

FETCH_ERROR = "sts-policy-fetch-error"
INVALID = "sts-policy-invalid"
WEBPKI_INVALID = "sts-webpki-invalid"


class _NotFetched(Exception):
    """There is no policy to be had; `kind` is a word of RFC 8460."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class StsPolicies:
    """The policies of domains. `outgoing` checks certificates and follows no redirect; `clock` tells epoch seconds."""

    log = Logger()

    def __init__(
        self, *, database: Database, resolver: Resolver, outgoing: Outgoing, clock: Callable[[], float], port: int = 443, tell: TellTls | None = None,
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._outgoing = outgoing
        self._clock = clock
        self._place = "" if port == 443 else f":{port}"
        self._tell = tell

    async def policy_of(self, domain: str) -> Sts | None:
        """The policy of the domain (A-label) that counts now; None when there is none, or it is `none`.

        Raises: DnsTrouble, when the database cannot say whether there is one.
        """
        try:
            kept = await self._database.run(policy_across_tenants, domain)
            found = await self._current(domain, kept)
        except Unavailable as error:
            raise DnsTrouble(f"whether {domain} has an MTA-STS policy is not known: {error}") from None
        return None if found is None or found.mode == OFF else found

    async def _current(self, domain: str, kept: KeptPolicy) -> Sts | None:
        now = self._clock()
        held = kept.policy if now < kept.expires_at else None
        published = await self._published_id(domain)
        if published is None:
            return held
        if held is not None and kept.policy_id == published and now < kept.fetched_at + REFRESH_S:
            return held
        if kept.tried_id == published and now < kept.retry_at:
            return held
        try:
            fetched = await self._fetch(domain)
        except _NotFetched as fault:
            self.log.warn("the MTA-STS policy of {domain} could not be fetched: {why}", domain=domain, why=str(fault))
            if self._tell is not None:
                self._tell(domain, TlsResult("sts", f"mta-sts.{domain}", fault.kind, str(fault)[:200]))
            await self._database.run(keep_fault_across_tenants, domain, published, str(fault), now + RETRY_S, now)
            return held
        await self._database.run(keep_policy_across_tenants, domain, published, fetched, now)
        return fetched

    async def _published_id(self, domain: str) -> str | None:
        try:
            answer = await self._resolver.resolve(f"_mta-sts.{domain}", "TXT")
        except (NoSuchName, NoRecords, DnsTrouble):
            return None
        return policy_id(answer.records)

    async def _fetch(self, domain: str) -> Sts:
        url = f"https://mta-sts.{domain}{self._place}/.well-known/mta-sts.txt"
        try:
            answer = await self._outgoing.get(url, {"accept": "text/plain"}, FETCH_S)
        except NotAnswered as error:
            kind = WEBPKI_INVALID if "certificate" in str(error) or "Verification" in str(error) else FETCH_ERROR
            raise _NotFetched(kind, str(error)) from None
        if answer.status != 200:
            raise _NotFetched(FETCH_ERROR, f"{url} answered {answer.status}")
        if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/plain":
            raise _NotFetched(INVALID, f"{url} is not text/plain")
        try:
            return parse(answer.body)
        except BadPolicy as fault:
            raise _NotFetched(INVALID, f"{url} is no policy: {fault}") from None
