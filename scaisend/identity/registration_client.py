"""How this service becomes a client of the identity provider: it asks, and may have to wait for somebody's approval."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from scaisend.faults import Unavailable
from scaisend.identity.oidc_client import PROVIDER
from scaisend.identity.provider_client import ProviderClient, refusal

CLIENTS = "/v1/clients/register"
PENDING, APPROVED, REJECTED, CANCELLED, EXPIRED = "PENDING", "APPROVED", "REJECTED", "CANCELLED", "EXPIRED"
STATES = (PENDING, APPROVED, REJECTED, CANCELLED, EXPIRED)
SCOPES = ("openid", "profile", "email", "directory.read")
EVENTS = ("partner.*", "tenant.*", "user.*", "group.*", "application.user_assigned", "application.user_unassigned")
MOST_LETTERS = 2_048


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `level` is `platform`, `partner` or `tenant`; `slug` the partner or tenant it is limited to."""

    public_url: str
    contact_email: str
    level: str = "platform"
    slug: str | None = None

    def body(self) -> dict[str, object]:
        """The request's JSON."""
        limited = {f"{self.level}_slug": self.slug} if self.slug else {}
        return {
            "name": "ScaiSend", "description": "transactional e-mail", "application_url": self.public_url,
            "redirect_uris": [f"{self.public_url}/v3/auth/callback"], "post_logout_redirect_uris": [f"{self.public_url}/"],
            "webhook_url": f"{self.public_url}/webhooks/scaikey", "webhook_events": list(EVENTS), "contact_email": self.contact_email,
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "requested_scopes": list(SCOPES),
            "scope_level": self.level, **limited,
        }


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an approved client is known by; `issuer`, `jwks_url` and `webhook_secret` are "" where the provider says nothing of them."""

    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False, default="")
    issuer: str = ""
    jwks_url: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the request stands. `credentials` come with APPROVED, once; `request_id` and `status_token` with the first PENDING."""

    state: str
    credentials: Credentials | None = None
    request_id: str | None = None
    status_token: str | None = field(repr=False, default=None)
    reason: str | None = None
    again_s: float | None = None


class RegistrationClient:
    """Asks the provider at its registration endpoint."""

    def __init__(self, *, client: ProviderClient) -> None:
        self._client = client

    async def register(self, wish: Wish, *, idempotency_key: str) -> Standing:
        """The request was made; twice with the same key it is the same request. Raises: Forbidden; Unavailable."""
        status, given = await self._client.ask("POST", CLIENTS, headers={"Idempotency-Key": idempotency_key}, body=wish.body())
        if status not in (200, 201, 202):
            raise refusal(status, given, "the registration")
        return read_standing(given)

    async def standing(self, request_id: str, status_token: str, *, tries: int) -> Standing:
        """Where the request stands now. Raises: Forbidden when it is not known any more; Unavailable."""
        status, given = await self._client.ask(
            "GET", f"{CLIENTS}/{quote(request_id, safe='')}", headers={"Authorization": f"Bearer {status_token}"}, tries=tries,
        )
        if status != 200:
            raise refusal(status, given, "to say how the registration stands")
        return read_standing(given)


def read_standing(given: Mapping[str, object]) -> Standing:
    """The answer's meaning. Raises: Unavailable when it has none."""
    inner = given.get("data")
    fields: Mapping[str, object] = inner if isinstance(inner, dict) and "status" not in given and "client_id" not in given else given
    credentials = _credentials(fields)
    state = fields.get("status")
    state = state.upper() if isinstance(state, str) else (APPROVED if credentials else PENDING if fields.get("request_id") else "")
    request_id, token = _word(fields, "request_id"), _word(fields, "status_token")
    if state not in STATES:
        raise Unavailable(PROVIDER, "the identity provider answered something else than the state of a registration")
    reason = next((value for name in ("reason", "message") if isinstance(value := fields.get(name), str)), None)
    again = fields.get("poll_interval")
    again_s = float(again) if isinstance(again, int | float) and not isinstance(again, bool) else None
    shown = "".join(letter for letter in reason if letter.isprintable())[:300] if reason else None
    return Standing(state, credentials if state == APPROVED else None, request_id, token, shown, again_s)


def _credentials(fields: Mapping[str, object]) -> Credentials | None:
    nested = fields.get("credentials")
    source: Mapping[str, object] = nested if isinstance(nested, dict) else fields
    found = {name: _word(source, name) or "" for name in ("client_id", "client_secret", "webhook_secret", "issuer", "jwks_url")}
    return Credentials(**found) if found["client_id"] and found["client_secret"] else None


def _word(fields: Mapping[str, object], name: str) -> str | None:
    """A text that a header and a line of a file can carry. Raises: Unavailable when it is none."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not 0 < len(value) <= MOST_LETTERS:
        raise Unavailable(PROVIDER, f"the identity provider answered with a {name} that cannot be used")
    return value
