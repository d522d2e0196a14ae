"""Posts deliveries. An endpoint has at most a few posts in flight from one process, and one alone while it fails: so one that is
slow or dead holds up nobody but itself. However many of a tenant's endpoints are, they hold up nobody but their tenant.

A claim lasts LEASE_S, longer than any post. A process that dies in between leaves the row to whoever finds its lease ended: the
same events go out again under the same ids.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger

from scaisend.faults import Unavailable
from scaisend.identity.audit_store import record_act
from scaisend.ids import IdMaker, lane_in
from scaisend.reporting import deliveries_store as deliveries
from scaisend.reporting import webhooks_store as webhooks
from scaisend.reporting.attempts import FAILURES_MOST, at_once, next_attempt_at, switched_off_because
from scaisend.reporting.deliveries_store import Delivery
from scaisend.reporting.envelope import Told
from scaisend.reporting.events_store import told_by_ids
from scaisend.reporting.post_client import Posted
from scaisend.reporting.webhook import Webhook
from scaisend.storage.database import Database, Txn
from scaisend.storage.pausing import pause, until
from scaisend.storage.pulling import Pulling
from scaisend.timing import ReactorTime

POSTS_MOST = 256
POSTS_A_TENANT = 32
POSTS_AN_ENDPOINT = 4
IDS_AT_ONCE = 50
LEASE_S = 120.0
POST_MOST_S = 100.0
SWITCHED_OFF = "not posted: the webhook is switched off"


class PostMetrics(Protocol):
    """What metrics want to know of posts."""

    def posted(self, outcome: str, events: int) -> None:
        """A delivery of so many events ended as delivered, retried or failed."""


class Posts(Protocol):
    """Posts events to a webhook (post_client.py)."""

    async def post(self, webhook: Webhook, told: Sequence[Told]) -> Posted: ...


@dataclass(frozen=True, slots=True)
class _Claimed:
    webhook: Webhook
    delivery: Delivery
    attempt_id: str


@dataclass(frozen=True, slots=True)
class _Settled:
    outcome: str
    switched_off: str | None = None


class WebhookWorker(Service):
    """Posts what is due."""

    name = "webhooks"
    log = Logger()

    def __init__(
        self, *, database: Database, pulling: Pulling, posts: Posts, ids: IdMaker, reactor: ReactorTime, now_s: Callable[[], float],
        metrics: PostMetrics, reached: Callable[[str], None],
    ) -> None:
        self._database, self._pulling, self._posts, self._ids = database, pulling, posts, ids
        self._reactor, self._now_s, self._metrics, self._reached = reactor, now_s, metrics, reached
        self._in_flight: Counter[str] = Counter()
        self._loop: Deferred[None] | None = None

    @property
    def posts_in_flight(self) -> int:
        """How many posts this process has open or is about to begin."""
        return self._in_flight.total()

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._loop = ensureDeferred(self._run())

    async def stop(self, limit_s: float) -> None:
        """No new post is begun; the open ones ended, or the limit is over and their leases will."""
        self.running = 0
        await until(self._reactor, lambda: not self.posts_in_flight, limit_s)

    async def _run(self) -> None:
        while self.running:
            try:
                await self._turn()
            except Unavailable:
                await pause(self._reactor, 1.0)
            except Exception:
                self.log.failure("a round of webhook deliveries failed; the rows are claimed again")
                await pause(self._reactor, 1.0)

    async def _turn(self) -> None:
        if self.posts_in_flight >= POSTS_MOST:
            await pause(self._reactor, 0.1)
            return
        pulled = await self._pulling.pull(IDS_AT_ONCE)
        if not pulled.ids or not self.running:
            return
        try:
            webhook_ids = await self._database.read(deliveries.webhook_ids_across_tenants, pulled.ids)
        finally:
            await self._pulling.acknowledge(pulled)
        for webhook_id in webhook_ids:
            ensureDeferred(self.pull(webhook_id))

    async def pull(self, webhook_id: str) -> None:
        """Due deliveries of the webhook are being posted, as many as it may have at once; each one that ends pulls the next."""
        lane = lane_in(webhook_id)
        of_tenant = sum(count for each, count in self._in_flight.items() if lane_in(each) == lane)
        free = min(POSTS_AN_ENDPOINT - self._in_flight[webhook_id], POSTS_A_TENANT - of_tenant, POSTS_MOST - self.posts_in_flight)
        if free <= 0 or not self.running:
            return
        others = self._in_flight[webhook_id]
        self._in_flight[webhook_id] += free
        claimed: list[_Claimed] = []
        try:
            claimed = await self._database.run(self._claim, webhook_id, others, free)
        except Unavailable:
            pass
        except Exception:
            self.log.failure("deliveries of {webhook_id} could not be claimed; the sweep finds them again", webhook_id=webhook_id)
        finally:
            self._free(webhook_id, free - len(claimed))
        self._reached("webhooks.claimed")
        for each in claimed:
            ensureDeferred(self._deliver(each))

    def _claim(self, txn: Txn, webhook_id: str, others: int, free: int) -> list[_Claimed]:
        now = self._now_s()
        webhook = webhooks.webhook_across_tenants(txn, webhook_id)
        if webhook is None or not webhook.is_enabled:
            deliveries.fail_due_across_tenants(txn, webhook_id, SWITCHED_OFF, now)
            return []
        most = min(free, at_once(webhook.failures, POSTS_AN_ENDPOINT) - others)
        if most <= 0:
            return []
        attempt_id = self._ids.new("att", webhook.tenant_id)
        claimed = deliveries.claim_across_tenants(txn, webhook_id, most, attempt_id, now + LEASE_S, now)
        return [_Claimed(webhook, each, attempt_id) for each in claimed]

    def _free(self, webhook_id: str, count: int) -> None:
        self._in_flight[webhook_id] -= count
        if self._in_flight[webhook_id] <= 0:
            del self._in_flight[webhook_id]

    async def _deliver(self, claimed: _Claimed) -> None:
        webhook_id = claimed.webhook.id
        try:
            told = await self._told(claimed.delivery)
            posted = await self._post(claimed.webhook, told)
            self._reached("webhooks.posted")
            settled = await self._database.run(self._settle, claimed, posted)
            self._reached("webhooks.settled")
            self._say(claimed, len(told), settled)
        except Unavailable:
            self.log.warn("the end of a post to {webhook_id} could not be recorded; it is made again when its lease ends", webhook_id=webhook_id)
        except Exception:
            self.log.failure("a post to {webhook_id} failed; it is made again when its lease ends", webhook_id=webhook_id)
        finally:
            self._free(webhook_id, 1)
        await self.pull(webhook_id)

    async def _told(self, delivery: Delivery) -> list[Told]:
        told = await self._database.read(told_by_ids, delivery.tenant_id, delivery.event_ids)
        if len(told) < len(delivery.event_ids):  # gone, or not yet on the replica that answers reads
            told = await self._database.run(told_by_ids, delivery.tenant_id, delivery.event_ids)
        return told

    async def _post(self, webhook: Webhook, told: Sequence[Told]) -> Posted:
        """Never later than the lease: a delivery of several large posts may not outlive it."""
        going = ensureDeferred(self._posts.post(webhook, told))
        timer = self._reactor.callLater(POST_MOST_S, going.cancel)
        try:
            return await going
        except CancelledError:
            return Posted(False, f"no answer within {POST_MOST_S:g} s")
        finally:
            if timer.active():
                timer.cancel()

    def _settle(self, txn: Txn, claimed: _Claimed, posted: Posted) -> _Settled | None:
        now, delivery, webhook = self._now_s(), claimed.delivery, claimed.webhook
        due_at = None if posted.is_good else next_attempt_at(delivery.attempts + 1, now)
        status = deliveries.DELIVERED if posted.is_good else deliveries.FAILED if due_at is None else deliveries.QUEUED
        if not deliveries.settle(
            txn, webhook.tenant_id, delivery.id, claimed.attempt_id, status=status, answer=posted.answer, due_at=due_at, now=now
        ):
            return None
        if posted.is_good:
            webhooks.note_success(txn, webhook.tenant_id, webhook.id)
            return _Settled(status)
        reason = switched_off_because(posted.answer)
        outcome = "retried" if status == deliveries.QUEUED else status
        if not webhooks.note_failure(txn, webhook.tenant_id, webhook.id, FAILURES_MOST, reason, now).was_switched_off:
            return _Settled(outcome)
        record_act(
            txn, webhook.tenant_id, actor="scaisend", action="webhook.switch_off", resource=webhook.id, change={"reason": reason},
            source=None, request_id=None, happened_at=now,
        )
        return _Settled(outcome, reason)

    def _say(self, claimed: _Claimed, events: int, settled: _Settled | None) -> None:
        if settled is None:
            return
        self._metrics.posted(settled.outcome, events)
        if settled.switched_off:
            self.log.warn(
                "webhook {webhook_id} was {reason}", webhook_id=claimed.webhook.id, tenant_id=claimed.webhook.tenant_id, reason=settled.switched_off
            )
