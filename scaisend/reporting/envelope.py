"""Events as applications read them: SendGrid's flat objects, and our own form.

What an event's `detail` may hold beside what delivery writes: an open or click has `useragent`, `ip`, and `machine` (true when
no person did it), an open `content_type`, a click `url` and `url_offset`; group events have `asm_group_id` and `url`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from scaisend.address import domain_of
from scaisend.messages import event as events
from scaisend.messages.moments import iso
from scaisend.messages.search import activity_id

Json = dict[str, object]

MOST_BODY_BYTES = 768 * 1024
NAMES: Mapping[str, str] = {
    events.BLOCKED: "bounce", events.SPAM_REPORT: "spamreport", events.FAILED: "dropped",
}
# Keys that are SendGrid's own: a custom argument of that name loses.
RESERVED = frozenset({
    "email", "timestamp", "event", "sg_event_id", "sg_message_id", "smtp-id", "category", "asm_group_id", "pool", "send_at", "template_id",
    "template_version_id", "template_hash", "sg_template_id", "sg_template_name", "reason", "status", "response", "attempt", "ip", "domain",
    "from", "tls", "cert_err", "type", "bounce_classification", "useragent", "sg_machine_open", "sg_content_type", "url", "url_offset",
    "marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_version", "marketing_campaign_split_id", "singlesend_id",
    "singlesend_name", "mc_stats", "phase_id", "newsletter", "post_type",
})
CLASSES: Mapping[str, str] = {
    "user-unknown": "Invalid Address", "bad-address": "Invalid Address", "ambiguous-address": "Invalid Address",
    "domain-unknown": "Invalid Address", "no-mail-here": "Invalid Address", "dns": "Invalid Address",
    "mailbox-full": "Mailbox Unavailable", "mailbox-disabled": "Mailbox Unavailable", "recipient-preference": "Mailbox Unavailable",
    "spam": "Content", "virus": "Content", "content": "Content", "too-large": "Content",
    "listed": "Reputation", "policy": "Reputation", "sender-refused": "Reputation",
    "throttled": "Frequency or Volume Too High", "mailbox-rate": "Frequency or Volume Too High",
    "authentication": "Technical", "reverse-dns": "Technical", "relay-denied": "Technical", "expired": "Technical",
    "given-up": "Technical", "lifetime": "Technical",
}
_CLASSES_OF_STATUS = {"1": "Invalid Address", "2": "Mailbox Unavailable", "3": "Technical", "4": "Technical", "5": "Technical", "7": "Reputation"}


@dataclass(frozen=True, slots=True)
class Told:
    """An event with what its receiver wants to know of the mail.

    `seq` counts the events of the message, `recipient_seq` those that are told of this recipient, from 1. `headers` are those
    the sender gave, `custom_args` the message's over the request's.
    """

    id: str
    tenant_id: str
    type: str
    seq: int
    recipient_seq: int
    happened_at: float
    detail: Mapping[str, object]
    message_id: str
    request_id: str
    recipient_id: str | None
    number: int
    email: str
    from_email: str
    categories: tuple[str, ...]
    custom_args: Mapping[str, object]
    headers: Mapping[str, str]
    asm_group_id: int | None
    template_id: str | None
    ip_pool: str | None
    send_at: float | None

    @property
    def sg_message_id(self) -> str:
        """X-Message-Id, a dot, and the rest: the id that Email Activity has for it too."""
        return activity_id(self.request_id, self.message_id, self.number)


def flat(told: Told) -> Json:
    """The event as one object of SendGrid's Event Webhook; keys without a value are left out."""
    shape: Json = {name: value for name, value in told.custom_args.items() if name not in RESERVED}
    shape |= {
        "email": told.email, "timestamp": int(told.happened_at), "event": NAMES.get(told.type, told.type), "sg_event_id": told.id,
        "sg_message_id": told.sg_message_id,
    }
    if told.categories:
        shape["category"] = list(told.categories)
    if told.asm_group_id is not None:
        shape["asm_group_id"] = told.asm_group_id
    if told.template_id:
        shape["template_id"] = told.template_id
    own = _OWN.get(told.type)
    if own is not None:
        shape |= {name: value for name, value in own(told).items() if value is not None}
    return shape


