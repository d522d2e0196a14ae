"""The mails that tell a tenant of its bounces and spam reports: requests as POST /v3/mail/send takes them (mail_settings forward_bounce and forward_spam).

They are marked as written by a program (RFC 3834) and tracked by nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scaisend.messages.event import SPAM_REPORT
from scaisend.messages.record import FORWARD_BOUNCE, FORWARD_SPAM

CATEGORIES: Mapping[str, str] = {FORWARD_BOUNCE: "forwarded-bounce", FORWARD_SPAM: "forwarded-spam"}
LOCAL_PART = "postmaster"
ERASED = "(erased)"
LONGEST = 1_000
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Fields of an event's detail (docs/events.md) and what the mail calls them.
_TOLD: Mapping[str, str] = {
    "response": "Reason", "status": "Status", "bounce_type": "Type", "feedback_type": "Feedback type", "reporter": "Reported by", "ip": "Sent from",
}
_NAMES: Mapping[str, tuple[str, str]] = {FORWARD_BOUNCE: ("bounce", "bounces"), FORWARD_SPAM: ("spam report", "spam reports")}


@dataclass(frozen=True, slots=True)
class Report:
    """A bounce or a spam report and the mail that it speaks of. `email` is None when the recipient was erased; moments are seconds."""

    event_id: str
    type: str
    happened_at: float
    message_id: str
    request_id: str
    credential_id: str
    email: str | None
    subject: str | None
    from_email: str
    accepted_at: float
    detail: Mapping[str, object] = field(default_factory=dict)


def mail_of(report: Report, *, setting: str, sender_domain: str, to: str) -> dict[str, object]:
    """The request that tells of one event."""
    name, who = "Spam report" if report.type == SPAM_REPORT else "Bounce", report.email or ERASED
    told = {title: _line(report.detail[key]) for key, title in _TOLD.items() if report.detail.get(key)}
    lines = {
        "Recipient": who, "When": _moment(report.happened_at), **told, "Message": report.message_id, "X-Message-Id": report.request_id,
        "From": report.from_email, "Subject": _line(report.subject) if report.subject else "", "Sent": _moment(report.accepted_at), "Event": report.event_id,
    }
    told_of = "was reported as spam" if report.type == SPAM_REPORT else "was not delivered"
    text = f"A mail {told_of}.\n\n" + "".join(f"{title}: {value}\n" for title, value in lines.items() if value)
    return _request(setting, sender_domain, to, f"{name}: {who}", text)


def digest_of(count: int, hour_at: float, *, setting: str, most: int, sender_domain: str, to: str) -> dict[str, object]:
    """The request that tells how many more there were in the hour than are mailed one by one."""
    name = _NAMES[setting][count != 1]
    text = f"In the hour from {_moment(hour_at)} there were {count} more {name} than the {most} that are mailed one by one. The activity and the webhooks tell of all.\n"
    return _request(setting, sender_domain, to, f"{count} more {name}", text)


def _request(setting: str, sender_domain: str, to: str, subject: str, text: str) -> dict[str, object]:
    off = {"enable": False}
    return {
        "personalizations": [{"to": [{"email": to}]}], "from": {"email": f"{LOCAL_PART}@{sender_domain}"}, "subject": subject,
        "content": [{"type": "text/plain", "value": text}], "headers": {"Auto-Submitted": "auto-generated"}, "categories": [CATEGORIES[setting]],
        "tracking_settings": {"click_tracking": off, "open_tracking": off, "subscription_tracking": off, "ganalytics": off},
        "mail_settings": {"footer": off},
    }


def _line(value: object) -> str:
    """Text of strangers in one line."""
    return _BLANKS.sub(" ", str(value)).strip()[:LONGEST]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
