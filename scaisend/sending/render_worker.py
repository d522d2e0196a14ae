"""Takes message ids from email:process, renders and composes them, and passes them on to delivery.

With both roles in one process the mail is handed over in memory; else its bytes are stored and its recipients' ids go to
smtp:deliver. A mail that cannot be rendered ends `failed` with the reason; one that kills its workers is set aside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import orjson
from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from scaisend.address import domain_of
from scaisend.content.images_store import ENCODED, images_across_tenants
from scaisend.content.templates_store import ActiveVersion, active_stamps_across_tenants, active_versions_across_tenants
from scaisend.domains.links import BrandedLink, brand_of
from scaisend.domains.links_store import valid_links_across_tenants
from scaisend.faults import ScaiSendError, Unavailable
from scaisend.identity.settings_store import Section, settings_across_tenants
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.portion import POISONED_AFTER, Portion
from scaisend.messages.record import Change, record
from scaisend.sending import batches_store, store
from scaisend.sending.compose import compose, pack
from scaisend.sending.embedded import MOST_IMAGES, LibraryImage, wants_embedded, with_embedded
from scaisend.sending.outbound import Lease, OutboundMail
from scaisend.sending.render import render
from scaisend.sending.request_settings import EMBED
from scaisend.sending.store import Recipient, ToRender
from scaisend.sending.suppressed import addresses_of, stops_of
from scaisend.sending.template_shelf import Key, Owner, TemplateShelf
from scaisend.sending.templated import MailTemplate
from scaisend.sending.tracked import Tracking, with_tracking
from scaisend.sending.unsubscribing import WaysOut, with_ways_out
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects
from scaisend.storage.pausing import pause, until
from scaisend.storage.pulling import Pulled, Pulling
from scaisend.storage.pushing import Pushing
from scaisend.suppressions.erased import Erasure
from scaisend.suppressions.lists import reason_of
from scaisend.suppressions.store import standings_across_tenants
from scaisend.timing import ReactorTime
from scaisend.tracking.settings import with_defaults

BATCH = 50
TURN_S = 0.02
LARGE_TEXT = '"object":"texts/'  # what a payload holds whose text is in the object store (sending/api.py)


class RenderMetrics(Protocol):
    """What metrics want to know of rendering."""

    def rendered(self, mails: int) -> None:
        """So many mails were composed."""

    def failed(self, mails: int) -> None:
        """So many mails could not be."""


class Delivery(Protocol):
    """The delivery worker of this process, when it has one."""

    def new_lease(self) -> Lease: ...

    async def room(self) -> None: ...

    def deliver(self, mails: Sequence[OutboundMail], lease: Lease) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    mails: list[OutboundMail]
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What was claimed, what is left for later, what the tenants have set, their branded links, and the templates: which state each is
    in, and those that have to be compiled."""

    claimed: list[ToRender]
    left: list[str]
    settings: dict[str, Mapping[str, Section]]
    libraries: dict[str, list[LibraryImage]]
    links: dict[str, list[BrandedLink]]
    stamps: dict[Owner, Key]
    fresh: list[ActiveVersion]


