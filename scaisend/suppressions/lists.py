"""The suppression lists: which of them stop a mail, and which `bypass_*` setting lets it pass."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from scaisend.address import a_labels, fold

BOUNCES = "bounces"
BLOCKS = "blocks"
INVALID_EMAILS = "invalid_emails"
SPAM_REPORTS = "spam_reports"
UNSUBSCRIBES = "unsubscribes"
LISTS = (BOUNCES, BLOCKS, INVALID_EMAILS, SPAM_REPORTS, UNSUBSCRIBES)
# What the `dropped` event names when somebody left the group that the mail belongs to.
GROUP = "group"

# list → (reason shown on the `dropped` event in SendGrid's words, the bypass setting that overrides it); blocks stop nothing
STOPPING: Mapping[str, tuple[str, str]] = {
    BOUNCES: ("Bounced Address", "bounce"),
    INVALID_EMAILS: ("Invalid", "bounce"),
    SPAM_REPORTS: ("Spam Reporting Address", "spam"),
    UNSUBSCRIBES: ("Unsubscribed Address", "unsubscribe"),
}
GROUP_REASON = "Unsubscribed From Group"


# event → the list that it puts its recipient on; a bounce only when it is hard
_LISTING: Mapping[str, str] = {"bounce": BOUNCES, "blocked": BLOCKS, "spam_report": SPAM_REPORTS}


def listed_by(event_type: str, detail: Mapping[str, object]) -> str | None:
    """The list that the event puts its recipient on, or None.

    A bounce does so when it is hard. Neither what only a Message-ID claims (`proof`) does, nor what happened to somebody behind the
    address (`forwarded`): no good address is to be stopped by mistake.
    """
    name = _LISTING.get(event_type)
    if name is None or (name == BOUNCES and detail.get("bounce_type") != "hard"):
        return None
    return None if detail.get("proof") == "message_id" or detail.get("forwarded") else name


def stopped_by(listed: Iterable[str], bypass: frozenset[str]) -> str | None:
    """The list that stops the mail, or None. `bypass` holds `list`, `spam`, `bounce`, `unsubscribe` as the request set them."""
    if "list" in bypass:
        return None
    return next((name for name in STOPPING if name in listed and STOPPING[name][1] not in bypass), None)


def group_stops(bypass: Collection[str]) -> bool:
    """Whether having left the mail's group stops it: `bypass_unsubscribe_management` speaks of the global list only."""
    return "list" not in bypass


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whom a tenant always mails, whatever list they are on: folded addresses, and domains."""

    addresses: frozenset[str]
    domains: frozenset[str]

    def __contains__(self, email: str) -> bool:
        """Whether the folded address is one of them, or of one of the domains."""
        return email in self.addresses or email.rpartition("@")[2] in self.domains


def allowed_by(setting: Mapping[str, object]) -> Allowed | None:
    """Whom the setting `address_whitelist` names, or None when it is off or empty."""
    listed = setting.get("list")
    if not setting.get("enabled") or not isinstance(listed, list) or not listed:
        return None
    texts = [each for each in listed if isinstance(each, str)]
    return Allowed(
        frozenset([fold(each) for each in texts if "@" in each]), frozenset([_domain(each) for each in texts if "@" not in each])
    )


def _domain(text: str) -> str:
    try:
        return a_labels(text)
    except ValueError:
        return text.lower()


def reason_of(name: str) -> str:
    """The reason on the `dropped` event for the list, or GROUP."""
    return STOPPING[name][0] if name in STOPPING else GROUP_REASON
