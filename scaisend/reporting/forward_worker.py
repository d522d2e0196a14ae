"""Mails bounces and spam reports to the address that their tenant has set (mail_settings forward_bounce and forward_spam).

A mail's request id is chosen and committed before the mail is accepted, and a request id is accepted once: a turn that died anywhere
is taken again and makes no second mail. Of each clock hour a setting mails MOST_AN_HOUR events one by one and the rest as a number.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
from twisted.logger import Logger

from scaisend.caller import SERVICE
from scaisend.domains.store import domains
from scaisend.faults import ScaiSendError, Unauthenticated, Unavailable
from scaisend.identity.people_store import ACTIVE, tenant
from scaisend.identity.settings_store import section
from scaisend.ids import IdMaker, short_form
from scaisend.messages.record import SECTION
from scaisend.reporting import forwards_store as store
from scaisend.reporting.forwarded import digest_of, mail_of
from scaisend.reporting.forwards_store import HOUR_US, US
from scaisend.storage.database import Database, Txn

MOST_AN_HOUR = 100
# What was committed late into an hour that is over is in its number.
GRACE_US = 60 * US
NO_DOMAIN = "no domain of the tenant is verified, so there is no address to mail from"


class SendsForwards(Protocol):
    """Sends a mail of the service's own in the tenant's name, once for a request id."""

    def __call__(self, tenant_id: str, partner_id: str, body: bytes, request_id: str) -> Awaitable[object]: ...


@dataclass(frozen=True, slots=True)
class Telling:
    """A mail to be sent: of one event, or, with `rest_of`, of the open rows of its hour besides those."""

    event_id: str
    request_id: str
    body: Mapping[str, object]
    rest_of: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be sent for a tenant, and why and how many events are not."""

    partner_id: str = ""
    tellings: tuple[Telling, ...] = ()
    why_not: str = ""
    dropped: int = 0


class ForwardWorker:
    """Its turn is taken again and again by any number of processes."""

    log = Logger()

    def __init__(self, *, database: Database, ids: IdMaker, send: SendsForwards, now_s: Callable[[], float], reached: Callable[[str], None]) -> None:
        self._database, self._ids, self._send, self._now_s, self._reached = database, ids, send, now_s, reached

    async def turn(self) -> None:
        """What was due is on its way, or will never be; one tenant's refusals hold up no other's."""
        for tenant_id, setting, hour in await self._database.read(store.due_across_tenants, self._now_s()):
            taken = await self._database.run(take, tenant_id, setting, hour, self._ids, self._now_s())
            if taken.why_not:
                self.log.warn("{tenant}: {count} events of {setting} are not mailed: {why}", tenant=tenant_id, count=taken.dropped, setting=setting, why=taken.why_not)
            for telling in taken.tellings:
                if not await self._tell(tenant_id, taken.partner_id, setting, hour, telling):
                    break

    async def _tell(self, tenant_id: str, partner_id: str, setting: str, hour: int, telling: Telling) -> bool:
        """Whether the mail was accepted, or refused for good."""
        try:
            await self._send(tenant_id, partner_id, orjson.dumps(telling.body), telling.request_id)
        except (Unauthenticated, Unavailable) as error:
            self.log.warn("{tenant}: a mail of {setting} has to wait: {error}", tenant=tenant_id, setting=setting, error=error)
            return False
        except ScaiSendError as error:
            self.log.warn("{tenant}: {event} of {setting} is not mailed: {error}", tenant=tenant_id, event=telling.event_id, setting=setting, error=error)
        self._reached("forwards.accepted")
        await self._database.run(_close, tenant_id, setting, hour, telling)
        return True


def take(txn: Txn, tenant_id: str, setting: str, hour: int, ids: IdMaker, now: float) -> Taken:
    """The mails of the tenant's hour (microseconds) that are to be sent, each with its request id; rows that will never be mailed are gone."""
    first = store.first_of_hour(txn, tenant_id, setting, hour, MOST_AN_HOUR)
    owner, wish = tenant(txn, tenant_id), section(txn, tenant_id, SECTION).get(setting, {})
    to = str(wish.get("email") or "") if wish.get("enabled") else ""
    domain = _sender_domain(txn, tenant_id)
    if owner is None or owner.status != ACTIVE or not to or domain is None:
        dropped = store.drop_open(txn, tenant_id, setting, hour, ())
        return Taken(why_not=NO_DOMAIN if owner and owner.status == ACTIVE and to else "", dropped=dropped)
    found = store.reports(txn, tenant_id, [each.event_id for each in first if each.is_open])
    # A bounce of a mail that this service wrote, as of one that tells of a bounce, is told to nobody.
    told = {event_id: report for event_id, report in found.items() if report.credential_id != SERVICE}
    store.drop(txn, tenant_id, [each.event_id for each in first if each.is_open and each.event_id not in told])
    tellings = [
        Telling(each.event_id, _request_id(txn, tenant_id, each, ids), mail_of(told[each.event_id], setting=setting, sender_domain=domain, to=to))
        for each in first if each.event_id in told
    ]
    if len(first) == MOST_AN_HOUR:
        tellings += _rest(txn, tenant_id, setting, hour, [each.event_id for each in first], ids, now, domain, to)
    return Taken(owner.partner_id, tuple(tellings))


def _rest(
    txn: Txn, tenant_id: str, setting: str, hour: int, first: Sequence[str], ids: IdMaker, now: float, domain: str, to: str
) -> list[Telling]:
    """The mail that tells of the rest of the hour, once that is over; until then the rest waits."""
    over_at = (hour + HOUR_US + GRACE_US) / US
    if now < over_at:
        store.put_off_rest(txn, tenant_id, setting, hour, first, over_at)
        return []
    count, head = store.rest_of_hour(txn, tenant_id, setting, hour, first)
    if head is None:
        return []
    body = digest_of(count, hour / US, setting=setting, most=MOST_AN_HOUR, sender_domain=domain, to=to)
    return [Telling(head.event_id, _request_id(txn, tenant_id, head, ids), body, tuple(first))]


def _close(txn: Txn, tenant_id: str, setting: str, hour: int, telling: Telling) -> None:
    if telling.rest_of is None:
        store.close(txn, tenant_id, telling.event_id)
    else:
        store.drop_open(txn, tenant_id, setting, hour, telling.rest_of)


def _request_id(txn: Txn, tenant_id: str, forward: store.Forward, ids: IdMaker) -> str:
    if forward.request_id is not None:
        return forward.request_id
    chosen = short_form(ids.number(tenant_id))
    store.choose_request(txn, tenant_id, forward.event_id, chosen)
    return chosen


def _sender_domain(txn: Txn, tenant_id: str) -> str | None:
    """The tenant's default domain, or else another one that is verified."""
    verified = [each for each in domains(txn, tenant_id) if each.verified]
    return next((each.domain for each in verified if each.is_default), verified[0].domain if verified else None)
