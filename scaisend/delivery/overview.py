"""Destinations as operators see them: what is known against each, what the processes have in use there, what was learned and ordered."""

from collections.abc import Iterable, Mapping, Sequence

from scaisend.delivery.destination import BACKING_OFF, OPEN, PAUSED
from scaisend.delivery.destinations_store import KeptDestination
from scaisend.delivery.lanes import LaneChange
from scaisend.delivery.orders import Order
from scaisend.delivery.shaping_store import Learned
from scaisend.messages.moments import iso

Json = dict[str, object]
Reports = Mapping[str, Sequence[Mapping[str, object]]]
SYSTEM = "system"


def overview(kept: Iterable[KeptDestination], orders: Iterable[Order], reports: Reports, learned: Iterable[Learned], now: float) -> list[Json]:
    """Every destination of which something is to be said, by name."""
    found: dict[str, Json] = {}
    for each in kept:
        shape = _row(found, each.state.name)
        held = each.state.retry_at is not None and each.state.retry_at > now
        shape |= {
            "state": BACKING_OFF if held else OPEN, "retry_at": iso(each.state.retry_at) if held else None, "failures": each.state.failures,
            "last_reply": each.state.last_reply, "updated_at": iso(each.updated_at),
        }
        found[each.state.name] = shape
    for report in reports.values():
        for use in report:
            shape = _row(found, str(use["name"]))
            shape["waiting"] = _whole(shape["waiting"]) + _whole(use["waiting"])
            shape["connections"] = _whole(shape["connections"]) + _whole(use["connections"])
            shape["processes"] = _whole(shape["processes"]) + 1
            if use["state"] == BACKING_OFF and shape["state"] == OPEN:
                shape |= {"state": BACKING_OFF, "retry_at": iso(_moment(use["retry_at"])), "last_reply": use["last_reply"]}
    for limit in learned:
        if limit.shape.is_cut:
            limits = _row(found, limit.destination)["limits"]
            if isinstance(limits, list):
                limits.append(limit_shape(limit))
    for order in orders:
        shape = _row(found, order.name)
        shape["order"] = order_shape(order)
        if order.is_paused:
            shape |= {"state": PAUSED, "updated_at": iso(order.updated_at)}
    return [found[name] for name in sorted(found)]


def order_shape(order: Order) -> Json:
    """What is ordered."""
    return {
        "paused": order.is_paused, "route": order.route, "most_connections": order.most_connections, "most_per_minute": order.most_per_minute,
        "reason": order.reason, "by": order.ordered_by, "updated_at": iso(order.updated_at),
    }


def limit_shape(learned: Learned) -> Json:
    """What was learned of one source address."""
    shape = learned.shape
    return {
        "source": learned.source or SYSTEM, "connections": shape.connections, "per_minute": None if shape.rate is None else round(shape.rate, 2),
        "reason": shape.reason, "complained_at": iso(shape.cut_at) if shape.is_cut else None, "updated_at": iso(learned.updated_at),
    }


def change_shape(change: LaneChange) -> Json:
    """One change of a learned limit."""
    return {
        "happened_at": iso(change.happened_at), "source": change.source or SYSTEM, "before": change.before, "after": change.after, "reason": change.reason,
    }


def uses(name: str, reports: Reports) -> list[Json]:
    """What each process has in use at the destination."""
    return [
        {"process": process, **{each: use[each] for each in ("state", "waiting", "connections", "lanes")}}
        for process, report in sorted(reports.items()) for use in report if use["name"] == name
    ]


def _row(found: dict[str, Json], name: str) -> Json:
    return found.setdefault(name, {
        "name": name, "state": OPEN, "retry_at": None, "failures": 0, "last_reply": None, "waiting": 0, "connections": 0, "processes": 0, "limits": [],
        "order": None, "updated_at": None,
    })


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
