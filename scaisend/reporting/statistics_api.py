"""/v3/stats and /v3/categories: SendGrid's statistics, and our sums. Days are UTC; every metric is in every answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.paging import offset_page
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.reporting import statistics_store as store
from scaisend.reporting.counts import ALL, CATEGORY, COLUMNS, METRICS, PROVIDER, full, of_provider
from scaisend.reporting.periods import AGGREGATIONS, DAY, MONTH, MOST_DAYS, day_of, period_of, periods, read_day
from scaisend.reporting.sums_store import TOTAL, Counted
from scaisend.storage.database import Database

READ = "stats.read"
MOST_CATEGORIES = 10
MOST_PROVIDERS = 10
USUAL_DAYS = 30
MOST_OFFSET = 10_000
MOST_DAYS_OF_ALL = 92
FEW = 1_000
Json = dict[str, object]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both counted, by day, week or month."""

    first: date
    last: date
    by: str


class StatisticsApi:
    """The numbers of the caller's tenant. `in_thread` runs beside the reactor what makes a large answer."""

    def __init__(self, *, database: Database, in_thread: Callable[[Callable[[], Reply]], Awaitable[Reply]]) -> None:
        self._database = database
        self._in_thread = in_thread

    def routes(self) -> list[Route]:
        return [
            get("/v3/stats", self.totals, permission=READ, summary="Statistics of all mail by day, week or month"),
            get("/v3/categories", self.categories, permission=READ, summary="The categories that mails were sent with"),
            get("/v3/categories/stats", self.by_category, permission=READ, summary="Statistics of up to ten categories"),
            get("/v3/categories/stats/sums", self.sums, permission=READ, summary="Sums of all categories, sorted by a metric"),
            get("/v3/mailbox_providers/stats", self.by_provider, permission=READ, summary="Statistics by mailbox provider"),
            get("/v3/stats/sum", self.sum, permission=READ, summary="One sum of all mail"),
            get("/v3/stats/summary", self.summary, permission=READ, summary="Sums and rates of the last 30 days, or of others"),
            get("/v3/stats/categories", self.all_categories, permission=READ, summary="Statistics of every category"),
        ]

    async def totals(self, call: Call) -> Reply:
        """One element for each period, those without mail as well; `limit` and `offset` page through them."""
        span, page = read_span(call), offset_page(call, most=MOST_DAYS, default=MOST_DAYS)
        sums = _by_period(await self._counted(call, span, ALL), span)
        chosen = periods(span.first, span.last, span.by)[page.offset : page.offset + page.limit]
        return json_reply([{"date": each.isoformat(), "stats": [{"metrics": full(sums.get((each, ""), ()))}]} for each in chosen])

    async def categories(self, call: Call) -> Reply:
        if (sort_by := call.one("sort_by")) not in (None, "", "category"):
            raise Invalid("invalid sort value", "sort_by", f"{sort_by!r} is none.")
        page = offset_page(call, default=50, most_offset=MOST_OFFSET)
        found = await self._database.read(
            store.categories_of, call.caller.tenant_id, call.one("category") or "", page.offset + page.limit, call.now_s
        )
        return json_reply([{"category": name} for name in found[page.offset : page.offset + page.limit]])

    async def by_category(self, call: Call) -> Reply:
        names = list(dict.fromkeys(call.query.get("categories", [])))
        if not 1 <= len(names) <= MOST_CATEGORIES:
            raise Invalid(f"Between 1 and {MOST_CATEGORIES} categories must be named.", "categories")
        return await self._periods(call, read_span(call), CATEGORY, names)

    async def by_provider(self, call: Call) -> Reply:
        """Each period with the providers that are named (up to ten), or with all that had mail in the span; zeros where one had none."""
        names = list(dict.fromkeys(call.query.get("mailbox_providers", [])))
        if len(names) > MOST_PROVIDERS:
            raise Invalid(f"At most {MOST_PROVIDERS} mailbox providers may be named.", "mailbox_providers")
        return await self._periods(call, read_span(call), PROVIDER, names or None)

    async def all_categories(self, call: Call) -> Reply:
        """Ours: as by_category, of every category, or of those that are named."""
        span = read_span(call, usual_days=USUAL_DAYS)
        if (span.last - span.first).days >= MOST_DAYS_OF_ALL:
            raise Invalid(f"at most {MOST_DAYS_OF_ALL} days can be asked for at once", "start_date")
        return await self._periods(call, span, CATEGORY, call.query.get("categories") or None)

    async def _periods(self, call: Call, span: Span, kind: str, names: Sequence[str] | None) -> Reply:
        page = offset_page(call, most=MOST_DAYS, default=MOST_DAYS)
        found = await self._counted(call, span, kind, names)
        shape = _provider if kind == PROVIDER else _category

        def told() -> Reply:
            sums = _by_period(found, span)
            shown = names if names is not None else sorted({name for _, name in sums})
            chosen = periods(span.first, span.last, span.by)[page.offset : page.offset + page.limit]
            return json_reply([
                {"date": each.isoformat(), "stats": [shape(name, sums.get((each, name), ())) for name in shown]} for each in chosen
            ])

        return told() if len(found) <= FEW else await self._in_thread(told)

    async def sums(self, call: Call) -> Reply:
        """One object: the categories with the most (or fewest) of a metric over all days."""
        span, page = read_span(call), offset_page(call, default=5)
        metric, direction = call.one("sort_by_metric") or "delivered", call.one("sort_by_direction") or "desc"
        if metric not in METRICS:
            raise Invalid("invalid sort value", "sort_by_metric", f"Metrics: {', '.join(METRICS)}.")
        if direction not in ("asc", "desc"):
            raise Invalid("invalid sort value", "sort_by_direction", "asc or desc")
        sums = _by_name(await self._counted(call, span, CATEGORY, by=TOTAL))
        sign, place = -1 if direction == "desc" else 1, COLUMNS.index(metric)
        order = sorted(sums, key=lambda name: (sign * sums[name][place], name))
        chosen = order[page.offset : page.offset + page.limit]
        return json_reply({"date": span.first.isoformat(), "stats": [_category(name, sums[name]) for name in chosen]})

    async def sum(self, call: Call) -> Reply:
        """Ours: all days in one element."""
        span = read_span(call, usual_days=USUAL_DAYS)
        total = _by_name(await self._counted(call, span, ALL, by=TOTAL)).get("", ())
        return json_reply({"date": span.first.isoformat(), "stats": [{"metrics": full(total)}]})

    async def summary(self, call: Call) -> Reply:
        """Ours: sums, what machines did, and rates (of 1; null where there is nothing to divide by)."""
        span = read_span(call, usual_days=USUAL_DAYS)
        total = _by_name(await self._counted(call, span, ALL, by=TOTAL)).get("", ())
        metrics = dict(zip(COLUMNS, total or (0,) * len(COLUMNS), strict=True))
        return json_reply({
            "start_date": span.first.isoformat(), "end_date": span.last.isoformat(), "metrics": metrics, "rates": rates(metrics),
        })

    async def _counted(self, call: Call, span: Span, kind: str, names: Sequence[str] | None = None, *, by: str | None = None) -> list[Counted]:
        how = by if by is not None else MONTH if span.by == MONTH else DAY
        return await self._database.read(
            store.live_counts, call.caller.tenant_id, span.first, span.last, kind, names, call.now_s, by=how
        )


