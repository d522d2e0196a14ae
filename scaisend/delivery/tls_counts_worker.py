"""Counts what came of TLS, for the domains that ask for reports: in memory, and a little later in the database.

What a process has not written when it dies is missing in the report of the day; nothing depends on it.
"""

from collections import Counter
from collections.abc import Callable

from twisted.logger import Logger

from scaisend.delivery.tls_report import DAY_S, places
from scaisend.delivery.tls_result import TlsResult
from scaisend.delivery.tls_store import add_results_across_tenants
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver
from scaisend.faults import Unavailable
from scaisend.storage.database import Database

EVERY_S = 30.0
MOST_KINDS = 20_000
WRITTEN_AT_ONCE = 200


class TlsCounts:
    """The counts of one process; `now_s` tells epoch seconds."""

    log = Logger()

    def __init__(self, *, database: Database, resolver: Resolver, now_s: Callable[[], float]) -> None:
        self._database = database
        self._resolver = resolver
        self._now_s = now_s
        self._counted: Counter[tuple[int, str, TlsResult]] = Counter()

    def tell(self, domain: str, result: TlsResult) -> None:
        """A session of the domain (A-label) ended so."""
        key = (int(self._now_s() // DAY_S), domain, result)
        if key in self._counted or len(self._counted) < MOST_KINDS:
            self._counted[key] += 1

    async def turn(self) -> None:
        """What was counted is written, of the domains that have a place for reports; the others' is forgotten. Raises: Unavailable."""
        counted, self._counted = self._counted, Counter()
        wanted = {domain: await self._is_wanted(domain) for domain in sorted({domain for _, domain, _ in counted})}
        left = Counter({key: sessions for key, sessions in counted.items() if wanted[key[1]]})
        try:
            while left:
                day = min(day for day, _, _ in left)
                taken = [key for key in left if key[0] == day][:WRITTEN_AT_ONCE]
                await self._database.run(add_results_across_tenants, day, {(domain, result): left[day, domain, result] for _, domain, result in taken})
                for key in taken:
                    del left[key]
        except Unavailable:
            self._counted.update(left)
            raise

    async def stop(self, limit_s: float) -> None:
        """What was counted is written, if the database is there."""
        try:
            await self.turn()
        except Unavailable as error:
            self.log.debug("the last counts of TLS sessions are lost: {error}", error=str(error))

    async def _is_wanted(self, domain: str) -> bool:
        try:
            answer = await self._resolver.resolve(f"_smtp._tls.{domain}", "TXT")
        except (NoSuchName, NoRecords, DnsTrouble):
            return False
        return bool(places(answer.records))
