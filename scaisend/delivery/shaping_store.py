"""SQL of what was learned of destinations, and of warm-up plans. It belongs to the installation, not to tenants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.delivery.lanes import LaneChange
from scaisend.delivery.shaping import Shape
from scaisend.delivery.warming import Plan
from scaisend.messages.store import US, micros
from scaisend.storage.database import Row, Txn

KEPT_S = 7 * 86_400.0
HOUR_S = 3_600
_SHAPE = "SELECT source, destination, connections, rate, connections_knee, rate_knee, cut_at, risen_at, reason, updated_at FROM shapes"
_COLUMNS = ("source", "destination", "connections", "rate", "connections_knee", "rate_knee", "cut_at", "risen_at", "reason", "updated_at")
_CHANGE = ("source", "destination", "was", "became", "reason", "happened_at")


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of a source address at a destination, and since when."""

    source: str
    destination: str
    shape: Shape
    updated_at: float


def keep_shapes_across_tenants(txn: Txn, shapes: Mapping[tuple[str, str], Shape], changes: Sequence[LaneChange], now: float) -> None:
    """The shapes are stored as they are, and each change is on record."""
    if shapes:
        txn.upsert(
            "shapes", _COLUMNS,
            [
                (
                    source, destination[:255], shape.connections, shape.rate, shape.connections_knee, shape.rate_knee, micros(shape.cut_at),
                    micros(shape.risen_at), shape.reason[:512], micros(now),
                )
                for (source, destination), shape in sorted(shapes.items())
            ],
            keys=("source", "destination"), update=_COLUMNS[2:],
        )
    if changes:
        txn.insert(
            "shape_changes", _CHANGE,
            [(each.source, each.destination[:255], each.before, each.after, each.reason[:512], micros(each.happened_at)) for each in changes],
        )


def drop_old_shapes_across_tenants(txn: Txn, now: float) -> None:
    """What was learned, changed or used more than a week ago is forgotten."""
    old = {"old": micros(now - KEPT_S)}
    txn.execute("DELETE FROM shape_changes WHERE happened_at < :old", old)
    txn.execute("DELETE FROM shapes WHERE updated_at < :old", old)
    txn.execute("DELETE FROM warmup_hours WHERE hour < :hour", {"hour": int((now - KEPT_S) // HOUR_S)})


def shapes_across_tenants(txn: Txn, *, destination: str | None = None, most: int = 50_000) -> list[Learned]:
    """What was learned, lately changed first; of one destination if so wished."""
    where, parameters = ("", {}) if destination is None else ("WHERE destination = :name", {"name": destination})
    return [_learned(row) for row in txn.rows(f"{_SHAPE} {where} ORDER BY updated_at DESC LIMIT :most", {**parameters, "most": most})]


def changes_across_tenants(txn: Txn, destination: str, *, most: int = 20) -> list[LaneChange]:
    """The latest changes at the destination, newest first."""
    rows = txn.rows(
        "SELECT source, destination, was, became, reason, happened_at FROM shape_changes WHERE destination = :name ORDER BY number DESC LIMIT :most",
        {"name": destination, "most": most},
    )
    return [LaneChange(*(*row[:5], row[5] / US)) for row in rows]


def plans_across_tenants(txn: Txn) -> list[Plan]:
    """The warm-up plans, by address."""
    return [Plan(row[0], row[1] / US, tuple(json.loads(row[2]))) for row in txn.rows("SELECT source, started_at, ceilings FROM warmups ORDER BY source")]


def keep_plan_across_tenants(txn: Txn, plan: Plan, now: float) -> None:
    """The address follows the plan."""
    txn.upsert(
        "warmups", ("source", "started_at", "ceilings", "updated_at"), [(plan.source, micros(plan.started_at), json.dumps(plan.ceilings), micros(now))],
        keys=("source",), update=("started_at", "ceilings", "updated_at"),
    )


def drop_plan_across_tenants(txn: Txn, source: str) -> bool:
    """The address has no plan any more; whether it had one."""
    return txn.execute("DELETE FROM warmups WHERE source = :source", {"source": source}) > 0


def taken_across_tenants(txn: Txn, source: str, first_hour: int) -> dict[int, int]:
    """What was taken out of the address's ceilings since the hour, by hour since the epoch."""
    rows = txn.rows("SELECT hour, taken FROM warmup_hours WHERE source = :source AND hour >= :first", {"source": source, "first": first_hour})
    return {int(row[0]): int(row[1]) for row in rows}


def take_across_tenants(txn: Txn, plan: Plan, wanted: int, now: float) -> int:
    """So many mails of the plan are this process's: as many as are wanted, or as the day and the hour leave."""
    hour = int(now // HOUR_S)
    txn.insert("warmup_hours", ("source", "hour", "taken"), [(plan.source, hour, 0)], ignore=True)
    txn.row(f"SELECT taken FROM warmup_hours WHERE source = :source AND hour = :hour {txn.dialect.for_update}", {"source": plan.source, "hour": hour})
    left = plan.left(taken_across_tenants(txn, plan.source, hour - hour % 24), now)
    granted = wanted if left is None else max(0, min(wanted, left))
    if granted:
        txn.execute(
            "UPDATE warmup_hours SET taken = taken + :n WHERE source = :source AND hour = :hour", {"n": granted, "source": plan.source, "hour": hour}
        )
    return granted


def _learned(row: Row) -> Learned:
    shape = Shape(row[2], row[3], row[4], row[5], (row[6] or 0) / US, (row[7] or 0) / US, row[8])
    return Learned(row[0], row[1], shape, row[9] / US)
