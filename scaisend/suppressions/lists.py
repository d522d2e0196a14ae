"""The suppression lists: which of them stop a mail, and which `bypass_*` setting lets it pass."""

from collections.abc import Iterable, Mapping

BOUNCES = "bounces"
BLOCKS = "blocks"
INVALID_EMAILS = "invalid_emails"
SPAM_REPORTS = "spam_reports"
UNSUBSCRIBES = "unsubscribes"

# list → (reason shown on the `dropped` event in SendGrid's words, the bypass setting that overrides it); blocks stop nothing
STOPPING: Mapping[str, tuple[str, str]] = {
    BOUNCES: ("Bounced Address", "bounce"),
    INVALID_EMAILS: ("Invalid", "bounce"),
    SPAM_REPORTS: ("Spam Reporting Address", "spam"),
    UNSUBSCRIBES: ("Unsubscribed Address", "unsubscribe"),
}


def stopped_by(listed: Iterable[str], bypass: frozenset[str]) -> str | None:
    """The list that stops the mail, or None. `bypass` holds `list`, `spam`, `bounce`, `unsubscribe` as the request set them."""
    if "list" in bypass:
        return None
    return next((name for name in STOPPING if name in listed and STOPPING[name][1] not in bypass), None)
