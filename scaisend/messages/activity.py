"""Messages as SendGrid's Email Activity shows them: one recipient each."""

from collections.abc import Sequence

import orjson

from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages.activity_store import NOT_DELIVERED, Activity
from scaisend.messages.moments import iso_seconds
from scaisend.messages.read_store import Seen, SeenEvent, SeenRecipient, SeenRequest
from scaisend.messages.search import activity_id
from scaisend.messages.shown import Json, categories_of, detail_of

# Our events under the names that Email Activity has for them; the others are not shown there.
NAMES = {
    events.PROCESSED: "processed", events.DEFERRED: "deferred", events.DELIVERED: "delivered", events.BOUNCE: "bounced", events.BLOCKED: "bounced",
    events.DROPPED: "dropped", events.OPEN: "opened", events.CLICK: "clicked", events.SPAM_REPORT: "spam_report",
    events.UNSUBSCRIBE: "unsubscribe", events.GROUP_UNSUBSCRIBE: "group_unsubscribe", events.GROUP_RESUBSCRIBE: "group_resubscribe",
    events.FAILED: "dropped",
}


def status_of(state: str) -> str:
    """processed, delivered or not_delivered."""
    if state == states.DELIVERED:
        return "delivered"
    return "not_delivered" if state in NOT_DELIVERED else "processed"


def activity_shape(each: Activity) -> Json:
    """One row of the list."""
    return {
        "from_email": each.from_email, "msg_id": activity_id(each.request_id, each.message_id, each.number), "subject": each.subject or "",
        "to_email": each.to_email, "status": status_of(each.status), "opens_count": each.opens, "clicks_count": each.clicks,
        "last_event_time": iso_seconds(each.updated_at),
    }


def activity_detail(seen: Seen, recipient: SeenRecipient, timeline: Sequence[SeenEvent], request: SeenRequest) -> Json:
    """One recipient with its events; what is not known here is empty."""
    message = seen.message
    own = [each for each in timeline if each.recipient_id == recipient.id and each.type in NAMES]
    row = Activity(
        message.request_id, message.id, recipient.number, message.from_email, message.subject, recipient.email, recipient.status,
        recipient.updated_at, sum(each.type == events.OPEN for each in own), sum(each.type == events.CLICK for each in own),
    )
    shared, personal = orjson.loads(request.payload), orjson.loads(request.personalization)
    sources = [str(found) for each in own if (found := detail_of(each).get("source"))]
    return activity_shape(row) | {
        "template_id": message.template_id or "", "asm_group_id": shared.get("asm", {}).get("group_id", 0), "teammate": "", "api_key_id": request.credential_id, "originating_ip": "",
        "categories": categories_of(message), "unique_args": {**shared.get("custom_args", {}), **personal.get("custom_args", {})}, "outbound_ip": sources[-1] if sources else "", "outbound_ip_type": "dedicated",
        "events": [_event(each) for each in own],
    }


def _event(event: SeenEvent) -> Json:
    """One event; keys that do not belong to its kind are left out."""
    detail = detail_of(event)
    shape: Json = {"event_name": NAMES[event.type], "processed": iso_seconds(event.happened_at)}
    reason = detail.get("reason") or detail.get("response")
    for name, value in (
        ("reason", reason), ("attempt_num", detail.get("attempt")), ("url", detail.get("url")),
        ("bounce_type", _bounce_type(event, detail)), ("http_user_agent", detail.get("useragent")), ("mx_server", detail.get("host")),
    ):
        if value is not None:
            shape[name] = value
    return shape


def _bounce_type(event: SeenEvent, detail: Json) -> str | None:
    """hard or soft, the two that SendGrid has here."""
    if event.type not in (events.BOUNCE, events.BLOCKED):
        return None
    return "hard" if detail.get("bounce_type") == "hard" else "soft"
