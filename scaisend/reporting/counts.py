"""Which event counts as what, under SendGrid's names."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from scaisend.messages import event as events

METRICS: tuple[str, ...] = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed", "requests",
    "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes",
)
# Counted apart, and not among SendGrid's: what no person did.
MACHINE_METRICS: tuple[str, ...] = ("machine_clicks", "machine_opens")
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

# (tenant id, day as YYYY-MM-DD, category or "" for all mail, metric) → how many
Counts = Counter[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """So many events of one kind. `categories` and `detail` are JSON texts; `is_repeated`: an open or click that was not the
    recipient's first, or a drop of what had been processed before.
    """

    tenant_id: str
    day: str
    type: str
    categories: str | None
    is_machine: bool
    is_repeated: bool
    detail: str | None
    events: int


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


def counted(tallies: Iterable[Tally]) -> Counts:
    """What they add up to, for all mail and for each category."""
    counts: Counts = Counter()
    for tally in tallies:
        metrics = metrics_of(tally)
        if not metrics:
            continue
        names = {"", *orjson.loads(tally.categories)} if tally.categories else {""}
        for category in names:
            for metric in metrics:
                counts[(tally.tenant_id, tally.day, category, metric)] += tally.events
    return counts


def full(values: Mapping[str, int]) -> dict[str, int]:
    """All of SendGrid's metrics, those without a value as 0."""
    return {name: values.get(name, 0) for name in METRICS}
