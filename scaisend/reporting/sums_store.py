"""SQL of what was counted: a row for each day and each month, of all mail and of each category. A month's row is the sum of its days' rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from scaisend.reporting.counts import CATEGORY, COLUMNS, Counts, rows_of
from scaisend.reporting.periods import DAY, MONTH, portions
from scaisend.storage.database import Txn, Value

TOTAL = ""
_AT_ONCE = 500
_KEYS = ("tenant_id", "span", "kind", "period", "name")
_SUMS = [f"SUM({name})" for name in COLUMNS]


class Counted(NamedTuple):
    """The numbers of one name, from the day `period` on; `values` are in the order of COLUMNS."""

    period: str
    name: str
    values: Sequence[int]


def add_counts_across_tenants(txn: Txn, counts: Counts) -> None:
    """The days and their months have grown by the counts; the caller's transaction moves the mark with them."""
    rows: dict[tuple[str, ...], list[int]] = {}
    for (tenant_id, day, kind, name), values in rows_of(counts).items():
        for span, period in ((DAY, day), (MONTH, _month(day))):
            key = (tenant_id, span, kind, period, name)
            rows[key] = [one + other for one, other in zip(values, rows[key], strict=True)] if key in rows else values
    if rows:
        txn.upsert("statistics_sums", (*_KEYS, *COLUMNS), [(*key, *rows[key]) for key in sorted(rows)], keys=_KEYS, add=COLUMNS)


def replace_day_across_tenants(txn: Txn, day: str, counts: Counts) -> int:
    """The day's rows are these counts and nothing else, and where that changed one its month is summed up again; how many numbers changed."""
    before = {
        (row[0], row[1], row[2]): _values(row[3])
        for row in txn.rows(
            f"SELECT tenant_id, kind, name, {txn.dialect.joined(COLUMNS)} FROM statistics_sums WHERE period = :day AND span = 'day'", {"day": day}
        )
    }
    after = {(tenant_id, kind, name): values for (tenant_id, _, kind, name), values in rows_of(counts).items()}
    wrong = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    _write(txn, DAY, day, [(key, after.get(key)) for key in wrong])
    of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for tenant_id, kind, name in wrong:
        of[(tenant_id, kind)].append(name)
    for (tenant_id, kind), names in of.items():
        _sum_month(txn, tenant_id, kind, names, day)
    nothing = [0] * len(COLUMNS)
    return sum(one != other for key in wrong for one, other in zip(before.get(key, nothing), after.get(key, nothing), strict=True))


def sums_of(txn: Txn, tenant_id: str, kind: str, first: date, last: date, names: Sequence[str] | None, by: str) -> list[Counted]:
    """The tenant's numbers from day to day, of the names or of all there are.

    `by` DAY: each day's. MONTH: whole months, and the days around them each by itself. TOTAL: summed up, under `first`.
    """
    found: list[Counted] = []
    for span, begin, end in [(DAY, first, last)] if by == DAY else portions(first, last):
        where = "tenant_id = :tenant_id AND span = :span AND kind = :kind AND period >= :first AND period <= :last"
        if names is not None:
            where += " AND name IN :names"
        what = f"{txn.dialect.joined(_SUMS)}, :period" if by == TOTAL else f"{txn.dialect.joined(COLUMNS)}, period"
        rows = txn.rows(
            f"SELECT name, {what} FROM statistics_sums WHERE {where}{' GROUP BY name' if by == TOTAL else ''}",
            {
                "tenant_id": tenant_id, "span": span, "kind": kind, "first": begin.isoformat(), "last": end.isoformat(), "names": list(names or ()),
                "period": first.isoformat(),
            },
        )
        found += [Counted(row[2], row[0], _values(row[1])) for row in rows]
    return found


def names_of(txn: Txn, tenant_id: str, prefix: str, most: int) -> list[str]:
    """The first `most` of the tenant's categories that begin so, in order."""
    rows = txn.rows(
        "SELECT DISTINCT name FROM statistics_sums WHERE tenant_id = :tenant_id AND span = 'month' AND kind = :kind AND name >= :prefix "
        "ORDER BY name LIMIT :most", {"tenant_id": tenant_id, "kind": CATEGORY, "prefix": prefix, "most": most},
    )
    return [row[0] for row in rows if row[0].startswith(prefix)]


def _values(joined: str) -> list[int]:
    return list(map(int, joined.split(",")))


def _sum_month(txn: Txn, tenant_id: str, kind: str, names: Sequence[str], day: str) -> None:
    month = _month(day)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows = txn.rows(
            f"SELECT name, {txn.dialect.joined(_SUMS)} FROM statistics_sums WHERE tenant_id = :tenant_id AND span = 'day' AND kind = :kind AND name IN :names "
            "AND period >= :first AND period <= :last GROUP BY name",
            {"tenant_id": tenant_id, "kind": kind, "names": some, "first": month, "last": f"{month[:8]}31"},
        )
        there = {row[0]: _values(row[1]) for row in rows}
        _write(txn, MONTH, month, [((tenant_id, kind, name), there.get(name)) for name in some])


def _write(txn: Txn, span: str, period: str, rows: Iterable[tuple[tuple[str, str, str], Sequence[int] | None]]) -> None:
    """The rows have these values; those of None are gone."""
    keyed = [((tenant_id, span, kind, period, name), values) for (tenant_id, kind, name), values in rows]
    gone = [key for key, values in keyed if values is None]
    for start in range(0, len(gone), _AT_ONCE):
        txn.execute(
            "DELETE FROM statistics_sums WHERE (tenant_id, span, kind, period, name) IN :keys", {"keys": gone[start : start + _AT_ONCE]}
        )
    kept: list[tuple[Value, ...]] = [(*key, *values) for key, values in keyed if values is not None]
    if kept:
        txn.upsert("statistics_sums", (*_KEYS, *COLUMNS), kept, keys=_KEYS, update=COLUMNS)


def _month(day: str) -> str:
    return f"{day[:8]}01"
