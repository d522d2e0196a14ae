"""Once a second: what this process learned of destinations goes to the others and into the database, and what they and operators say comes in.

Learned limits live in memory; with Redis all processes share them, without it each is alone. The database keeps them over restarts,
with every change and its reason. Orders of operators are read whenever their epoch has changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaisend.delivery import orders_store, shaping_store
from scaisend.delivery.lanes import ALONE, Lane, LaneChange
from scaisend.delivery.orders import Order, standing
from scaisend.delivery.pool_client import Pools
from scaisend.delivery.shaping import Shape
from scaisend.delivery.shaping_client import SharedShapes
from scaisend.delivery.warming import Plan
from scaisend.faults import Unavailable
from scaisend.storage.database import Database, Txn

EVERY_S = 1.0
REPORT_EVERY_S = 3.0
CLEAN_EVERY_S = 600.0
PLANS_EVERY_S = 10.0
LEADS_AT_ONCE = 500
REPORTED = 200
MOST_UNKEPT = 10_000
PORTIONS = 20


@dataclass(frozen=True, slots=True)
class News:
    """What a turn writes."""

    shapes: dict[tuple[str, str], Shape]
    changes: list[LaneChange]
    leads: dict[str, str]


class Shaping:
    """The turn of a process that delivers. `shared` is None without Redis; `now_s` tells epoch seconds."""

    def __init__(self, *, database: Database, pools: Pools, shared: SharedShapes | None, worker_id: str, now_s: Callable[[], float]) -> None:
        self._database, self._pools, self._lanes, self._shared = database, pools, pools.lanes, shared
        self._worker_id, self._now_s = worker_id, now_s
        self._epoch: int | None = None
        self._plans: list[Plan] = []
        self._plans_at = self._reported_at = self._cleaned_at = float("-inf")
        self._unkept = News({}, [], {})
        self._offered: set[Lane] = set()

    async def restore(self) -> None:
        """What was learned before is known again, and orders are followed from the first mail on. Raises: Unavailable."""
        found = await self._database.run(shaping_store.shapes_across_tenants)
        self._lanes.restore({(each.source, each.destination): each.shape for each in reversed(found)})
        await self._follow_orders()
        await self._warm()

    async def turn(self) -> None:
        """One round. Raises: Unavailable, when the database is away: what is new is kept for the next."""
        self._lanes.tick()
        changed = dict(self._lanes.proposed)
        self._lanes.proposed.clear()
        self._offered |= set(changed.values())
        await self._share()
        self._unkept.shapes.update({key: lane.shape for key, lane in changed.items()})
        self._unkept.changes.extend(self._lanes.changes)
        del self._unkept.changes[:-MOST_UNKEPT]
        self._lanes.changes.clear()
        await self._write()
        await self._follow_orders()
        await self._warm()
        await self._report()

    async def stop(self, limit_s: float) -> None:
        """The process reports no more."""
        try:
            await self._database.run(orders_store.end_report_across_tenants, self._worker_id)
        except Unavailable:
            pass

    async def _share(self) -> None:
        if self._shared is None:
            self._offered.clear()
            return
        lanes = [lane for lane in self._lanes.active() if lane in self._offered or lane.connections or (lane.shape.is_cut and lane.is_wanted)]
        try:
            told = await self._shared.turn(lanes, self._offered) if lanes else []
        except Unavailable:
            for lane in lanes:
                self._lanes.adopt(lane, lane.shape, ALONE)
            return
        self._offered = {each.lane for each in told if each.is_news}
        for each in told:
            self._lanes.adopt(each.lane, each.shape, each.others)

    async def _write(self) -> None:
        unkept, leads = self._unkept, self._pools.new_leads
        for domain in list(leads)[:LEADS_AT_ONCE]:
            unkept.leads[domain] = leads.pop(domain)
        if unkept.shapes or unkept.changes or unkept.leads:
            await self._database.run(_keep, unkept, self._now_s())
            self._unkept = News({}, [], {})
        if self._now_s() - self._cleaned_at >= CLEAN_EVERY_S:
            self._cleaned_at = self._now_s()
            await self._database.run(_clean, self._now_s())

    async def _follow_orders(self) -> None:
        epoch = await self._database.run(orders_store.orders_epoch_across_tenants)
        if epoch != self._epoch:
            found: Sequence[Order] = await self._database.run(orders_store.orders_across_tenants)
            self._pools.obey(standing(found))
            self._epoch = epoch

    async def _warm(self) -> None:
        """Each warming address has some mails of its plan in hand, or none when its day or hour is used up."""
        now = self._now_s()
        if now - self._plans_at >= PLANS_EVERY_S:
            self._plans = await self._database.run(shaping_store.plans_across_tenants)
            self._plans_at = now
        warming = self._lanes.warming
        living = {plan.source: ceiling for plan in self._plans if (ceiling := plan.ceiling(now)) is not None}
        for source in set(warming) - set(living):
            del warming[source]
        for plan in self._plans:
            ceiling = living.get(plan.source)
            if ceiling is None:
                continue
            portion = max(1, ceiling // 10 // PORTIONS)
            held = warming.setdefault(plan.source, 0)
            if held < portion:
                granted = await self._database.run(shaping_store.take_across_tenants, plan, portion * 2 - held, now)
                warming[plan.source] = warming.get(plan.source, 0) + granted

    async def _report(self) -> None:
        now = self._now_s()
        if now - self._reported_at < REPORT_EVERY_S:
            return
        self._reported_at = now
        lanes: dict[str, list[dict[str, object]]] = {}
        for lane in self._lanes.active():
            lanes.setdefault(lane.destination, []).append({
                "source": lane.source, "connections": lane.connections, "most": min(lane.most, 1_000_000), "per_minute": round(lane.per_minute, 1),
                "rate": None if not lane.is_limited else round(lane.rate, 2),
            })
        states = sorted(self._pools.state(), key=lambda each: -(each.waiting + each.marked + each.connections))[:REPORTED]
        report = [
            {
                "name": each.name, "state": each.state, "waiting": each.waiting + each.marked, "connections": each.connections, "retry_at": each.retry_at,
                "last_reply": each.last_reply, "lanes": lanes.get(each.name, []),
            }
            for each in states
        ]
        await self._database.run(orders_store.report_across_tenants, self._worker_id, report, now)


def _keep(txn: Txn, news: News, now: float) -> None:
    if news.shapes or news.changes:
        shaping_store.keep_shapes_across_tenants(txn, news.shapes, news.changes, now)
    if news.leads:
        orders_store.note_domains_across_tenants(txn, news.leads, now)


def _clean(txn: Txn, now: float) -> None:
    shaping_store.drop_old_shapes_across_tenants(txn, now)
    orders_store.drop_old_flushes_across_tenants(txn, now)