class RenderWorker(Service):
    """Renders what is due."""

    name = "rendering"
    log = Logger()

    def __init__(
        self, *, database: Database, pulling: Pulling, pushing: Pushing, deliveries: Pushing, delivery: Delivery | None, ids: IdMaker,
        lease_s: float, reactor: ReactorTime, now_s: Callable[[], float], monotonic_s: Callable[[], float],
        metrics: RenderMetrics, reached: Callable[[str], None], ways: WaysOut,
        tracking: Tracking, objects: Objects, erasure: Erasure | None = None,
    ) -> None:
        self._erasure = erasure
        self._objects = objects
        self._database, self._pulling, self._pushing, self._deliveries = database, pulling, pushing, deliveries
        self._delivery, self._ids, self._lease_s = delivery, ids, lease_s
        self._reactor, self._now_s, self._monotonic_s = reactor, now_s, monotonic_s
        self._metrics, self._reached, self._ways, self._tracking = metrics, reached, ways, tracking
        self._portion = Portion(most_bytes=32_000_000, most_recipients=1_000)
        self._shelf = TemplateShelf()
        self._loop: Deferred[None] | None = None
        self._is_busy = False

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._loop = ensureDeferred(self._run())

    async def stop(self, limit_s: float) -> None:
        """No new work is taken; what is in hand went its way, or the limit is over."""
        self.running = 0
        await until(self._reactor, lambda: not self._is_busy, limit_s)

    async def _run(self) -> None:
        while self.running:
            try:
                if self._delivery is not None:
                    await self._delivery.room()
                await self._turn()
            except Unavailable:
                await pause(self._reactor, 1.0)
            except Exception:
                self.log.failure("a round of rendering failed; the rows are claimed again when their lease ends")
                await pause(self._reactor, 1.0)

    async def _turn(self) -> None:
        pulled = await self._pulling.pull(BATCH)
        if not pulled.ids:
            return
        self._is_busy = True
        try:
            await self._take(pulled)
        finally:
            self._is_busy = False

    async def _take(self, pulled: Pulled) -> None:
        if not self.running:
            await self._pulling.acknowledge(pulled)
            self._pushing.push(pulled.ids)
            return
        self._reached("render.claimed_ids")
        lease = self._delivery.new_lease() if self._delivery else Lease(self._ids.new("att"), self._monotonic_s() + self._lease_s)
        try:
            claim = await self._database.run(self._claim, pulled.ids, lease)
        finally:
            # Without a claim too: an id that stays in flight is not taken in again, and the sweep could not bring its row back.
            await self._pulling.acknowledge(pulled)
        self._pushing.push(claim.left)
        self._reached("render.claimed_rows")
        if claim.claimed:
            whole = await self._whole(claim.claimed)
            batch = await self._render(whole, claim, self._shelf.pick(claim.stamps, claim.fresh), lease)
            self._reached("render.rendered")
            await self._pass_on(batch, lease)

    async def _whole(self, claimed: list[ToRender]) -> list[ToRender]:
        """The messages with the texts that are too large for a row. Raises: Unavailable, NotFound."""
        return [replace(each, payload=await self._with_texts(each.payload)) if LARGE_TEXT in each.payload else each for each in claimed]

    async def _with_texts(self, payload: str) -> str:
        shared = orjson.loads(payload)
        for part in shared.get("content", ()):
            if "object" in part:
                part["value"] = (await self._objects.get(part.pop("object"))).decode()
        return orjson.dumps(shared).decode()

    def _claim(self, txn: Txn, ids: Sequence[str], lease: Lease) -> _Claim:
        """Claims the messages; ends those of cancelled batches, holds those of paused ones."""
        now = self._now_s()
        due, left = store.claim_messages_across_tenants(txn, ids, lease.attempt_id, now + self._lease_s, now, self._portion)
        # A message whose recipients all ended or are in other hands needs no mail.
        claimed = [each for each in due if any(to.is_claimed for to in each.recipients)]
        batched = sorted({(each.tenant_id, each.batch_id) for each in claimed if each.batch_id})
        stopped: set[str] = set()
        if batched:
            statuses = batches_store.statuses(txn, batched, lock=True)
            cancelled = [each for each in claimed if each.batch_id and statuses.get((each.tenant_id, each.batch_id)) == "cancel"]
            paused = [each.id for each in claimed if each.batch_id and statuses.get((each.tenant_id, each.batch_id)) == "pause"]
            if cancelled:
                record(txn, self._ids, _ended(cancelled, events.CANCELLED, "its batch was cancelled", lease.attempt_id, now), now)
            if paused:
                store.pause_claimed_across_tenants(txn, paused, lease.attempt_id, now)
            stopped = {each.id for each in cancelled} | set(paused)
        mails = self._without_suppressed(txn, [each for each in claimed if each.id not in stopped], lease, now)
        tenant_ids = sorted({each.tenant_id for each in mails})
        settings = settings_across_tenants(txn, tenant_ids) if mails else {}
        links = valid_links_across_tenants(txn, tenant_ids) if mails else {}
        return _Claim(mails, left, settings, _libraries(txn, mails, settings), links, *self._templates(txn, mails))

    def _templates(self, txn: Txn, mails: Sequence[ToRender]) -> tuple[dict[Owner, Key], list[ActiveVersion]]:
        """The state of each template that the mails name, and the active versions that are not held compiled."""
        named = sorted({(each.tenant_id, each.template_id) for each in mails if each.template_id})
        if not named:
            return {}, []
        stamps = active_stamps_across_tenants(txn, named)
        lacking = [owner for owner, key in stamps.items() if self._shelf.lacks(key)]
        return stamps, active_versions_across_tenants(txn, lacking) if lacking else []

    def _without_suppressed(self, txn: Txn, claimed: list[ToRender], lease: Lease, now: float) -> list[ToRender]:
        """The mails that still have somebody to go to; who was suppressed since their acceptance is dropped."""
        asked = addresses_of([(each.tenant_id, to.email, each.accepted_at) for each in claimed for to in each.recipients if to.is_claimed], now)
        standings = standings_across_tenants(txn, asked, self._erasure.names(txn) if self._erasure else None) if asked else {}
        if not standings:
            return claimed
        changes: list[Change] = []
        left: list[ToRender] = []
        for each in claimed:
            stops = stops_of(each, standings)
            changes += [_dropped(each, to, stops[to.id], lease.attempt_id, now) for to in each.recipients if to.id in stops]
            mail = replace(each, recipients=tuple([replace(to, is_claimed=False) if to.id in stops else to for to in each.recipients]))
            if any(to.is_claimed for to in mail.recipients):
                left.append(mail)
        if changes:
            record(txn, self._ids, changes, now)
        return left

    async def _render(
        self, claimed: Sequence[ToRender], claim: _Claim, templates: Mapping[Owner, MailTemplate], lease: Lease,
    ) -> _Batch:
        """The mails, and the changes of messages that have none; the reactor had its turn whenever rendering took long."""
        batch = _Batch([], [])
        now = self._now_s()
        began = self._monotonic_s()
        for each in claimed:
            if self._monotonic_s() - began > TURN_S:
                await pause(self._reactor, 0)
                began = self._monotonic_s()
            if each.tries >= POISONED_AFTER:
                reason = f"set aside: {each.tries} workers took it and none came to an end"
                batch.changes.extend(_ended([each], events.FAILED, reason, lease.attempt_id, now))
                continue
            try:
                template = templates.get((each.tenant_id, each.template_id)) if each.template_id else None
                batch.mails.append(self._rendered(each, claim, template))
            except ScaiSendError as error:
                batch.changes.extend(_ended([each], events.FAILED, f"could not be rendered: {error}", lease.attempt_id, now))
            except Exception as error:
                self.log.failure("message {message_id} could not be rendered", message_id=each.id)
                reason = f"could not be rendered: {type(error).__name__}"
                batch.changes.extend(_ended([each], events.FAILED, reason, lease.attempt_id, now))
        return batch

    def _rendered(self, each: ToRender, claim: _Claim, template: MailTemplate | None) -> OutboundMail:
        shared, own = orjson.loads(each.payload), orjson.loads(each.personalization)
        if each.tenant_id in claim.settings:
            shared = with_defaults(shared, claim.settings[each.tenant_id])
        mail = render(shared, own, each.recipients, message_id=each.id, accepted_at=each.accepted_at, template=template)
        if each.tenant_id in claim.libraries and wants_embedded(shared):
            mail = with_embedded(mail, claim.libraries[each.tenant_id], self._tracking.base_url)
        tracking = self._tracking
        if each.tenant_id in claim.links:
            tracking = tracking.branded(brand_of(claim.links[each.tenant_id], domain_of(each.from_email)))
        mail = with_tracking(with_ways_out(mail, shared, self._ways), shared, each.id, tracking)
        composed = compose(mail)
        return OutboundMail(
            each.id, each.tenant_id, each.from_email, each.accepted_at, pack(composed.segments), composed.size_bytes, False,
            each.ip_pool, tuple(to for to in each.recipients if to.is_claimed),
        )

    async def _pass_on(self, batch: _Batch, lease: Lease) -> None:
        if batch.mails:
            self._metrics.rendered(len(batch.mails))
            if self._delivery is not None:
                self._delivery.deliver(batch.mails, lease)
            else:
                ready = await self._database.run(self._store, batch.mails, lease)
                self._reached("render.stored")
                self._deliveries.push(ready)
        if batch.changes:
            await self._database.run(record, self._ids, batch.changes, self._now_s())
            self._metrics.failed(len(batch.changes))

    def _store(self, txn: Txn, mails: Sequence[OutboundMail], lease: Lease) -> list[str]:
        packed = [(mail.message_id, mail.tenant_id, mail.packed) for mail in mails]
        return store.store_rendered_across_tenants(txn, packed, lease.attempt_id, self._now_s())


