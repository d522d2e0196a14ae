"""Bodies of the webhooks' APIs: what they ask to change, or every fault."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scaisend.faults import Fault, Invalid
from scaisend.http.targets import url_fault
from scaisend.reporting.post_client import without_login
from scaisend.reporting.webhook import ACCOUNT_STATUS, ENDPOINT, SWITCHES, TOLD, OAuth, Secrets, Webhook
from scaisend.shape import Reader, finish

MOST_URL = 2_048
_ENDPOINT_FIELDS = {"url", "events", "enabled", "friendly_name", "oauth_client_id", "oauth_client_secret", "oauth_token_url"}


@dataclass(frozen=True, slots=True)
class Targets:
    """Which URLs may be called: public https alone, unless this is a development."""

    allow_http: bool = False
    allow_private: bool = False

    def fault(self, url: str) -> str | None:
        """What is wrong with the URL, which may carry `user:password@`, or None."""
        try:
            bare, _ = without_login(url)
        except ValueError:
            return "is not a URL"
        return url_fault(bare, allow_http=self.allow_http, allow_private=self.allow_private)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks of a webhook; None leaves a field as it is."""

    url: str | None
    is_enabled: bool | None
    events: tuple[str, ...] | None
    switches: Mapping[str, bool]
    friendly_name: str | None
    oauth_client_id: str | None
    oauth_token_url: str | None
    oauth_secret: str | None

    def applied(self, webhook: Webhook, secrets: Secrets, now: float) -> tuple[Webhook, Secrets]:
        """The webhook as asked for; switching it on forgets its failures."""
        events = webhook.events if self.events is None else self.events
        if webhook.model != ENDPOINT:
            events = tuple(name for name in (*SWITCHES, ACCOUNT_STATUS) if self.switches.get(name, name in webhook.events))
        is_enabled = webhook.is_enabled if self.is_enabled is None else self.is_enabled
        oauth = OAuth(_or(self.oauth_client_id, webhook.oauth.client_id), _or(self.oauth_token_url, webhook.oauth.token_url))
        changed = replace(
            webhook, url=_or(self.url, webhook.url), is_enabled=is_enabled, events=events,
            friendly_name=_or(self.friendly_name, webhook.friendly_name), oauth=oauth, updated_at=now,
        )
        if self.is_enabled:
            changed = replace(changed, failures=0, disabled_reason=None)
        return changed, replace(secrets, oauth_secret=_or(self.oauth_secret, secrets.oauth_secret))


def read_event_webhook(given: object, targets: Targets, *, needs_url: bool) -> Asked:
    """SendGrid's form: one switch for each type; what is not known is passed over, since clients send back what they read.

    Raises: Invalid with every fault.
    """
    def rest(reader: Reader) -> tuple[tuple[str, ...] | None, dict[str, bool]]:
        return None, {name: value for name in (*SWITCHES, ACCOUNT_STATUS) if (value := reader.flag(name)) is not None}

    return _read(given, targets, needs_url, rest)


def read_endpoint(given: object, targets: Targets, *, needs_url: bool) -> Asked:
    """Our form: a list of event types. Raises: Invalid with every fault."""
    def rest(reader: Reader) -> tuple[tuple[str, ...] | None, dict[str, bool]]:
        reader.refuse_unknown(_ENDPOINT_FIELDS)
        events = reader.texts("events", most=64, most_items=100)
        if events is not None and not events:
            reader.fault("The events must name at least one type.", "events", f"Types: {', '.join(TOLD)}.")
        for index, name in enumerate(events or ()):
            if name not in TOLD:
                reader.fault("This event type is not known.", f"events.{index}", f"Types: {', '.join(TOLD)}.")
        return None if events is None else tuple(kind for kind in TOLD if kind in events), {}

    return _read(given, targets, needs_url, rest)


def read_test(given: object, targets: Targets) -> Asked:
    """The body of the test button. Raises: Invalid with every fault."""
    return read_event_webhook(given, targets, needs_url=True)


def read_signed(given: object) -> bool:
    """Whether posts are to be signed. Raises: Invalid."""
    faults: list[Fault] = []
    wanted = Reader(given, faults).flag("enabled", required=True)
    finish(faults)
    return bool(wanted)


def _read(
    given: object, targets: Targets, needs_url: bool, rest: Callable[[Reader], tuple[tuple[str, ...] | None, dict[str, bool]]]
) -> Asked:
    faults: list[Fault] = []
    reader = Reader(given, faults)
    url = reader.text("url", most=MOST_URL)
    token_url = reader.text("oauth_token_url", most=MOST_URL)
    if (url or needs_url) and (why := targets.fault(url or "")):
        faults.append(Fault(f"'{url or ''}' is not a valid url", "url", f"The URL {why}."))
    if token_url and (why := targets.fault(token_url)):
        faults.append(Fault(f"'{token_url}' is not a valid url", "oauth_token_url", f"The URL {why}."))
    events, switches = rest(reader)
    asked = Asked(
        url=url, is_enabled=reader.flag("enabled"), events=events, switches=switches, friendly_name=reader.text("friendly_name"),
        oauth_client_id=reader.text("oauth_client_id"), oauth_token_url=token_url, oauth_secret=reader.text("oauth_client_secret", most=1_000),
    )
    finish(faults)
    return asked


def check_whole(webhook: Webhook) -> None:
    """The webhook makes sense as a whole. Raises: Invalid."""
    if webhook.is_enabled and not webhook.url:
        raise Invalid(f"'{webhook.url}' is not a valid url", "url", "A webhook that is enabled needs a URL.")


def _or(asked: str | None, present: str) -> str:
    return present if asked is None else asked
