"""Messages as ours are shown: rows to the JSON of /v3/messages without `query`."""

from collections.abc import Mapping, Sequence

import orjson

from scaisend.messages import status as states
from scaisend.messages import waiting
from scaisend.messages.moments import iso
from scaisend.messages.read_store import Seen, SeenDialogue, SeenEvent, SeenMessage, SeenRecipient
from scaisend.messages.search import activity_id

Json = dict[str, object]


def shown_status(seen: Seen) -> str:
    """The message's status."""
    return states.shown(seen.message.status, seen.states)


def why(message: SeenMessage, recipient: SeenRecipient) -> str | None:
    """The word for why the recipient waits (messages/waiting.py), None when it does not."""
    if recipient.status in states.ENDED or recipient.status == states.SENDING:
        return None
    if recipient.status == states.QUEUED and message.status in (states.SCHEDULED, states.PAUSED):
        return message.status
    if recipient.status == states.IN_DOUBT:
        return recipient.waiting or waiting.IN_DOUBT
    return recipient.waiting or waiting.DELIVERY


def next_at(message: SeenMessage, recipient: SeenRecipient) -> float | None:
    """When the recipient is looked at next; None while it is worked on, held, or ended."""
    if recipient.status in states.ENDED or recipient.status == states.SENDING:
        return None
    if recipient.status == states.IN_DOUBT:
        return recipient.due_at
    if recipient.is_claimed:
        return None
    return recipient.due_at if recipient.due_at is not None else message.due_at


def message_shape(seen: Seen) -> Json:
    """One message of the list."""
    message = seen.message
    return {
        "id": message.id, "x_message_id": message.request_id, "status": shown_status(seen), "from_email": message.from_email,
        "subject": message.subject or "", "categories": categories_of(message), "batch_id": message.batch_id, "template_id": message.template_id,
        "accepted_at": iso(message.accepted_at), "send_at": iso(message.send_at), "recipient_count": message.recipient_count,
        "recipients": [recipient_shape(message, each) for each in seen.recipients],
    }


def recipient_shape(message: SeenMessage, recipient: SeenRecipient) -> Json:
    """One recipient of a message."""
    return {
        "email": recipient.email, "kind": recipient.kind, "status": recipient.status, "reason": recipient.reason,
        "waiting": why(message, recipient), "next_attempt_at": iso(next_at(message, recipient)),
    }


def whole_shape(seen: Seen, events: Sequence[SeenEvent]) -> Json:
    """One message with all that is known of it: why each recipient waits, in words, and the timeline."""
    message = seen.message
    shape = message_shape(seen)
    shape["reason"] = message.reason if message.reason not in waiting.REASONS else None
    shape["ip_pool"] = message.ip_pool
    shape["updated_at"] = iso(message.updated_at)
    shape["in_doubt"] = states.IN_DOUBT in seen.states
    shape["recipients"] = [
        recipient_shape(message, each) | {
            "id": each.id, "name": each.name, "waiting_because": waiting.REASONS.get(why(message, each) or ""),
            "attempts": each.attempts, "resends": each.resends, "updated_at": iso(each.updated_at),
        }
        for each in seen.recipients
    ]
    shape["events"] = events_shape(seen, events)
    return shape


def events_shape(seen: Seen, events: Sequence[SeenEvent]) -> list[Json]:
    """The timeline: what every event has, and the fields of its own kind."""
    message = seen.message
    emails = {each.id: each.email for each in seen.recipients}
    sg_ids = {each.id: activity_id(message.request_id, message.id, each.number) for each in seen.recipients}
    return [
        detail_of(each) | {
            "event_id": each.id, "event_type": each.type, "seq": each.seq, "timestamp": int(each.happened_at), "happened_at": iso(each.happened_at),
            "recipient_email": emails.get(each.recipient_id or ""), "recipient_id": each.recipient_id,
            "message_id": message.id, "sg_message_id": sg_ids.get(each.recipient_id or ""),
        }
        for each in events
    ]


def dialogue_shape(dialogue: SeenDialogue, emails: Mapping[str, str]) -> Json:
    """What was said in one attempt."""
    return {
        "id": dialogue.id, "recipient_email": emails.get(dialogue.recipient_id), "recipient_id": dialogue.recipient_id,
        "destination": dialogue.destination, "source": dialogue.source, "tls": dialogue.tls, "dialogue": dialogue.dialogue,
        "happened_at": iso(dialogue.happened_at),
    }


def detail_of(event: SeenEvent) -> Json:
    """The fields of the event's own kind."""
    found = orjson.loads(event.detail) if event.detail else {}
    return found if isinstance(found, dict) else {}


def categories_of(message: SeenMessage) -> list[str]:
    """The message's categories."""
    found = orjson.loads(message.categories) if message.categories else []
    return found if isinstance(found, list) else []