def _libraries(txn: Txn, mails: Sequence[ToRender], settings: Mapping[str, Mapping[str, Section]]) -> dict[str, list[LibraryImage]]:
    """The images of the tenants that may want them embedded."""
    wanted = {each.tenant_id for each in mails if EMBED in each.payload}
    wanted |= {tenant_id for tenant_id, sections in settings.items() if EMBED in sections.get("tracking_settings", {})}
    libraries: dict[str, list[LibraryImage]] = {tenant_id: [] for tenant_id in wanted}
    for each in images_across_tenants(txn, sorted(wanted), MOST_IMAGES):
        libraries[each.tenant_id].append(LibraryImage(each.id, each.filename, each.media_type, each.size_bytes, each.object_key + ENCODED))
    return libraries


def _dropped(each: ToRender, to: Recipient, name: str, attempt_id: str, now: float) -> Change:
    reason = reason_of(name)
    event = Event(events.DROPPED, each.tenant_id, each.id, to.id, now, {"reason": reason, "list": name})
    return Change(event, attempt_id=attempt_id, reason=reason)


def _ended(messages: Sequence[ToRender], kind: str, reason: str, attempt_id: str, now: float) -> list[Change]:
    return [
        Change(Event(kind, each.tenant_id, each.id, to.id, now, {"reason": reason}), attempt_id=attempt_id, reason=reason)
        for each in messages for to in each.recipients if to.is_claimed
    ]
