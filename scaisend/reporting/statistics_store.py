"""SQL of statistics: events counted by tenant, day, category and metric, and how far the counting has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from scaisend.messages import event as events
from scaisend.reporting.counts import Counts, Tally, counted
from scaisend.reporting.events_store import event_bound
from scaisend.storage.database import Row, Txn

US = 1_000_000
DAY_US = 86_400 * US
COUNTED = "counted"
RECOUNTED = "recounted"
TAIL_MOST = 20_000
READS_MOST = 5
_MACHINE = '"machine":true'
_COLUMNS = ("tenant_id", "day", "category", "metric", "value")
# A repetition: an earlier open or click of the recipient by a person; or, of a drop, that it had been processed before.
_TALLY = (
    "SELECT e.tenant_id, e.happened_at - e.happened_at % 86400000000 AS day_us, e.type, {categories} AS shown, "
    "CASE WHEN e.type IN ('open', 'click') AND INSTR(COALESCE(e.detail, ''), :machine) > 0 THEN 1 ELSE 0 END AS is_machine, "
    "CASE WHEN e.type IN ('open', 'click', 'dropped') AND EXISTS (SELECT 1 FROM events p WHERE p.message_id = e.message_id "
    "AND p.recipient_id = e.recipient_id AND p.type = CASE WHEN e.type = 'dropped' THEN 'processed' ELSE e.type END AND p.seq < e.seq "
    "AND INSTR(COALESCE(p.detail, ''), :machine) = 0) THEN 1 ELSE 0 END AS is_repeated, "
    "CASE WHEN e.type = 'dropped' THEN e.detail ELSE NULL END AS dropped, COUNT(*) "
    "FROM events e {join} WHERE {where} GROUP BY e.tenant_id, day_us, e.type, shown, is_machine, is_repeated, dropped"
)
_MESSAGES = {"categories": "m.categories", "join": "JOIN messages m ON m.id = e.message_id"}


@dataclass(frozen=True, slots=True)
class Counted:
    """A metric of one day and category."""

    day: str
    category: str
    metric: str
    value: int


def mark_across_tenants(txn: Txn, name: str, *, lock: bool = False) -> str:
    """How far the counting has come, "" at the beginning; with the lock, no other process counts until the transaction ends."""
    select = f"SELECT value FROM statistics_marks WHERE id = :id {txn.dialect.for_update if lock else ''}"
    row = txn.row(select, {"id": name})
    if row is None and lock:
        txn.insert("statistics_marks", ("id", "value", "updated_at"), [(name, "", 0)], ignore=True)
        row = txn.row(select, {"id": name})
    return str(row[0]) if row else ""


def set_mark_across_tenants(txn: Txn, name: str, value: str, now: float) -> None:
    """The counting has come so far."""
    txn.upsert("statistics_marks", ("id", "value", "updated_at"), [(name, value, int(now * US))], keys=("id",), update=("value", "updated_at"))


def last_of_across_tenants(txn: Txn, after: str, before: str, most: int) -> str | None:
    """The id of the last of the next `most` events with ids between the two; None when there is none."""
    bounds = {"after": after, "before": before, "offset": most - 1}
    row = txn.row("SELECT id FROM events WHERE id > :after AND id < :before ORDER BY id LIMIT 1 OFFSET :offset", bounds)
    row = row or txn.row("SELECT MAX(id) FROM events WHERE id > :after AND id < :before", bounds)
    return row[0] if row else None


def tally_across_tenants(txn: Txn, after: str, upto: str) -> list[Tally]:
    """The events with ids above `after` up to and with `upto`, by kind."""
    rows = txn.rows(_TALLY.format(where="e.id > :after AND e.id <= :upto", **_MESSAGES), {"after": after, "upto": upto, "machine": _MACHINE})
    return [_tally(row) for row in rows]


def tally_day_across_tenants(txn: Txn, day_at: float, after: str, upto: str) -> list[Tally]:
    """As `tally_across_tenants`, only what happened on the day that begins at `day_at`."""
    start = int(day_at * US)
    rows = txn.rows(
        _TALLY.format(where="e.id > :after AND e.id <= :upto AND e.happened_at >= :start AND e.happened_at < :end", **_MESSAGES),
        {"after": after, "upto": upto, "machine": _MACHINE, "start": start, "end": start + DAY_US},
    )
    return [_tally(row) for row in rows]


def add_counts_across_tenants(txn: Txn, counts: Counts) -> None:
    """The counts are added to those that are there; the caller holds the lock of the mark."""
    if not counts:
        return
    keys = sorted(counts)
    there: dict[tuple[str, str, str, str], int] = {}
    for start in range(0, len(keys), 500):
        rows = txn.rows(
            "SELECT tenant_id, day, category, metric, value FROM statistics WHERE (tenant_id, day, category, metric) IN :keys",
            {"keys": keys[start : start + 500]},
        )
        there |= {(row[0], row[1], row[2], row[3]): row[4] for row in rows}
    txn.upsert(
        "statistics", _COLUMNS, [(*key, counts[key] + there.get(key, 0)) for key in keys], keys=_COLUMNS[:4], update=("value",)
    )


def replace_day_across_tenants(txn: Txn, day: str, counts: Counts) -> int:
    """The day's statistics are these counts and nothing else; how many of its numbers were others before."""
    before = {(row[0], day, row[1], row[2]): row[3] for row in txn.rows(
        "SELECT tenant_id, category, metric, value FROM statistics WHERE day = :day", {"day": day}
    )}
    wrong = {key for key in before.keys() | counts.keys() if before.get(key, 0) != counts.get(key, 0)}
    gone = [key for key in wrong if not counts.get(key, 0)]
    for tenant_id, _, category, metric in sorted(gone):
        txn.execute(
            "DELETE FROM statistics WHERE tenant_id = :tenant_id AND day = :day AND category = :category AND metric = :metric",
            {"tenant_id": tenant_id, "day": day, "category": category, "metric": metric},
        )
    new = [(*key, counts[key]) for key in sorted(wrong) if counts.get(key, 0)]
    if new:
        txn.upsert("statistics", _COLUMNS, new, keys=_COLUMNS[:4], update=("value",))
    return len(wrong)


