"""What a mail that came back says."""

from dataclasses import dataclass

BOUNCE, DELAY, SUCCESS, ARF, AUTOREPLY, OTHER = "bounce", "delay", "success", "arf", "autoreply", "other"
KINDS = (BOUNCE, DELAY, SUCCESS, ARF, AUTOREPLY, OTHER)

FAILED, DELAYED, DELIVERED, RELAYED, EXPANDED = "failed", "delayed", "delivered", "relayed", "expanded"
ACTIONS = (FAILED, DELAYED, DELIVERED, RELAYED, EXPANDED)

# Feedback types (RFC 5965 7.3, 6591, 6430) that say that somebody did not want the mail.
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "miscategorized", "opt-out", "opt-out-list"})


@dataclass(frozen=True, slots=True)
class Reported:
    """What is said of one recipient: `action` as RFC 3464 2.3.3 has it, `status` and `diagnostic` as the report has them.

    `original` is the address that we used, when the report tells it apart from the final one. `bounce_type` and `rule` (of
    delivery/replies.toml) judge a failure.
    """

    recipient: str
    action: str
    status: str | None = None
    diagnostic: str | None = None
    original: str | None = None
    bounce_type: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the mail is. `rule` names what recognised it; `original_message_id` is the Message-ID of the mail it speaks of, as it stands there."""

    kind: str
    rule: str
    recipients: tuple[Reported, ...] = ()
    feedback_type: str | None = None
    original_message_id: str | None = None
    source_ip: str | None = None
    reporter: str | None = None

    @property
    def is_complaint(self) -> bool:
        """Somebody did not want the mail, or took it for fraud."""
        return self.kind == ARF and self.feedback_type in COMPLAINTS


def kind_of(recipients: tuple[Reported, ...]) -> str:
    """The kind of a report on delivery: the worst that it says of any recipient."""
    actions = {each.action for each in recipients}
    return BOUNCE if FAILED in actions else DELAY if DELAYED in actions else SUCCESS
