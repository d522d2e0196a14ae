"""What a webhook is, which events it can be told of, and its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from scaisend.messages import event as events
from scaisend.messages.event import KINDS
from scaisend.sealing import Sealer

SENDGRID = "sendgrid"
ENDPOINT = "endpoint"
MOST_WEBHOOKS = 25
PURPOSE = "webhook"

# SendGrid's switches, in its order, and what is told when one is on.
SWITCHES: Mapping[str, tuple[str, ...]] = {
    "group_resubscribe": (events.GROUP_RESUBSCRIBE,),
    "delivered": (events.DELIVERED,),
    "group_unsubscribe": (events.GROUP_UNSUBSCRIBE,),
    "spam_report": (events.SPAM_REPORT,),
    "bounce": (events.BOUNCE, events.BLOCKED),
    "deferred": (events.DEFERRED,),
    "unsubscribe": (events.UNSUBSCRIBE,),
    "processed": (events.PROCESSED,),
    "open": (events.OPEN,),
    "click": (events.CLICK,),
    "dropped": (events.DROPPED, events.FAILED),
}
ACCOUNT_STATUS = "account_status_change"
# What endpoints of ours can choose from.
TOLD: tuple[str, ...] = tuple(name for name, kind in KINDS.items() if kind.told)


@dataclass(frozen=True, slots=True)
class OAuth:
    """Where a token for the posts is asked for; empty when none is needed."""

    client_id: str = ""
    token_url: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the poster knows: the DER of the ECDSA key, the HMAC secret, the OAuth client's secret. Empty is none."""

    ecdsa_key: bytes = b""
    hmac_secret: str = ""
    oauth_secret: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One place where a tenant's events are posted; `events` are switches (SendGrid's model) or event types (ours)."""

    id: str
    tenant_id: str
    model: str
    url: str
    is_enabled: bool
    events: tuple[str, ...]
    friendly_name: str
    sealed_secret: bytes | None
    oauth: OAuth
    public_key: str
    failures: int
    disabled_reason: str | None
    created_at: float
    updated_at: float

    def wants(self, event_type: str) -> bool:
        """Whether events of this type are posted here."""
        if self.model == ENDPOINT:
            return event_type in self.events
        return any(event_type in SWITCHES.get(switch, ()) for switch in self.events)


def seal(sealer: Sealer, secrets: Secrets) -> bytes:
    """The secrets as the row keeps them."""
    plain = {"ecdsa_key": secrets.ecdsa_key.hex(), "hmac_secret": secrets.hmac_secret, "oauth_secret": secrets.oauth_secret}
    return sealer.seal(PURPOSE, orjson.dumps(plain))


def unseal(sealer: Sealer, sealed: bytes | None) -> Secrets:
    """The secrets of a row. Raises: SealBroken when it was sealed under another SECRET_KEY."""
    if sealed is None:
        return Secrets()
    plain = orjson.loads(sealer.open(PURPOSE, sealed))
    return Secrets(bytes.fromhex(plain["ecdsa_key"]), plain["hmac_secret"], plain["oauth_secret"])
