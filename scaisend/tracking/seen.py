"""Opens and clicks become history, a group a transaction."""

from collections import defaultdict
from collections.abc import Sequence

from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.storage.database import Txn
from scaisend.tracking.store import Seen, past_across_tenants, seen_across_tenants
from scaisend.tracking.verdict import BURST_S, Past, Sighting, judged, needs_past

# A message with so many events gets no more opens and clicks: who holds one link cannot fill the database with it.
MOST_EVENTS = 20_000


def record_sightings(txn: Txn, ids: IdMaker, sightings: Sequence[Sighting], now: float) -> list[bool]:
    """The opens and clicks are on their timelines, each with who did it; for each whether it is.

    What was seen of a recipient that is forgotten, or of a message with more events than is sensible, is not.
    """
    seen = seen_across_tenants(txn, {each.named.recipient_id for each in sightings})
    pasts = _pasts(txn, sightings, seen)
    changes: list[Change] = []
    kept: list[bool] = []
    for each in sightings:
        to = seen.get(each.named.recipient_id)
        good = to is not None and to.event_seq < MOST_EVENTS
        kept.append(good)
        if to is not None and good:
            changes.append(Change(_event(each, to, judged(each, pasts.get(to.recipient_id) or Past(to.status)))))
    if changes:
        record(txn, ids, changes, now)
    return kept


def _pasts(txn: Txn, sightings: Sequence[Sighting], seen: dict[str, Seen]) -> dict[str, Past]:
    """What is known of the recipients for whom it matters, the sightings' own clicks with it."""
    asked = {each.named.recipient_id for each in sightings if needs_past(each)} & seen.keys()
    if not asked:
        return {}
    since = min(each.at for each in sightings) - BURST_S
    delivered, before = past_across_tenants(txn, [seen[each] for each in asked], since)
    clicks: dict[str, list[tuple[float, int, bool]]] = defaultdict(list)
    for recipient_id, at, number, in_text in before:
        clicks[recipient_id].append((at, number, in_text))
    for sighting in sightings:
        if sighting.click is not None:
            clicks[sighting.named.recipient_id].append((sighting.at, sighting.click.number, sighting.click.in_text))
    return {each: Past(seen[each].status, delivered.get(each), clicks[each]) for each in asked}


def _event(sighting: Sighting, to: Seen, reason: str | None) -> Event:
    detail: dict[str, object] = {"useragent": sighting.agent, "ip": sighting.remote, "machine": reason is not None}
    if reason is not None:
        detail["machine_reason"] = reason
    kind = events.OPEN
    if sighting.click is None:
        detail["content_type"] = "html"
    else:
        kind = events.CLICK
        detail["url"] = sighting.click.url
        detail["url_offset"] = {"index": sighting.click.number, "type": "text" if sighting.click.in_text else "html"}
    return Event(kind, to.tenant_id, to.message_id, to.recipient_id, sighting.at, detail)
