"""Which event counts as what, under SendGrid's names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import orjson

from scaisend.messages import event as events
from scaisend.reporting.providers import OTHER

METRICS: tuple[str, ...] = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed", "requests",
    "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes",
)
# Counted apart, and not among SendGrid's: what no person did.
MACHINE_METRICS: tuple[str, ...] = ("machine_clicks", "machine_opens")
COLUMNS = METRICS + MACHINE_METRICS
# What is counted apart: all mail, under the name "", the mail of each category, and that to each mailbox provider.
ALL = "all"
CATEGORY = "category"
PROVIDER = "provider"
# SendGrid's metrics of mailbox providers; `drops` are all of these.
PROVIDER_METRICS: tuple[str, ...] = (
    "blocks", "bounces", "clicks", "deferred", "delivered", "drops", "opens", "processed", "requests", "spam_reports", "unique_clicks", "unique_opens",
)
DROPS: tuple[str, ...] = ("bounce_drops", "invalid_emails", "spam_report_drops", "unsubscribe_drops")
_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(COLUMNS)}
_ZEROS = (0,) * len(COLUMNS)
_OF: Mapping[str, tuple[str, ...]] = {
    events.PROCESSED: ("processed", "requests"),
    events.DELIVERED: ("delivered",),
    events.DEFERRED: ("deferred",),
    events.BOUNCE: ("bounces",),
    events.BLOCKED: ("blocks",),
    events.SPAM_REPORT: ("spam_reports",),
    events.UNSUBSCRIBE: ("unsubscribes",),
    events.GROUP_UNSUBSCRIBE: ("unsubscribes",),
}
_DROPS: Mapping[str, str] = {
    "bounces": "bounce_drops", "spam_reports": "spam_report_drops", "invalid_emails": "invalid_emails", "unsubscribes": "unsubscribe_drops",
    "group": "unsubscribe_drops",
}

# (tenant id, day as YYYY-MM-DD, kind, name, metric) → how many
Counts = Counter[tuple[str, str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """So many events of one kind. `categories` and `detail` are JSON texts; `is_repeated`: an open or click that was not the
    recipient's first, or a drop of what had been processed before. `domain` is the recipients', empty where it was not asked for.
    """

    tenant_id: str
    day: str
    type: str
    categories: str | None
    is_machine: bool
    is_repeated: bool
    detail: str | None
    events: int
    domain: str = ""


def metrics_of(tally: Tally) -> tuple[str, ...]:
    """The metrics that each of the events adds one to."""
    if tally.type in (events.OPEN, events.CLICK):
        name = f"{tally.type}s"
        if tally.is_machine:
            return (f"machine_{name}",)
        return (name,) if tally.is_repeated else (name, f"unique_{name}")
    if tally.type == events.DROPPED:
        detail = orjson.loads(tally.detail) if tally.detail else {}
        drop = _DROPS.get(str(detail.get("list")))
        return tuple(name for name in (drop, None if tally.is_repeated else "requests") if name)
    return _OF.get(tally.type, ())


def counted(tallies: Iterable[Tally], providers: Mapping[str, str] = MappingProxyType({})) -> Counts:
    """What they add up to, for all mail and for each category and mailbox provider; `providers` are those of domains, OTHER of the rest."""
    counts: Counts = Counter()
    for tally in tallies:
        metrics = metrics_of(tally)
        if not metrics:
            continue
        categories = set(orjson.loads(tally.categories)) if tally.categories else ()
        provider = ((PROVIDER, providers.get(tally.domain, OTHER)),) if tally.domain else ()
        for kind, name in ((ALL, ""), *[(CATEGORY, each) for each in categories], *provider):
            for metric in metrics:
                counts[(tally.tenant_id, tally.day, kind, name, metric)] += tally.events
    return counts


def rows_of(counts: Counts) -> dict[tuple[str, str, str, str], list[int]]:
    """The counts as (tenant id, day, kind, name) → values in the order of COLUMNS."""
    rows: dict[tuple[str, str, str, str], list[int]] = {}
    for (tenant_id, day, kind, name, metric), value in counts.items():
        key = (tenant_id, day, kind, name)
        row = rows.get(key)
        if row is None:
            row = rows[key] = [0] * len(COLUMNS)
        row[_PLACES[metric]] += value
    return rows


def full(values: Sequence[int]) -> dict[str, int]:
    """All of SendGrid's metrics; `values` are in the order of COLUMNS, or empty for zeros."""
    return dict(zip(METRICS, values or _ZEROS, strict=False))


def of_provider(values: Sequence[int]) -> dict[str, int]:
    """SendGrid's metrics of a mailbox provider; `values` as in `full`."""
    metrics = full(values)
    return {name: sum(metrics[each] for each in DROPS) if name == "drops" else metrics[name] for name in PROVIDER_METRICS}
