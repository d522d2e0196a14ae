"""SQL of counting: events by tenant, day and kind, how far the counting has come, and the numbers up to this moment."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from scaisend.messages import event as events
from scaisend.reporting.counts import ALL, CATEGORY, PROVIDER, Counts, Tally, counted, rows_of
from scaisend.reporting.events_store import event_bound
from scaisend.reporting.periods import DAY
from scaisend.reporting.providers_store import DOMAIN, providers_across_tenants
from scaisend.reporting.sums_store import TOTAL, Counted, names_of, sums_of
from scaisend.storage.database import Row, Txn

US = 1_000_000
DAY_US = 86_400 * US
COUNTED = "sums_counted"
RECOUNTED = "sums_recounted"
TAIL_MOST = 20_000
READS_MOST = 5
_MACHINE = '"machine":true'
# A repetition: an earlier open or click of the recipient by a person; or, of a drop, that it had been processed before.
_TALLY = (
    "SELECT e.tenant_id, e.happened_at - e.happened_at % 86400000000 AS day_us, e.type, {categories} AS shown, "
    "CASE WHEN e.type IN ('open', 'click') AND INSTR(COALESCE(e.detail, ''), :machine) > 0 THEN 1 ELSE 0 END AS is_machine, "
    "CASE WHEN e.type IN ('open', 'click', 'dropped') AND EXISTS (SELECT 1 FROM events p WHERE p.message_id = e.message_id "
    "AND p.tenant_id = e.tenant_id AND p.recipient_id = e.recipient_id AND p.type = CASE WHEN e.type = 'dropped' THEN 'processed' ELSE e.type END AND p.seq < e.seq "
    "AND INSTR(COALESCE(p.detail, ''), :machine) = 0) THEN 1 ELSE 0 END AS is_repeated, "
    "CASE WHEN e.type = 'dropped' THEN e.detail ELSE NULL END AS dropped, COUNT(*), {domain} AS domain "
    "FROM events e {join} WHERE {where} GROUP BY e.tenant_id, day_us, e.type, shown, is_machine, is_repeated, dropped, domain"
)
_MESSAGES = "JOIN messages m ON m.id = e.message_id AND m.tenant_id = e.tenant_id"
_RECIPIENTS = "LEFT JOIN recipients r ON r.id = e.recipient_id AND r.tenant_id = e.tenant_id"
_EACH = {"categories": "m.categories", "domain": DOMAIN, "join": f"{_MESSAGES} {_RECIPIENTS}"}
# What the tally of one kind alone is made of.
_OF: dict[str, dict[str, str]] = {
    ALL: {"categories": "NULL", "domain": "NULL", "join": ""}, CATEGORY: {"categories": "m.categories", "domain": "NULL", "join": _MESSAGES},
    PROVIDER: {"categories": "NULL", "domain": DOMAIN, "join": _RECIPIENTS},
}


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
    rows = txn.rows(_TALLY.format(where="e.id > :after AND e.id <= :upto", **_EACH), {"after": after, "upto": upto, "machine": _MACHINE})
    return [_tally(row) for row in rows]


def tally_day_across_tenants(txn: Txn, day_at: float, after: str, upto: str) -> list[Tally]:
    """As `tally_across_tenants`, only what happened on the day that begins at `day_at`."""
    start = int(day_at * US)
    rows = txn.rows(
        _TALLY.format(where="e.id > :after AND e.id <= :upto AND e.happened_at >= :start AND e.happened_at < :end", **_EACH),
        {"after": after, "upto": upto, "machine": _MACHINE, "start": start, "end": start + DAY_US},
    )
    return [_tally(row) for row in rows]


def live_counts(
    txn: Txn, tenant_id: str, first: date, last: date, kind: str, names: Sequence[str] | None, now: float, *, by: str = DAY
) -> list[Counted]:
    """The tenant's numbers from day to day: what was counted, and on top the events since, as far as TAIL_MOST of them.

    `names` are those of the kind that are asked for, None for all; what `by` makes of the days is told by `sums_of`.
    """
    for _ in range(READS_MOST):
        mark = mark_across_tenants(txn, COUNTED)
        found = sums_of(txn, tenant_id, kind, first, last, names, by)
        tail = _tail(txn, tenant_id, mark, now, kind)
        # Whatever was counted in between would be in neither number, or in both.
        if mark_across_tenants(txn, COUNTED) == mark:
            break
    start, end = first.isoformat(), last.isoformat()
    for (_, day, of, name), values in rows_of(tail).items():
        if of == kind and start <= day <= end and (names is None or name in names):
            found.append(Counted(start if by == TOTAL else day, name, values))
    return found


def categories_of(txn: Txn, tenant_id: str, prefix: str, most: int, now: float) -> list[str]:
    """The first `most` of the tenant's categories that begin so, in order."""
    tail = _tail(txn, tenant_id, mark_across_tenants(txn, COUNTED), now, CATEGORY)
    fresh = {name for _, _, kind, name, _ in tail if kind == CATEGORY and name.startswith(prefix)}
    return sorted({*names_of(txn, tenant_id, prefix, most), *fresh})[:most]


def _tail(txn: Txn, tenant_id: str, after: str, now: float, of: str) -> Counts:
    """The tenant's events above the mark, the first TAIL_MOST of them: of all mail, and of this kind."""
    row = txn.row(
        "SELECT id FROM events WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT 1 OFFSET :most",
        {"tenant_id": tenant_id, "after": after, "most": TAIL_MOST},
    )
    upto = row[0] if row else event_bound(now + 86_400)
    rows = txn.rows(
        _TALLY.format(where="e.tenant_id = :tenant_id AND e.id > :after AND e.id <= :upto", **_OF[of]),
        {"tenant_id": tenant_id, "after": after, "upto": upto, "machine": _MACHINE},
    )
    tallies = [_tally(row) for row in rows]
    return counted(tallies, providers_across_tenants(txn, {each.domain for each in tallies if each.domain}))


def _tally(row: Row) -> Tally:
    day = datetime.fromtimestamp(row[1] // US, UTC).date().isoformat()
    return Tally(row[0], day, row[2], row[3], bool(row[4]), bool(row[5]), row[6] if row[2] == events.DROPPED else None, row[7], row[8] or "")
