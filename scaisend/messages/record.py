"""The one way anything becomes history: recipient, message, timeline and outbox change in one transaction.

Laws: messages are locked before recipients, both in id order; a change that carries an attempt id is written only while the
recipient's row still carries it; an ended recipient never changes again, unless it failed and is retried by hand, or was delivered
and a late report says that it was not; event numbers of a message have no gaps. An event that puts its address on a suppression
list does so in the same transaction (suppressions/lists.py says which do).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from scaisend.address import fold
from scaisend.identity.settings_store import settings_across_tenants
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages import store
from scaisend.messages.event import KINDS, Event
from scaisend.messages.store import EventRow, MessageState, RecipientState, RecipientUpdate
from scaisend.storage.database import Txn
from scaisend.suppressions.lists import listed_by
from scaisend.suppressions.store import Entry, list_across_tenants

# Events that a tenant may want mailed, by the setting of its mail_settings that says so.
SECTION, FORWARD_BOUNCE, FORWARD_SPAM = "mail_settings", "forward_bounce", "forward_spam"
FORWARDED: Mapping[str, str] = {events.BOUNCE: FORWARD_BOUNCE, events.BLOCKED: FORWARD_BOUNCE, events.SPAM_REPORT: FORWARD_SPAM}


@dataclass(frozen=True, slots=True)
class Change:
    """An event and what it means for its recipient's row.

    `attempt_id` fences the change (None: an act of the operator or the tenant, which needs no claim). `due_at` is when the
    recipient is looked at next, `waiting` why not now. `refused_for_now` counts against SMTP_MAX_RETRIES. `body` keeps the
    rendered mail for the next attempt. `late`: a report from outside, which may take `delivered` back.
    """

    event: Event
    attempt_id: str | None = None
    due_at: float | None = None
    waiting: str | None = None
    reason: str | None = None
    attempted: bool = False
    refused_for_now: bool = False
    body: bytes | None = None
    late: bool = False


def record(txn: Txn, ids: IdMaker, changes: Sequence[Change], now: float) -> list[bool]:
    """Writes the changes; for each whether it was written, False when its attempt id no longer matches or the recipient ended."""
    messages = store.lock_messages_across_tenants(txn, sorted({each.event.message_id for each in changes}))
    recipients = store.lock_recipients_across_tenants(
        txn, sorted({each.event.recipient_id for each in changes if each.event.recipient_id})
    )
    written: list[bool] = []
    rows: list[EventRow] = []
    updates: dict[RecipientUpdate, list[str]] = defaultdict(list)
    touched: list[str] = []
    after: dict[str, str] = {}
    listing: list[tuple[str, EventRow, Change]] = []
    for change in changes:
        message = messages.get(change.event.message_id)
        recipient = recipients.get(change.event.recipient_id or "")
        good = message is not None and _belongs(change.event, message, recipient) and _applies(change, recipient, after)
        written.append(good)
        if not good or message is None:
            continue
        rows.append(_event_row(ids, change.event, message))
        if recipient is None:
            continue
        if (name := listed_by(change.event.type, change.event.detail)) is not None:
            listing.append((name, rows[-1], change))
        state = KINDS[change.event.type].state
        if state is None:
            touched.append(recipient.id)
        else:
            after[recipient.id] = state
            updates[_update(change, state)].append(recipient.id)
    if not rows:
        return written
    write_events(txn, rows, now)
    for update, recipient_ids in updates.items():
        store.update_recipients_across_tenants(txn, recipient_ids, update, now)
    if touched:
        store.touch_recipients_across_tenants(txn, touched, now)
    if listing:
        _put_on_lists(txn, listing, now)
    store.keep_bodies_across_tenants(txn, _bodies(changes, written, messages))
    _settle_messages(txn, messages, recipients, after, rows, now)
    return written


def write_events(txn: Txn, rows: Sequence[EventRow], now: float) -> None:
    """The events are on their timelines, in the outbox of tenants that have a webhook, and among the forwards of those that want them mailed."""
    store.insert_events_across_tenants(txn, rows)
    told = [row for row in rows if KINDS[row.type].told]
    if told:
        listening = store.tenants_with_webhooks_across_tenants(txn, {row.tenant_id for row in told})
        store.insert_outbox_across_tenants(txn, [row for row in told if row.tenant_id in listening], now)
    if reports := [row for row in rows if row.type in FORWARDED]:
        _forward(txn, reports, now)


def first_events(ids: IdMaker, tenant_id: str, message_id: str, types: Iterable[tuple[str, str, dict[str, object]]], now: float) -> list[EventRow]:
    """Event rows of a message that is being accepted, numbered from 1; `types` is (recipient id, type, detail) in order."""
    return [
        EventRow(ids.new("evt", tenant_id), tenant_id, message_id, recipient_id, seq, kind, now, orjson.dumps(detail).decode() if detail else None)
        for seq, (recipient_id, kind, detail) in enumerate(types, 1)
    ]


def _forward(txn: Txn, reports: Sequence[EventRow], now: float) -> None:
    """Those that their tenant wants mailed wait for reporting/forward_worker.py."""
    settings = settings_across_tenants(txn, sorted({row.tenant_id for row in reports}))
    wished = [(row, FORWARDED[row.type]) for row in reports]
    store.insert_forwards_across_tenants(
        txn, [(row, name) for row, name in wished if settings.get(row.tenant_id, {}).get(SECTION, {}).get(name, {}).get("enabled")], now
    )


def _belongs(event: Event, message: MessageState, recipient: RecipientState | None) -> bool:
    """Whether the event speaks of a message of its tenant, and of a recipient of that message."""
    return message.tenant_id == event.tenant_id and (recipient is None or recipient.message_id == message.id)


def _applies(change: Change, recipient: RecipientState | None, after: dict[str, str]) -> bool:
    if change.event.recipient_id is None:
        return True
    if recipient is None:
        return False
    state = after.get(recipient.id, recipient.status)
    if state in states.ENDED:
        if change.late and state == states.DELIVERED:
            return True
        return KINDS[change.event.type].state is None or (state == states.FAILED and change.event.type == events.RETRIED)
    return change.attempt_id is None or change.attempt_id == recipient.attempt_id


def _put_on_lists(txn: Txn, listing: Sequence[tuple[str, EventRow, Change]], now: float) -> None:
    """The addresses are on the lists that their events put them on, with the event as evidence."""
    emails = store.emails_across_tenants(txn, {row.recipient_id or "" for _, row, _ in listing})
    entries = []
    for name, row, change in listing:
        status, ip, rule = (_text(change.event.detail.get(each)) for each in ("status", "ip", "rule"))
        entries.append(Entry(row.tenant_id, name, fold(emails[row.recipient_id or ""]), change.reason, status, ip, row.id, rule, now))
    list_across_tenants(txn, entries)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _event_row(ids: IdMaker, event: Event, message: MessageState) -> EventRow:
    message.event_seq += 1
    return EventRow(
        ids.new("evt", event.tenant_id), event.tenant_id, event.message_id, event.recipient_id, message.event_seq,
        event.type, event.happened_at, orjson.dumps(event.detail).decode() if event.detail else None,
    )


def _update(change: Change, state: str) -> RecipientUpdate:
    return RecipientUpdate(
        status=state, waiting=change.waiting, reason=change.reason, due_at=change.due_at,
        keeps_attempt=change.event.type == events.IN_DOUBT, attempted=change.attempted, refused_for_now=change.refused_for_now,
        resent=change.event.type == events.RESENT,
    )


def _bodies(changes: Sequence[Change], written: Sequence[bool], messages: dict[str, MessageState]) -> list[tuple[str, str, bytes]]:
    found: dict[str, tuple[str, str, bytes]] = {}
    for change, good in zip(changes, written, strict=True):
        message = messages.get(change.event.message_id)
        if good and change.body is not None and message is not None and not message.has_body:
            found[message.id] = (message.id, message.tenant_id, change.body)
            message.has_body = True
    return list(found.values())


def _settle_messages(
    txn: Txn, messages: dict[str, MessageState], recipients: dict[str, RecipientState], after: dict[str, str], rows: Sequence[EventRow], now: float
) -> None:
    several = [message.id for message in messages.values() if message.recipient_count > 1]
    counted = store.recipient_states_across_tenants(txn, several) if several else {}
    moved: dict[str, set[str]] = defaultdict(set)
    for recipient_id, state in after.items():
        moved[recipients[recipient_id].message_id].add(state)
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    done: list[str] = []
    for message_id, new_events in Counter(row.message_id for row in rows).items():
        message = messages[message_id]
        reached = counted.get(message_id) or moved.get(message_id) or set()
        status = states.shown(message.status, reached) if reached else message.status
        groups[(status, new_events)].append(message_id)
        if message.has_body and reached and reached <= states.ENDED:
            done.append(message_id)
    for (status, new_events), message_ids in groups.items():
        store.update_messages_across_tenants(txn, message_ids, status, new_events, now)
    if done:
        store.drop_bodies_across_tenants(txn, done)
