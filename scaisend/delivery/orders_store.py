"""SQL of operators' orders for destinations, of which domain leads where, and of what the processes have in use. It all stands above tenants."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from scaisend.delivery.orders import Order
from scaisend.identity.audit_store import record_act
from scaisend.messages.store import US, micros, moment_of
from scaisend.storage.database import Row, Txn

EPOCH = "destinations"
STALE_S = 30.0
GONE_S = 3_600.0
FLUSHED_FOR_S = 3_600.0
MOST_DOMAINS = 10_000
_ORDER = "SELECT name, is_paused, route, most_connections, most_per_minute, flushed_at, reason, ordered_by, updated_at FROM destination_orders"
_COLUMNS = ("name", "is_paused", "route", "most_connections", "most_per_minute", "flushed_at", "reason", "ordered_by", "updated_at")


@dataclass(frozen=True, slots=True)
class Who:
    """Who orders, for the audit log; `tenant_id` where the act is shown to a tenant."""

    actor: str
    tenant_id: str | None = None
    source: str | None = None
    request_id: str | None = None


def orders_epoch_across_tenants(txn: Txn) -> int:
    """A number that grows with every order."""
    row = txn.row("SELECT value FROM epochs WHERE name = :name", {"name": EPOCH})
    return int(row[0]) if row else 0


def orders_across_tenants(txn: Txn) -> list[Order]:
    """All orders, by name."""
    return [_order(row) for row in txn.rows(f"{_ORDER} ORDER BY name")]


def order_across_tenants(txn: Txn, name: str, change: Callable[[Order], Order], action: str, who: Who, now: float) -> Order:
    """The order for the name as `change` makes it of what it was; audited, and seen by every process within seconds."""
    # The row is there before it is read: two who order for one name at the same time come one after the other.
    txn.insert("destination_orders", ("name", "is_paused", "ordered_by", "updated_at"), [(name, 0, who.actor[:128], micros(now))], ignore=True)
    row = txn.row(f"{_ORDER} WHERE name = :name {txn.dialect.for_update}", {"name": name})
    before = _order(row) if row else Order(name)
    after = replace(change(before), ordered_by=who.actor, updated_at=now)
    if after.is_empty:
        txn.execute("DELETE FROM destination_orders WHERE name = :name", {"name": name})
    else:
        values = (
            after.name, int(after.is_paused), after.route, after.most_connections, after.most_per_minute, micros(after.flushed_at),
            after.reason and after.reason[:512], after.ordered_by[:128], micros(now),
        )
        txn.upsert("destination_orders", _COLUMNS, [values], keys=("name",), update=_COLUMNS[1:])
    record_act(
        txn, who.tenant_id, actor=who.actor, action=f"destination.{action}", resource=name, change={"before": _told(before), "after": _told(after)},
        source=who.source, request_id=who.request_id, happened_at=now,
    )
    count = "UPDATE epochs SET value = value + 1 WHERE name = :name"
    if not txn.execute(count, {"name": EPOCH}):
        txn.insert("epochs", ("name", "value"), [(EPOCH, 0)], ignore=True)
        txn.execute(count, {"name": EPOCH})
    return after


def drop_old_flushes_across_tenants(txn: Txn, now: float) -> None:
    """Flushes that every process has obeyed are forgotten."""
    txn.execute("UPDATE destination_orders SET flushed_at = NULL WHERE flushed_at < :old", {"old": micros(now - FLUSHED_FOR_S)})
    txn.execute(
        "DELETE FROM destination_orders WHERE flushed_at IS NULL AND is_paused = 0 AND route IS NULL AND most_connections IS NULL AND most_per_minute IS NULL"
    )


def note_domains_across_tenants(txn: Txn, seen: Mapping[str, str], now: float) -> None:
    """Each domain leads to this destination now."""
    txn.upsert(
        "destination_domains", ("domain", "destination", "seen_at"), [(domain[:255], name[:255], micros(now)) for domain, name in sorted(seen.items())],
        keys=("domain",), update=("destination", "seen_at"),
    )


def domains_of_across_tenants(txn: Txn, destination: str, *, most: int = MOST_DOMAINS) -> list[str]:
    """Domains that lead to the destination, as far as they were seen."""
    return [row[0] for row in txn.rows(
        "SELECT domain FROM destination_domains WHERE destination = :name ORDER BY domain LIMIT :most", {"name": destination, "most": most}
    )]


def destination_of_across_tenants(txn: Txn, name: str) -> str:
    """The destination that a domain was last seen to lead to; a name that is no domain we know is one itself."""
    row = txn.row("SELECT destination FROM destination_domains WHERE domain = :name", {"name": name}) if name.isascii() else None
    return str(row[0]) if row else name


def report_across_tenants(txn: Txn, worker_id: str, report: Sequence[Mapping[str, object]], now: float) -> None:
    """What the process has in use; reports of processes long gone are dropped."""
    txn.upsert(
        "delivery_reports", ("worker_id", "report", "updated_at"), [(worker_id[:128], json.dumps(report, ensure_ascii=False), micros(now))],
        keys=("worker_id",), update=("report", "updated_at"),
    )
    txn.execute("DELETE FROM delivery_reports WHERE updated_at < :old", {"old": micros(now - GONE_S)})


def end_report_across_tenants(txn: Txn, worker_id: str) -> None:
    """The process delivers no more."""
    txn.execute("DELETE FROM delivery_reports WHERE worker_id = :id", {"id": worker_id[:128]})


def reports_across_tenants(txn: Txn, now: float) -> dict[str, list[dict[str, object]]]:
    """What each living process has in use, by its id."""
    rows = txn.rows("SELECT worker_id, report FROM delivery_reports WHERE updated_at >= :fresh ORDER BY worker_id", {"fresh": micros(now - STALE_S)})
    return {row[0]: json.loads(row[1]) for row in rows}


def _order(row: Row) -> Order:
    return Order(row[0], bool(row[1]), row[2], row[3], row[4], moment_of(row[5]), row[6], row[7], row[8] / US)


def _told(order: Order) -> dict[str, object]:
    return {
        "paused": order.is_paused, "route": order.route, "most_connections": order.most_connections, "most_per_minute": order.most_per_minute,
        "reason": order.reason,
    }