def live_counts(
    txn: Txn, tenant_id: str, first: str, last: str, categories: Sequence[str] | None, now: float, *, by_day: bool = True
) -> list[Counted]:
    """The tenant's numbers from day to day: what was counted, and on top the events since, as far as TAIL_MOST of them.

    `categories` are those asked for; [""] is all mail, None every category there is. Not `by_day`: the days summed up, under `first`.
    """
    for _ in range(READS_MOST):
        mark = mark_across_tenants(txn, COUNTED)
        counts = _kept(txn, tenant_id, first, last, categories, by_day)
        for (_, day, category, metric), value in _tail(txn, tenant_id, mark, now, only_all=categories == [""]).items():
            is_asked = category in categories if categories is not None else category != ""
            if is_asked and first <= day <= last:
                key = (day if by_day else first, category, metric)
                counts[key] = counts.get(key, 0) + value
        # Whatever was counted in between would be in neither number, or in both.
        if mark_across_tenants(txn, COUNTED) == mark:
            break
    return [Counted(day, category, metric, value) for (day, category, metric), value in counts.items()]


def categories_of(txn: Txn, tenant_id: str, prefix: str, most: int, now: float) -> list[str]:
    """The first `most` of the tenant's categories that begin so, in order."""
    tail = _tail(txn, tenant_id, mark_across_tenants(txn, COUNTED), now)
    names = {category for _, _, category, _ in tail if category and category.startswith(prefix)}
    # From name to name along the index: what stands under each of them is not read.
    step, last = ">=" if prefix else ">", prefix
    for _ in range(most):
        row = txn.row(
            f"SELECT category FROM statistics WHERE tenant_id = :tenant_id AND category {step} :last ORDER BY category LIMIT 1",
            {"tenant_id": tenant_id, "last": last},
        )
        if row is None or not row[0].startswith(prefix):
            break
        step, last = ">", row[0]
        names.add(last)
    return sorted(names)[:most]


def _kept(
    txn: Txn, tenant_id: str, first: str, last: str, categories: Sequence[str] | None, by_day: bool
) -> dict[tuple[str, str, str], int]:
    days = "tenant_id = :tenant_id AND day >= :first AND day <= :last AND " + ("category <> ''" if categories is None else "category IN :categories")
    parameters = {"tenant_id": tenant_id, "first": first, "last": last, "categories": list(categories or ())}
    if by_day:
        rows = txn.rows(f"SELECT day, category, metric, value FROM statistics WHERE {days}", parameters)
    else:
        rows = txn.rows(f"SELECT :first, category, metric, SUM(value) FROM statistics WHERE {days} GROUP BY category, metric", parameters)
    return {(row[0], row[1], row[2]): int(row[3]) for row in rows}


def _tail(txn: Txn, tenant_id: str, after: str, now: float, *, only_all: bool = False) -> Counts:
    """The tenant's events above the mark, the first TAIL_MOST of them; of all mail alone if that is enough."""
    row = txn.row(
        "SELECT id FROM events WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT 1 OFFSET :most",
        {"tenant_id": tenant_id, "after": after, "most": TAIL_MOST},
    )
    upto = row[0] if row else event_bound(now + 86_400)
    parts = {"categories": "NULL", "join": ""} if only_all else _MESSAGES
    rows = txn.rows(
        _TALLY.format(where="e.tenant_id = :tenant_id AND e.id > :after AND e.id <= :upto", **parts),
        {"tenant_id": tenant_id, "after": after, "upto": upto, "machine": _MACHINE},
    )
    return counted(_tally(row) for row in rows)


def _tally(row: Row) -> Tally:
    day = datetime.fromtimestamp(row[1] // US, UTC).date().isoformat()
    return Tally(row[0], day, row[2], row[3], bool(row[4]), bool(row[5]), row[6] if row[2] == events.DROPPED else None, row[7])
