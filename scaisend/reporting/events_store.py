"""SQL of a tenant's events as they are told: by id for a delivery, in order for the stream and for a replay."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from scaisend.ids import letters
from scaisend.messages.event import KINDS
from scaisend.reporting.envelope import Told
from scaisend.storage.database import Row, Txn

US = 1_000_000
_SELECT = (
    "SELECT e.id, e.tenant_id, e.type, e.seq, e.happened_at, e.detail, e.message_id, m.request_id, e.recipient_id, r.number, r.email, "
    "m.from_email, m.categories, m.template_id, m.ip_pool, m.send_at FROM events e JOIN messages m ON m.id = e.message_id AND m.tenant_id = e.tenant_id "
    "LEFT JOIN recipients r ON r.id = e.recipient_id AND r.tenant_id = e.tenant_id "
)
_Texts = Mapping[str, Any]


def event_bound(at: float) -> str:
    """A text that stands before the ids of events recorded from this moment on, and after those recorded before."""
    return "evt_" + letters(max(0, min(int(at * 1000), 2**48 - 1)) << 80)


def told_by_ids(txn: Txn, tenant_id: str, event_ids: Sequence[str]) -> list[Told]:
    """The tenant's events of these ids, in the order of the ids given; those that are gone are left out."""
    rows = txn.rows(_SELECT + "WHERE e.id IN :ids AND e.tenant_id = :tenant_id", {"ids": event_ids, "tenant_id": tenant_id})
    found = {each.id: each for each in _told(txn, tenant_id, rows)}
    return [found[event_id] for event_id in event_ids if event_id in found]


def told_after(txn: Txn, tenant_id: str, *, after: str, before: str, types: Sequence[str], most: int) -> list[Told]:
    """Up to `most` events of the types with ids above `after` and below `before`, in the order of their ids."""
    rows = txn.rows(
        _SELECT + "WHERE e.tenant_id = :tenant_id AND e.id > :after AND e.id < :before AND e.type IN :types ORDER BY e.id LIMIT :most",
        {"tenant_id": tenant_id, "after": after, "before": before, "types": types, "most": most},
    )
    return _told(txn, tenant_id, rows)


def event_ids_after(txn: Txn, tenant_id: str, *, after: str, before: str, types: Sequence[str], most: int) -> list[str]:
    """As `told_after`, the ids alone."""
    rows = txn.rows(
        "SELECT id FROM events WHERE tenant_id = :tenant_id AND id > :after AND id < :before AND type IN :types ORDER BY id LIMIT :most",
        {"tenant_id": tenant_id, "after": after, "before": before, "types": types, "most": most},
    )
    return [row[0] for row in rows]


def _told(txn: Txn, tenant_id: str, rows: Sequence[Row]) -> list[Told]:
    if not rows:
        return []
    message_ids = sorted({row[6] for row in rows})
    own = _personal(txn, tenant_id, message_ids)
    shared = _shared(txn, tenant_id, sorted({row[7] for row in rows}))
    places = _places(txn, tenant_id, message_ids)
    return [_one(row, shared.get(row[7], {}), own.get(row[6], {}), places.get(row[0], 0)) for row in rows]


def _one(row: Row, shared: _Texts, own: _Texts, place: int) -> Told:
    arguments = {**(shared.get("custom_args") or {}), **(own.get("custom_args") or {})}
    # The message's own first: who looks a name up regardless of case finds the one that is in the mail.
    headers = {**(own.get("headers") or {})}
    headers |= {name: value for name, value in (shared.get("headers") or {}).items() if name not in headers}
    asm = shared.get("asm") or {}
    return Told(
        id=row[0], tenant_id=row[1], type=row[2], seq=row[3], recipient_seq=place, happened_at=row[4] / US,
        detail=orjson.loads(row[5]) if row[5] else {}, message_id=row[6], request_id=row[7], recipient_id=row[8], number=row[9] or 0,
        email=row[10] or "", from_email=row[11], categories=tuple(orjson.loads(row[12])) if row[12] else (), custom_args=arguments,
        headers=headers, asm_group_id=asm.get("group_id"), template_id=row[13],
        ip_pool=row[14], send_at=None if row[15] is None else row[15] / US,
    )


def _personal(txn: Txn, tenant_id: str, message_ids: Sequence[str]) -> dict[str, _Texts]:
    """What each message has of its own."""
    rows = txn.rows(
        "SELECT id, personalization FROM messages WHERE id IN :ids AND tenant_id = :tenant_id", {"ids": message_ids, "tenant_id": tenant_id}
    )
    return {row[0]: orjson.loads(row[1]) for row in rows}


def _shared(txn: Txn, tenant_id: str, request_ids: Sequence[str]) -> dict[str, _Texts]:
    """What of each request is told: three objects out of a payload that may be megabytes."""
    rows = txn.rows(
        "SELECT id, JSON_EXTRACT(payload, '$.custom_args'), JSON_EXTRACT(payload, '$.headers'), JSON_EXTRACT(payload, '$.asm') "
        "FROM mail_requests WHERE id IN :ids AND tenant_id = :tenant_id",
        {"ids": request_ids, "tenant_id": tenant_id},
    )
    names = ("custom_args", "headers", "asm")
    return {row[0]: {name: orjson.loads(text) for name, text in zip(names, row[1:], strict=True) if text} for row in rows}


def _places(txn: Txn, tenant_id: str, message_ids: Sequence[str]) -> dict[str, int]:
    """For each told event of the messages, the how manieth told one of its recipient it is."""
    rows = txn.rows(
        "SELECT id, recipient_id, type FROM events WHERE message_id IN :ids AND tenant_id = :tenant_id ORDER BY message_id, seq",
        {"ids": message_ids, "tenant_id": tenant_id},
    )
    counted: dict[str | None, int] = {}
    places: dict[str, int] = {}
    for event_id, recipient_id, kind in rows:
        if kind in KINDS and KINDS[kind].told:
            places[event_id] = counted[recipient_id] = counted.get(recipient_id, 0) + 1
    return places