def read_span(call: Call, *, usual_days: int | None = None) -> Span:
    """The days that the query asks for, today at the latest when it names no end; `usual_days` back where a start may be left out.

    Raises: Invalid with every fault.
    """
    faults: list[Fault] = []
    today = day_of(call.now_s)
    last = _day(call, "end_date", faults) or today
    first = _day(call, "start_date", faults)
    if first is None and not call.one("start_date"):
        if usual_days is None:
            faults.append(Fault("start_date is required", "start_date", "A day as YYYY-MM-DD."))
        first = last - timedelta(days=(usual_days or 1) - 1)
    by = call.one("aggregated_by") or DAY
    if by not in AGGREGATIONS:
        faults.append(Fault("invalid aggregation", "aggregated_by", "day, week or month"))
    if first is not None and not faults:
        if first > last:
            faults.append(Fault("the end_date must not be before the start_date", "end_date"))
        elif (last - first).days >= MOST_DAYS:
            faults.append(Fault(f"at most {MOST_DAYS} days can be asked for at once", "start_date"))
    if faults or first is None:
        raise Invalid(faults)
    return Span(first, last, by)


def rates(metrics: Mapping[str, int]) -> dict[str, float | None]:
    """Shares of what was asked for, sent, or delivered."""
    def share(name: str, of: str) -> float | None:
        return round(metrics[name] / metrics[of], 6) if metrics[of] else None

    return {
        "delivered": share("delivered", "requests"), "bounced": share("bounces", "processed"), "blocked": share("blocks", "processed"),
        "opened": share("unique_opens", "delivered"), "clicked": share("unique_clicks", "delivered"),
        "complained": share("spam_reports", "delivered"), "unsubscribed": share("unsubscribes", "delivered"),
    }


def _day(call: Call, name: str, faults: list[Fault]) -> date | None:
    text = call.one(name)
    if not text:
        return None
    try:
        return read_day(text)
    except ValueError:
        faults.append(Fault(f"{name} must be a day as YYYY-MM-DD", name))
        return None


def _by_period(found: Sequence[Counted], span: Span) -> dict[tuple[date, str], Sequence[int]]:
    period = {day: period_of(date.fromisoformat(day), span.by) for day in {each.period for each in found}}
    return _summed(((period[each.period], each.name), each.values) for each in found)


def _by_name(found: Sequence[Counted]) -> dict[str, Sequence[int]]:
    return _summed((each.name, each.values) for each in found)


def _summed(found: Iterable[tuple[Key, Sequence[int]]]) -> dict[Key, Sequence[int]]:
    sums: dict[Key, Sequence[int]] = {}
    for key, values in found:
        there = sums.get(key)
        sums[key] = values if there is None else [one + other for one, other in zip(there, values, strict=True)]
    return sums


def _category(name: str, values: Sequence[int]) -> Json:
    return {"type": "category", "name": name, "metrics": full(values)}


def _provider(name: str, values: Sequence[int]) -> Json:
    return {"type": "mailbox_provider", "name": name, "metrics": of_provider(values)}
