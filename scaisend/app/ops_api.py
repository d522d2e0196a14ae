"""The operator's doors of one process: health, readiness, metrics, queues."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred

from scaisend.app.adapters import Adapters
from scaisend.delivery.destination import PAUSED
from scaisend.faults import Unavailable
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply, json_reply
from scaisend.http.route import Route, get
from scaisend.messages.depths_store import Depths, depths, depths_across_tenants
from scaisend.storage.database import Txn
from scaisend.storage.queue import QUEUES

READY_TIMEOUT_S = 3.0
DEPTHS_FOR_S = 2.0
PROBE_KEY = "ready/probe"


@dataclass(slots=True)
class Measures:
    """The parts of this process that metrics look at."""

    deliveries: list[Any] = field(default_factory=list)
    pools: list[Any] = field(default_factory=list)
    sweeps: list[Any] = field(default_factory=list)


class OpsApi:
    """What a probe, a scraper and an operator ask a process."""

    def __init__(self, *, adapters: Adapters, measures: Measures, roles: Sequence[str], lag_s: Callable[[], float]) -> None:
        self._adapters = adapters
        self._measures = measures
        self._roles = tuple(roles)
        self._lag_s = lag_s
        self._last_depths = Depths()
        self._depths_at = 0.0

    def public_routes(self) -> list[Route]:
        """Doors that a load balancer needs."""
        return [
            get("/health", self.health, public=True, limit=None, summary="200 while the process lives"),
            get("/ready", self.ready, public=True, limit=None, summary="200 when the database answers"),
        ]

    def routes(self) -> list[Route]:
        """Doors of the ops listener."""
        return [
            *self.public_routes(),
            get("/metrics", self.metrics, public=True, limit=None, summary="Prometheus exposition"),
            get("/queues", self.queues, public=True, limit=None, summary="Depths and oldest ages"),
        ]

    def admin_routes(self) -> list[Route]:
        """The same for administrators."""
        return [get("/api/admin/queues", self.own_queues, permission="admin.settings", summary="Depths and oldest ages of the queues")]

    async def health(self, call: Call) -> Reply:
        """200 while the process lives."""
        return json_reply({"status": "ok", "roles": self._roles})

    async def ready(self, call: Call) -> Reply:
        """200 when the database answers, else 503; a queue server or object store that is away makes it `degraded`."""
        asked = {
            "database": self._answers(lambda: self._adapters.database.run(_ping)),
            "queue": self._answers(self._adapters.queue.generation),
            "objects": self._answers(lambda: self._adapters.objects.exists(PROBE_KEY)),
        }
        checks = {name: await answer for name, answer in asked.items()}
        good = checks["database"] == "ok"
        status = "ready" if set(checks.values()) == {"ok"} else "degraded" if good else "unready"
        return json_reply({"status": status, "checks": checks}, 200 if good else 503, () if good else (("Retry-After", "5"),))

    async def queues(self, call: Call) -> Reply:
        """For each queue: what the database has due, the oldest age, and what the queue server holds."""
        held = await self._held()
        shown = _shown(await self._fresh_depths(), time.time())
        return data_reply({name: {**value, "in_queue": held.get(name)} if name in QUEUES else value for name, value in shown.items()})

    async def own_queues(self, call: Call) -> Reply:
        """For each queue what the caller's tenant has waiting."""
        return data_reply(_shown(await self._adapters.database.read(depths, call.caller.tenant_id, call.now_s), call.now_s))

    async def metrics(self, call: Call) -> Reply:
        """The exposition, with gauges as they are now."""
        metrics = self._adapters.metrics
        try:
            found = await self._depths()
        except Unavailable:
            pass
        else:
            now = time.time()
            for name in QUEUES:
                metrics.gauge("scaisend_queue_waiting", found.due[name], name)
                metrics.gauge("scaisend_queue_delayed", found.later[name], name)
                oldest = found.oldest_at[name]
                metrics.gauge("scaisend_queue_oldest_seconds", max(0.0, now - oldest) if oldest else 0.0, name)
            for status, count in found.recipients.items():
                metrics.gauge("scaisend_recipients", count, status)
        for name, held in (await self._held()).items():
            metrics.gauge("scaisend_queue_in_flight", held["in_flight"], name)
        self._gather_own()
        return Reply(200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8")

    def _gather_own(self) -> None:
        metrics = self._adapters.metrics
        metrics.gauge("scaisend_recipients_in_hand", sum(each.in_hand for each in self._measures.deliveries))
        metrics.gauge("scaisend_outcomes_unrecorded", sum(each.unrecorded for each in self._measures.deliveries))
        states = [state for pools in self._measures.pools for state in pools.state()]
        metrics.gauge("scaisend_pool_connections", sum(state.connections for state in states))
        metrics.gauge("scaisend_destinations_backing_off", sum(1 for state in states if state.retry_at is not None))
        metrics.gauge("scaisend_destinations_paused", sum(1 for state in states if state.state == PAUSED))
        metrics.gauge("scaisend_lanes_limited", sum(1 for pools in self._measures.pools for lane in pools.lanes.active() if lane.shape.is_cut or lane.is_limited))
        metrics.gauge("scaisend_database_waiting", getattr(self._adapters.database, "pool_waiting", 0))
        metrics.gauge("scaisend_reactor_lag_seconds", self._lag_s())
        for sweep in self._measures.sweeps:
            metrics.sweeps_failed(sweep.name, sweep.failures)

    def _answers(self, ask: Callable[[], Awaitable[object]]) -> "Deferred[str]":
        """Fires with `ok`, or with `away` when it refuses or has not answered within READY_TIMEOUT_S; what was asked runs on."""
        answer: Deferred[str] = Deferred()

        def say(word: str) -> None:
            if late.active():
                late.cancel()
                answer.callback(word)

        async def asking() -> None:
            try:
                await ask()
            except Exception:  # whatever is wrong with it, a probe must be answered
                say("away")
            else:
                say("ok")

        late = self._adapters.reactor.callLater(READY_TIMEOUT_S, answer.callback, "away")
        Deferred.fromCoroutine(asking())
        return answer

    async def _depths(self) -> Depths:
        """The depths, at most DEPTHS_FOR_S old: several scrapers ask for the price of one."""
        if time.time() - self._depths_at > DEPTHS_FOR_S:
            return await self._fresh_depths()
        return self._last_depths

    async def _fresh_depths(self) -> Depths:
        now = time.time()
        self._last_depths = await self._adapters.database.read(depths_across_tenants, now)
        self._depths_at = now
        return self._last_depths

    async def _held(self) -> dict[str, dict[str, int]]:
        found = {}
        for name in QUEUES:
            try:
                depth = await self._adapters.queue.depth(name)
            except Unavailable:
                continue
            found[name] = {"waiting": depth.waiting, "delayed": depth.delayed, "in_flight": depth.in_flight}
        return found


def _shown(found: Depths, now: float) -> dict[str, dict[str, object]]:
    queues: dict[str, dict[str, object]] = {
        name: {
            "waiting": found.due[name], "oldest_age_s": max(0.0, now - found.oldest_at[name]) if found.oldest_at[name] else 0.0,
            "delayed": found.later[name],
        }
        for name in QUEUES
    }
    return {**queues, "recipients": dict(found.recipients)}


def _ping(txn: Txn) -> None:
    txn.row("SELECT 1")
