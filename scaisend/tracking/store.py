"""SQL of tracking: whom a token names, and what is known of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from scaisend.messages import event as events
from scaisend.messages.store import US
from scaisend.storage.database import Txn


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient as tracking knows it; `payload` is what its request shares, as JSON text."""

    tenant_id: str
    message_id: str
    recipient_id: str
    email: str
    payload: str


def recipient_across_tenants(txn: Txn, recipient_id: str) -> Recipient | None:
    """The recipient that a token names, whosever it is: the token is what finds the tenant. None once it is forgotten."""
    row = txn.row(
        "SELECT r.tenant_id, r.message_id, r.id, r.email, q.payload FROM recipients r JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id "
        "JOIN mail_requests q ON q.id = m.request_id AND q.tenant_id = m.tenant_id WHERE r.id = :id",
        {"id": recipient_id},
    )
    return Recipient(*row) if row else None


@dataclass(frozen=True, slots=True)
class Seen:
    """A recipient of a mail that was opened or clicked in; `event_seq` is how many events its message has."""

    tenant_id: str
    message_id: str
    recipient_id: str
    status: str
    event_seq: int


def seen_across_tenants(txn: Txn, recipient_ids: Iterable[str]) -> dict[str, Seen]:
    """The recipients by id; those that are forgotten are absent."""
    rows = txn.rows(
        "SELECT r.tenant_id, r.message_id, r.id, r.status, m.event_seq FROM recipients r "
        "JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id WHERE r.id IN :ids",
        {"ids": sorted(recipient_ids)},
    )
    return {row[2]: Seen(*row) for row in rows}


def past_across_tenants(txn: Txn, seen: Iterable[Seen], since: float) -> tuple[dict[str, float], list[tuple[str, float, int, bool]]]:
    """When the recipients were delivered to, and their clicks from `since` on, as (recipient id, when, number, in text)."""
    of = {each.recipient_id: each for each in seen}
    rows = txn.rows(
        "SELECT recipient_id, type, happened_at, detail FROM events WHERE message_id IN :messages AND recipient_id IN :recipients "
        "AND (type = :delivered OR (type = :click AND happened_at >= :since))",
        {
            "messages": sorted({each.message_id for each in of.values()}), "recipients": sorted(of), "delivered": events.DELIVERED,
            "click": events.CLICK, "since": int(since * US),
        },
    )
    delivered: dict[str, float] = {}
    clicks: list[tuple[str, float, int, bool]] = []
    for recipient_id, kind, happened_at, detail in rows:
        if kind == events.DELIVERED:
            delivered[recipient_id] = happened_at / US
        else:
            offset = orjson.loads(detail or "{}").get("url_offset") or {}
            clicks.append((recipient_id, happened_at / US, int(offset.get("index", 0)), offset.get("type") == "text"))
    return delivered, clicks