def own_form(told: Told) -> Json:
    """The event in our own form: seven keys, all else in `metadata`."""
    metadata: Json = {
        **told.detail, "seq": told.seq, "recipient_seq": told.recipient_seq, "happened_at": iso(told.happened_at),
        "x_message_id": told.request_id, "sg_message_id": told.sg_message_id, "recipient_id": told.recipient_id,
        "categories": list(told.categories), "custom_args": dict(told.custom_args),
    }
    return {
        "event_id": told.id, "event_type": told.type, "timestamp": int(told.happened_at), "message_id": told.message_id,
        "recipient_email": told.email, "tenant_id": told.tenant_id, "metadata": metadata,
    }


def bodies(shapes: Sequence[Json], most_bytes: int = MOST_BODY_BYTES) -> list[bytes]:
    """JSON arrays of all shapes in order, each array ended by CRLF and of at most `most_bytes` unless one event alone is larger."""
    found: list[bytes] = []
    portion: list[bytes] = []
    size = 0
    for text in map(orjson.dumps, shapes):
        if portion and size + len(text) + 4 > most_bytes:
            found.append(b"[" + b",".join(portion) + b"]\r\n")
            portion, size = [], 0
        portion.append(text)
        size += len(text) + 1
    if portion:
        found.append(b"[" + b",".join(portion) + b"]\r\n")
    return found


def smtp_id(told: Told) -> str:
    """The mail's Message-ID: the sender's own, or the one that it was given (sending/render.py)."""
    given = next((value.strip() for name, value in told.headers.items() if name.lower() == "message-id"), "")
    if given:
        return given if given.startswith("<") else f"<{given}>"
    return f"<{told.message_id.rpartition('_')[2]}@{domain_of(told.from_email)}>"


def bounce_classification(rule: object, status: object) -> str:
    """SendGrid's class of a bounce, from the rule that read the reply or else from the enhanced status code."""
    if isinstance(rule, str) and rule in CLASSES:
        return CLASSES[rule]
    subject = status.split(".")[1:2] if isinstance(status, str) else []
    return _CLASSES_OF_STATUS.get(subject[0], "Unclassified") if subject else "Unclassified"


def _processed(told: Told) -> Json:
    return {
        "smtp-id": smtp_id(told), "send_at": int(told.send_at) if told.send_at is not None else None,
        "pool": {"name": told.ip_pool} if told.ip_pool else None,
    }


def _dropped(told: Told) -> Json:
    return {"smtp-id": smtp_id(told), "reason": told.detail.get("reason"), "status": "5.0.0"}


def _deferred(told: Told) -> Json:
    detail = told.detail
    return {
        "smtp-id": smtp_id(told), "response": detail.get("response", ""), "attempt": str(detail.get("attempt", 1)), "ip": detail.get("source"),
        "domain": _domain(told.email), "tls": _tls(told),
    }


def _delivered(told: Told) -> Json:
    return {"smtp-id": smtp_id(told), "response": told.detail.get("response", ""), "ip": told.detail.get("source"), "tls": _tls(told), "cert_err": 0}


def _bounced(told: Told) -> Json:
    detail = told.detail
    return {
        "smtp-id": smtp_id(told), "reason": detail.get("reason") or detail.get("response"), "status": detail.get("status"),
        "type": "blocked" if told.type == events.BLOCKED else "bounce",
        "bounce_classification": bounce_classification(detail.get("rule"), detail.get("status")), "ip": detail.get("source"), "tls": _tls(told),
    }


def _opened(told: Told) -> Json:
    detail = told.detail
    return {
        "useragent": detail.get("useragent"), "ip": detail.get("ip"), "sg_machine_open": bool(detail.get("machine", False)),
        "sg_content_type": detail.get("content_type", "html"),
    }


def _clicked(told: Told) -> Json:
    detail = told.detail
    return {name: detail.get(name) for name in ("useragent", "ip", "url", "url_offset")}


def _group(told: Told) -> Json:
    return {name: told.detail.get(name) for name in ("useragent", "ip", "url", "asm_group_id")}


def _complained(told: Told) -> Json:
    return {"ip": told.detail.get("ip")}


def _tls(told: Told) -> int:
    return 1 if told.detail.get("tls") else 0


def _domain(email: str) -> str:
    return email.rpartition("@")[2]


_OWN: Mapping[str, Callable[[Told], Json]] = {
    events.PROCESSED: _processed, events.DROPPED: _dropped, events.FAILED: _dropped, events.DEFERRED: _deferred, events.DELIVERED: _delivered,
    events.BOUNCE: _bounced, events.BLOCKED: _bounced, events.OPEN: _opened, events.CLICK: _clicked, events.SPAM_REPORT: _complained,
    events.GROUP_UNSUBSCRIBE: _group, events.GROUP_RESUBSCRIBE: _group,
}
