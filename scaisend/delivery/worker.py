"""Takes ids from smtp:deliver (and mails handed over in memory), and ends each with a recorded outcome.

A mail's way: claimed → signed (a thread hop a batch) → submitted to its destination's pool → marked `sending` in a batch, before
the first final dot → outcome → recorded in a batch. A result that cannot be recorded now is kept and retried. Leases are renewed
while mails are in hand; no final dot is written after a lease's deadline.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from scaisend.delivery import store
from scaisend.delivery.claim import claim
from scaisend.delivery.job import Outcome
from scaisend.delivery.pool_client import Pools
from scaisend.delivery.prepare_worker import Preparing
from scaisend.delivery.settle import Flight, Patience, settle
from scaisend.delivery.store import Claimed, Dialogue, Release
from scaisend.faults import Unavailable
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.portion import POISONED_AFTER, Portion
from scaisend.messages.record import Change, record
from scaisend.messages.store import lock_messages_across_tenants
from scaisend.sending.outbound import Lease, OutboundMail
from scaisend.sending.store import Recipient
from scaisend.storage.database import Database, Txn
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.pausing import pause, until
from scaisend.storage.pulling import Pulled, Pulling
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import SMTP_DELIVER, Queue
from scaisend.suppressions.erased import Erasure
from scaisend.suppressions.lists import reason_of
from scaisend.timing import ReactorTime

BATCH = 50
LEASE_MARGIN_S = 5.0
RECORD_RETRY_S = 1.0
TELL_EVERY_S = 10.0
KEPT_MOST_BYTES = 4_000_000  # a larger mail is rendered again for its next attempt


class DeliveryMetrics(Protocol):
    """What metrics want to know of deliveries."""

    def settled(self, kind: str) -> None:
        """One attempt ended so (delivery/job.py: KINDS)."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one attempt leaves to be written: a change or a release, and the dialogue of an attempt that did not deliver."""

    change: Change | None
    release: Release | None
    dialogue: Dialogue | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a delivery process holds at once, and for how long a claim lasts."""

    recipients: int = 600
    size_bytes: int = 96_000_000
    lease_s: float = 40.0


@dataclass(slots=True)
class _InHand:
    """What the process holds."""

    recipients: int = 0
    size_bytes: int = 0
    leases: list[Lease] = field(default_factory=list)


class DeliveryWorker(Service):
    """Delivers what it claims and what it is handed."""

    name = "delivery"
    log = Logger()

    def __init__(
        self, *, database: Database, queue: Queue, pulling: Pulling, pushing: Pushing, pools: Pools, preparing: Preparing, ids: IdMaker,
        patience: Patience, bounds: Bounds, reactor: ReactorTime, now_s: Callable[[], float], monotonic_s: Callable[[], float],
        metrics: DeliveryMetrics, reached: Callable[[str], None],
        erasure: Erasure | None = None,
    ) -> None:
        self._database, self._queue, self._pulling, self._pushing, self._pools = database, queue, pulling, pushing, pools
        self._preparing, self._ids, self._patience, self._bounds = preparing, ids, patience, bounds
        self._reactor, self._now_s, self._monotonic_s = reactor, now_s, monotonic_s
        self._metrics, self._reached, self._erasure = metrics, reached, erasure
        self._portion = Portion(most_bytes=bounds.size_bytes // 3, most_recipients=BATCH * 4)
        self._in_hand = _InHand()
        self._room: list[Deferred[None]] = []
        self._records: GroupCommit[Settlement, bool] = GroupCommit(
            database=database, fn=self._write, reactor=reactor, most=BATCH * 2, at_once=2, linger_s=0.02
        )
        self._renewals = LoopingCall(self._renew)
        self._loop: Deferred[None] | None = None
        self._told_at = float("-inf")
        self._is_claiming = False
        self.unrecorded = 0

    # -- the service --

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._renewals.clock = self._reactor  # type: ignore[assignment]  # the part of a reactor that it needs
        self._renewals.start(self._bounds.lease_s / 4, now=False)
        self._loop = ensureDeferred(self._run())

    async def stop(self, limit_s: float) -> None:
        """Open transactions were finished and recorded, the rest handed back; or the limit is over."""
        self.running = 0
        end_at = self._reactor.seconds() + limit_s
        await until(self._reactor, lambda: not self._is_claiming, limit_s / 4)
        await self._pools.stop(max(0.0, end_at - self._reactor.seconds()))
        await until(self._reactor, lambda: not self._in_hand.recipients and not self.unrecorded, max(1.0, end_at - self._reactor.seconds()))
        if self._renewals.running:
            self._renewals.stop()

    @property
    def in_hand(self) -> int:
        """Recipients this process holds."""
        return self._in_hand.recipients

    # -- where mails come from --

    async def _run(self) -> None:
        while self.running:
            try:
                await self.room()
                await self._claim()
            except Unavailable:
                await pause(self._reactor, 1.0)
            except Exception:
                self.log.failure("a round of delivery failed; the rows are claimed again when their lease ends")
                await pause(self._reactor, 1.0)

    async def _claim(self) -> None:
        pulled = await self._pulling.pull(BATCH)
        if not pulled.ids:
            return
        self._is_claiming = True
        try:
            await self._take(pulled)
        finally:
            self._is_claiming = False

    async def _take(self, pulled: Pulled) -> None:
        if not self.running:
            await self._pulling.acknowledge(pulled)
            self._pushing.push(pulled.ids)
            return
        self._reached("delivery.claimed_ids")
        lease, now = self.new_lease(), self._now_s()
        try:
            found = await self._database.run(claim, pulled.ids, lease.attempt_id, now + self._bounds.lease_s, now, self._portion, self._erasure)
        finally:
            # Without a claim too: an id that stays in flight is not taken in again, and the sweep could not bring its row back.
            await self._pulling.acknowledge(pulled)
        claimed = found.to_send
        self._pushing.push(found.left)
        self._reached("delivery.claimed_rows")
        for stopped, name in found.stopped:
            self._record(Settlement(_dropped(stopped, name, lease, now), None, None))
        poisoned = [each for each in claimed if each.claims >= POISONED_AFTER]
        bodiless = [each for each in claimed if each.body is None and each not in poisoned]
        for each in poisoned:
            self._record(Settlement(_poisoned(each, lease, now), None, None))
        if bodiless:
            await self._database.run(
                store.render_again_across_tenants, [each.id for each in bodiless], sorted({each.message_id for each in bodiless}), now, lease.attempt_id
            )
        mails = [_mail(each) for each in claimed if each.body is not None and each not in poisoned]
        if mails:
            self.deliver(mails, lease)

    def new_lease(self) -> Lease:
        """A fresh attempt id with a deadline counted from before its claim."""
        return Lease(self._ids.new("att"), self._monotonic_s() + self._bounds.lease_s - LEASE_MARGIN_S)

    async def room(self) -> None:
        """There is room for another batch."""
        while self._in_hand.recipients >= self._bounds.recipients or self._in_hand.size_bytes >= self._bounds.size_bytes or self.unrecorded > BATCH * 10:
            free: Deferred[None] = Deferred()
            self._room.append(free)
            await free

    # -- the road of a mail --

    def deliver(self, mails: Sequence[OutboundMail], lease: Lease) -> None:
        """Each claimed recipient of the mails will have a recorded outcome, or be found again when the lease ends."""
        flights = [(mail, recipient) for mail in mails for recipient in mail.recipients]
        lease.open.update(recipient.id for _, recipient in flights)
        self._in_hand.leases.append(lease)
        self._in_hand.recipients += len(flights)
        self._in_hand.size_bytes += sum(mail.size_bytes for mail in mails)
        ensureDeferred(self._deliver(mails, lease))

    async def _deliver(self, mails: Sequence[OutboundMail], lease: Lease) -> None:
        try:
            jobs = await self._preparing.jobs(mails, lease, lambda recipient_id: self._may_finish(lease, recipient_id))
        except Unavailable as error:
            self._give_back(mails, lease, str(error))
            return
        except Exception:
            if len(mails) > 1:
                # One of them is at fault, and perhaps another tenant's.
                for mail in mails:
                    await self._deliver([mail], lease)
                return
            self.log.failure("a mail could not be prepared; it is claimed again when its lease ends")
            self._forget(mails, lease)
            return
        left = {id(mail): len(mail.recipients) for mail in mails}
        for mail, recipient, job in jobs:
            flight = _flight(mail, recipient, lease)
            outcome = self._pools.submit(job)
            outcome.addCallback(self._settled, flight, mail, lease, left)

    def _may_finish(self, lease: Lease, recipient_id: str) -> bool:
        return recipient_id in lease.open and self._monotonic_s() < lease.deadline

    def _settled(self, outcome: Outcome, flight: Flight, mail: OutboundMail, lease: Lease, left: dict[int, int]) -> None:
        try:
            self._judge(outcome, flight)
        except Exception:
            self.log.failure("the outcome of {recipient_id} was not understood; it is looked at again when its lease ends", recipient_id=flight.recipient_id)
        lease.open.discard(flight.recipient_id)
        self._in_hand.recipients -= 1
        left[id(mail)] -= 1
        if not left[id(mail)]:
            self._in_hand.size_bytes -= mail.size_bytes
        self._make_room()

    def _judge(self, outcome: Outcome, flight: Flight) -> None:
        self._metrics.settled(outcome.kind)
        now = self._now_s()
        decided = settle(flight, outcome, self._patience, now, random.random())
        self._reached("delivery.before_record")
        dialogue = None
        if outcome.dialogue:
            place = " ".join(part for part in (outcome.host, outcome.address) if part)
            dialogue = Dialogue(
                self._ids.new("dlg", flight.tenant_id), flight.tenant_id, flight.recipient_id, flight.attempt_id, place,
                outcome.source, outcome.tls, outcome.dialogue, now,
            )
        change, release = (decided, None) if isinstance(decided, Change) else (None, decided)
        self._record(Settlement(change, release, dialogue))

    def _record(self, settlement: Settlement) -> None:
        self.unrecorded += 1
        self._write_soon(settlement)

    def _write_soon(self, settlement: Settlement) -> None:
        written = self._records.run(settlement)
        written.addCallbacks(self._recorded, self._not_recorded, callbackArgs=(settlement,), errbackArgs=(settlement,))

    def _recorded(self, good: bool, settlement: Settlement) -> None:
        self.unrecorded -= 1
        self._reached("delivery.after_record")
        due = settlement.change or settlement.release
        if good and due is not None and due.due_at is not None:
            recipient_id = settlement.change.event.recipient_id if settlement.change else settlement.release and settlement.release.recipient_id
            if recipient_id and due.waiting != "in_doubt":
                ensureDeferred(self._defer(recipient_id, due.due_at))
        self._make_room()

    async def _defer(self, recipient_id: str, due_at: float) -> None:
        try:
            await self._queue.defer(SMTP_DELIVER, [(recipient_id, due_at)])
        except Unavailable:
            pass

    def _not_recorded(self, failure: Failure, settlement: Settlement) -> None:
        """Keeps the outcome and tries again: a 250 is never dropped."""
        now = self._reactor.seconds()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self.log.warn("outcomes cannot be recorded yet and are kept: {why}", why=failure.getErrorMessage())
        self._reactor.callLater(RECORD_RETRY_S, self._write_soon, settlement)

    def _write(self, txn: Txn, settlements: Sequence[Settlement]) -> list[bool | Exception]:
        now = self._now_s()
        changes = [each.change for each in settlements if each.change is not None]
        releases = [each.release for each in settlements if each.release is not None]
        if releases:
            # All of them first, in their order: `record` and the releases lock recipients.
            lock_messages_across_tenants(txn, sorted({each.event.message_id for each in changes} | {each.message_id for each in releases}))
        written = iter(record(txn, self._ids, changes, now) if changes else ())
        released = store.release_across_tenants(txn, releases, now) if releases else set()
        results: list[bool | Exception] = [
            next(written) if each.change is not None else each.release is not None and each.release.recipient_id in released for each in settlements
        ]
        store.insert_dialogues_across_tenants(
            txn, [each.dialogue for each, good in zip(settlements, results, strict=True) if each.dialogue is not None and good is True]
        )
        return results

    # -- what does not go its way --

    def _give_back(self, mails: Sequence[OutboundMail], lease: Lease, why: str) -> None:
        due_at = self._now_s() + RECORD_RETRY_S * 10
        for mail in mails:
            for recipient in mail.recipients:
                flight = _flight(mail, recipient, lease)
                release = Release(recipient.id, mail.message_id, mail.tenant_id, lease.attempt_id, due_at, "delivery", why, flight.body)
                self._record(Settlement(None, release, None))
        self._forget(mails, lease)

    def _forget(self, mails: Sequence[OutboundMail], lease: Lease) -> None:
        lease.open.difference_update(recipient.id for mail in mails for recipient in mail.recipients)
        self._in_hand.recipients -= sum(len(mail.recipients) for mail in mails)
        self._in_hand.size_bytes -= sum(mail.size_bytes for mail in mails)
        self._make_room()

    def _make_room(self) -> None:
        if self._room and self._in_hand.recipients < self._bounds.recipients:
            waiting, self._room = self._room, []
            for each in waiting:
                each.callback(None)

    # -- leases --

    async def _renew(self) -> None:
        self._in_hand.leases = leases = [lease for lease in self._in_hand.leases if lease.open]
        old = [lease for lease in leases if lease.deadline - self._monotonic_s() < self._bounds.lease_s * 0.6]
        if not old:
            return
        asked, now = self._monotonic_s(), self._now_s()
        claims = [(recipient_id, lease.attempt_id) for lease in old for recipient_id in lease.open]
        try:
            held = await self._database.run(store.renew_leases_across_tenants, claims, now + self._bounds.lease_s)
        except Exception as error:
            self.log.warn("leases could not be renewed: {error}", error=error)
            return
        lost = {claim for claim in claims if claim not in held}
        for lease in old:
            # What was lost is fenced off one by one; some of it has ended meanwhile, and is not open any more.
            lease.open.difference_update([recipient_id for recipient_id, attempt_id in lost if attempt_id == lease.attempt_id])
            lease.deadline = asked + self._bounds.lease_s - LEASE_MARGIN_S


def _dropped(claimed: Claimed, name: str, lease: Lease, now: float) -> Change:
    reason = reason_of(name)
    event = Event(events.DROPPED, claimed.tenant_id, claimed.message_id, claimed.id, now, {"reason": reason, "list": name})
    return Change(event, attempt_id=lease.attempt_id, reason=reason)


def _poisoned(claimed: Claimed, lease: Lease, now: float) -> Change:
    reason = f"set aside: {claimed.claims} workers took it and none came to an end"
    event = Event(events.FAILED, claimed.tenant_id, claimed.message_id, claimed.id, now, {"reason": reason, "rule": "poisoned"})
    return Change(event, attempt_id=lease.attempt_id, reason=reason)


def _mail(claimed: Claimed) -> OutboundMail:
    assert claimed.body is not None
    recipient = Recipient(claimed.id, claimed.number, claimed.kind, claimed.email, claimed.name, claimed.tries, claimed.attempts, claimed.resends, True, claimed.route)
    return OutboundMail(
        claimed.message_id, claimed.tenant_id, claimed.from_email, claimed.accepted_at, claimed.body, claimed.size_bytes, True,
        claimed.ip_pool, (recipient,),
    )


def _flight(mail: OutboundMail, recipient: Recipient, lease: Lease) -> Flight:
    return Flight(
        recipient.id, mail.message_id, mail.tenant_id, lease.attempt_id, recipient.tries, recipient.attempts, mail.accepted_at,
        None if mail.has_body or len(mail.packed) > KEPT_MOST_BYTES else mail.packed,
    )
