"""The closed table of events: everything that can be said of a message on its timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROCESSED = "processed"
DEFERRED = "deferred"
DELIVERED = "delivered"
BOUNCE = "bounce"
BLOCKED = "blocked"
DROPPED = "dropped"
OPEN = "open"
CLICK = "click"
SPAM_REPORT = "spam_report"
UNSUBSCRIBE = "unsubscribe"
GROUP_UNSUBSCRIBE = "group_unsubscribe"
GROUP_RESUBSCRIBE = "group_resubscribe"
FAILED = "failed"
CANCELLED = "cancelled"
IN_DOUBT = "in_doubt"
RESENT = "resent"
RETRIED = "retried"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: the sentence for the docs, whether webhooks are told, the recipient state that follows."""

    sentence: str
    told: bool
    state: str | None = None


KINDS: Mapping[str, Kind] = {
    PROCESSED: Kind("accepted for delivery to this recipient", True),
    DEFERRED: Kind("an attempt failed for now; another follows", True, "deferred"),
    DELIVERED: Kind("the destination took responsibility for the mail", True, "delivered"),
    BOUNCE: Kind("the destination refused it for good, or retries or lifetime are used up", True, "bounced"),
    BLOCKED: Kind("refused for policy, reputation or content; the address itself may be good", True, "bounced"),
    DROPPED: Kind("not sent, because the address is on a suppression list", True, "dropped"),
    OPEN: Kind("the recipient's client loaded the tracking pixel", True),
    CLICK: Kind("a tracked link was followed", True),
    SPAM_REPORT: Kind("the recipient reported the mail as spam", True),
    UNSUBSCRIBE: Kind("the recipient opted out of all mail", True),
    GROUP_UNSUBSCRIBE: Kind("the recipient opted out of a group", True),
    GROUP_RESUBSCRIBE: Kind("the recipient opted in to a group again", True),
    FAILED: Kind("given up on our side: it could not be rendered, was poisoned, or an operator ended it", True, "failed"),
    CANCELLED: Kind("cancelled before it was sent", False, "cancelled"),
    IN_DOUBT: Kind("the final dot may have been sent and no answer was recorded", False, "in_doubt"),
    RESENT: Kind("sent again out of doubt; the recipient may get a copy", False, "queued"),
    RETRIED: Kind("put back into the queue by hand", False, "queued"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one recipient. `detail` is JSON-able; its fields are in docs/events.md."""

    type: str
    tenant_id: str
    message_id: str
    recipient_id: str | None
    happened_at: float
    detail: Mapping[str, object] = field(default_factory=dict)
