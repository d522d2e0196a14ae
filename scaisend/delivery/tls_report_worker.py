"""Sends TLS reports: one a day and domain, by mail over this service's own road or by https, whichever process comes first.

Whoever claims a report makes it from what was counted, which is the same for everybody; its id is its idempotency key. A process that dies
between sending and noting so leaves it to the next, whose mail is the same request and makes no second one.
"""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

from twisted.logger import Logger

from scaisend.address import domain_of
from scaisend.caller import Caller
from scaisend.delivery.tls_report import DAY_S, MEDIA_TYPE, Report, Submitter, mail, mail_address, places, report
from scaisend.delivery.tls_store import (
    DueReport,
    claim_reports_across_tenants,
    end_report_across_tenants,
    forget_across_tenants,
    open_reports_across_tenants,
    results_across_tenants,
)
from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver
from scaisend.domains.store import owner_across_tenants
from scaisend.faults import ScaiSendError
from scaisend.http.outgoing import NotAnswered, Outgoing
from scaisend.identity.instance_store import identity_epoch
from scaisend.ids import IdMaker
from scaisend.sending.api import SendApi
from scaisend.storage.database import Database, Txn

EVERY_S = 300.0
SETTLED_S = 900.0  # after midnight all processes have written what they counted
SPREAD_S = 3_600.0
LEASE_S = 300.0
RETRY_S = 3_600.0
MOST_ATTEMPTS = 20
AT_ONCE = 20
OPENED_AT_ONCE = 500
MOST_RESULTS = 1_000
KEPT_DAYS = 14
POST_S = 30.0


class _NotSent(Exception):
    """One place did not take the report, for now."""


class TlsReports:
    """The reports of an installation. `random` draws from [0, 1)."""

    log = Logger()

    def __init__(
        self, *, database: Database, resolver: Resolver, outgoing: Outgoing, sending: SendApi, submitter: Submitter, ids: IdMaker,
        now_s: Callable[[], float], random: Callable[[], float],
    ) -> None:
        self._database, self._resolver, self._outgoing, self._sending = database, resolver, outgoing, sending
        self._submitter, self._ids, self._now_s, self._random = submitter, ids, now_s, random

    async def turn(self) -> None:
        """Days that are over have their reports, and those that are due were sent or put off. Raises: Unavailable."""
        now = self._now_s()
        today = int((now - SETTLED_S) // DAY_S)
        await self._database.run(open_reports_across_tenants, today, OPENED_AT_ONCE, now + SPREAD_S * self._random(), now)
        while True:
            attempt_id = self._ids.new("att")
            due = await self._database.run(claim_reports_across_tenants, AT_ONCE, attempt_id, now + LEASE_S, now)
            for each in due:
                due_at, answer = await self._send(each)
                await self._database.run(end_report_across_tenants, each.day, each.domain, attempt_id, due_at, answer)
            if len(due) < AT_ONCE:
                break
        await self._database.run(forget_across_tenants, today - KEPT_DAYS, now, OPENED_AT_ONCE)

    async def _send(self, due: DueReport) -> tuple[float | None, str]:
        """When the report is due again (None: never), and what came of it."""
        try:
            return None, await self._sent(due)
        except (_NotSent, DnsTrouble, ScaiSendError) as error:
            answer = str(error)
        if due.attempts + 1 >= MOST_ATTEMPTS:
            self.log.warn("the TLS report of day {day} to {domain} is given up: {why}", day=due.day, domain=due.domain, why=answer)
            return None, f"given up: {answer}"
        return self._now_s() + RETRY_S, answer

    async def _sent(self, due: DueReport) -> str:
        """The first place that takes it has the report; how. Raises: _NotSent, DnsTrouble."""
        try:
            found = places((await self._resolver.resolve(f"_smtp._tls.{due.domain}", "TXT")).records)
        except (NoSuchName, NoRecords):
            found = ()
        results = await self._database.run(results_across_tenants, due.day, due.domain, MOST_RESULTS)
        if not found or not results:
            return "no report is asked for any more" if not found else "nothing was counted"
        told = report(self._submitter, due.domain, due.day, results)
        said = []
        for place in found:
            address = mail_address(place)
            try:
                return await (self._post(place, told) if address is None else self._mail(address, told))
            except (NotAnswered, ScaiSendError) as error:
                said.append(f"{place}: {error}")
        raise _NotSent("; ".join(said))

    async def _mail(self, to: str, told: Report) -> str:
        owner, epoch = await self._database.run(_owner, domain_of(self._submitter.address))
        if owner is None:
            raise _NotSent(f"no tenant has verified the domain of {self._submitter.address} (TLS_REPORT_FROM)")
        caller = Caller(tenant_id=owner[0], partner_id=owner[1], credential_id="tls-reports", permissions=frozenset({"mail.send"}), epoch=epoch)
        body = mail(self._submitter, told, to, b64encode(told.content).decode())
        key = f"tls-report {told.id}"[:255]
        accepted = await self._sending.take(caller, body, now_s=self._now_s(), key=key, digest=sha256(f"{key} {to}".encode()).digest())
        return f"mailed to {to} as {accepted.message_ids[0]}"

    async def _post(self, url: str, told: Report) -> str:
        answer = await self._outgoing.post(url, told.content, {"content-type": MEDIA_TYPE}, POST_S)
        if answer.status // 100 != 2:
            raise _NotSent(f"{url} answered {answer.status}")
        return f"posted to {url}: {answer.status}"


def _owner(txn: Txn, domain: str) -> tuple[tuple[str, str] | None, int]:
    """Whose mail the reports are, and the identity epoch of that moment."""
    return owner_across_tenants(txn, domain), identity_epoch(txn)
