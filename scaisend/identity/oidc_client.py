"""The identity provider as an OpenID Connect client sees it: its metadata, its keys, and its tokens.

Metadata and keys are kept for ten minutes; while the provider is away they are used up to a day, and then no longer. A key
that is not known is looked for at once, but not twice within half a minute, whatever tokens are brought.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import orjson
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from scaisend.faults import Invalid, ScaiSendError, Unavailable
from scaisend.http.outgoing import Answer
from scaisend.identity.jwt import Claims, SigningKey, UnknownKey, read_keys, read_token

T = TypeVar("T")
PROVIDER = "identity provider"
WELL_KNOWN = "/.well-known/openid-configuration"
# Where metadata are: below the address, or, of a provider that serves several realms, below that of its platform.
PLACES = ("", "/platform", "/api/v1/platform")
TIMEOUT_S = 10.0
MOST_BYTES = 256 * 1024
FRESH_S = 600.0
USABLE_S = 86_400.0
AGAIN_AFTER_S = 30.0


class Getter(Protocol):
    """Calls others over HTTP (http/outgoing.py)."""

    async def get(self, url: str, headers: Mapping[str, str], timeout_s: float, *, body_most: int = ...) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Metadata:
    """What discovery (OpenID Connect Discovery 3) tells that is used here; an endpoint is "" where the provider has none.

    `auth_methods` are the ways in which a client may say who it is; `names_itself`: answers to a browser name the issuer (RFC 9207).
    """

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    names_itself: bool = False


class _Missing(Unavailable):
    """There is nothing at this address."""


class Kept(Generic[T]):
    """A document that is fetched when it is needed, by one request at a time; `trouble` is why the last fetch failed, or ""."""

    log = Logger("scaisend.identity")

    def __init__(self, name: str, *, fetch: Callable[[], Awaitable[T]], now_s: Callable[[], float]) -> None:
        self.trouble = ""
        self._name = name
        self._fetch = fetch
        self._now_s = now_s
        self._value: T | None = None
        self._fetched_at = self._tried_at = self._asked_at = float("-inf")
        self._waiting: list[Deferred[None]] | None = None

    async def get(self) -> T:
        """The document. Raises: Unavailable when there is none that may be used."""
        now = self._now_s()
        age_s = now - self._fetched_at
        if age_s >= FRESH_S and (self._waiting is not None or now - self._tried_at >= AGAIN_AFTER_S):
            trying = ensureDeferred(self._try())
            # Nobody waits for a provider that has failed while what is kept can be used.
            if self._value is None or age_s >= USABLE_S or not self.trouble:
                await trying
        if self._value is None or now - self._fetched_at >= USABLE_S:
            raise Unavailable(PROVIDER)
        return self._value

    async def renew(self) -> bool:
        """It was fetched anew though it is fresh, unless that was done within the last half minute. Whether anything was tried."""
        now = self._now_s()
        if self._waiting is None:
            if now - self._asked_at < AGAIN_AFTER_S:
                return False
            self._asked_at = now
        await self._try()
        return True

    async def _try(self) -> None:
        """It was fetched, by this request or by one that was at it already; what is kept stays when that failed."""
        if self._waiting is not None:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            return await waiting
        now = self._now_s()
        self._tried_at, self._waiting = now, []
        try:
            self._value = await self._fetch()
            self._fetched_at, self.trouble = now, ""
        except ScaiSendError as error:
            # What is kept is used as long as it may be.
            self.trouble = str(error)
            self.log.warn("the identity provider's {name} cannot be had: {trouble}", name=self._name, trouble=self.trouble)
        finally:
            waiters, self._waiting = self._waiting, None
            for each in waiters:
                each.callback(None)


class OidcClient:
    """One provider. `jwks_url` and `issuer` are what discovery is to say, or "" where it may say what it likes."""

    def __init__(
        self, *, outgoing: Getter, api_url: str, client_id: str, audience: str, jwks_url: str, issuer: str, now_s: Callable[[], float],
    ) -> None:
        self._outgoing = outgoing
        self._api_url = api_url.rstrip("/")
        self._client_id = client_id
        self._audience = audience or client_id
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._now_s = now_s
        self._metadata = Kept("metadata", fetch=self._discover, now_s=now_s)
        self._keys = Kept("keys", fetch=self._fetch_keys, now_s=now_s)

    async def claims(self, token: str) -> Claims:
        """What a token for this service says. Raises: Unauthenticated; Unavailable when the provider's keys cannot be had."""
        return await self._read(token, self._audience)

    async def id_claims(self, token: str, nonce: str | None = None) -> Claims:
        """What an ID token for this service says; its audience is always the client. Raises: as `claims`."""
        return await self._read(token, self._client_id, nonce)

    @property
    def trouble(self) -> str:
        """Why the provider cannot be used, or not for long any more; "" when all is well."""
        return self._metadata.trouble or self._keys.trouble

    async def keys(self) -> tuple[SigningKey, ...]:
        """The keys that tokens are checked with. Raises: Unavailable when they cannot be had."""
        return await self._keys.get()

    async def metadata(self) -> Metadata:
        """What discovery told. Raises: Unavailable when that cannot be had."""
        return await self._metadata.get()

    @property
    def takes_id_tokens(self) -> bool:
        """Whether an ID token is a credential here: it is where tokens are to be for the client."""
        return self._audience == self._client_id

    async def _read(self, token: str, audience: str, nonce: str | None = None) -> Claims:
        issuer = self._issuer or (await self._metadata.get()).issuer
        try:
            return read_token(token, await self._keys.get(), issuer=issuer, audience=audience, now_s=self._now_s(), nonce=nonce)
        except UnknownKey:
            if not await self._keys.renew():
                raise
        return read_token(token, await self._keys.get(), issuer=issuer, audience=audience, now_s=self._now_s(), nonce=nonce)

    async def _discover(self) -> Metadata:
        found = read_metadata(orjson.loads(await self._metadata_text()), needs_tls=self._api_url.startswith("https://"))
        if self._issuer and found.issuer != self._issuer:
            raise Invalid("the provider's issuer is not SCAIKEY_ISSUER")
        return found

    async def _metadata_text(self) -> bytes:
        missing: _Missing | None = None
        for place in PLACES:
            try:
                return await self._fetch(self._api_url + place + WELL_KNOWN)
            except _Missing as error:
                missing = missing or error
        assert missing is not None
        raise missing

    async def _fetch_keys(self) -> tuple[SigningKey, ...]:
        return read_keys(await self._fetch(self._jwks_url or (await self._metadata.get()).jwks_uri))

    async def _fetch(self, url: str) -> bytes:
        answer = await self._outgoing.get(url, {"Accept": "application/json"}, TIMEOUT_S, body_most=MOST_BYTES)
        if answer.status != 200:
            raise (_Missing if answer.status == 404 else Unavailable)(PROVIDER, f"{url} answered {answer.status}")
        try:
            orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise Invalid("the provider answered something else than JSON") from None
        return answer.body


def read_metadata(given: object, *, needs_tls: bool) -> Metadata:
    """The metadata. Raises: Invalid when it names no issuer or no keys, or, where it `needs_tls`, an endpoint without."""
    fields: dict[str, object] = given if isinstance(given, dict) else {}

    def text(name: str) -> str:
        value = fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
            raise Invalid(f"the provider's metadata have no usable {name}")
        if name != "issuer" and not value.startswith("https://" if needs_tls else ("https://", "http://")):
            raise Invalid(f"the provider's {name} is not behind https")
        return value

    issuer, jwks_uri = text("issuer"), text("jwks_uri")
    if not issuer or not jwks_uri:
        raise Invalid("the provider's metadata name no issuer or no keys")
    methods = fields.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer, jwks_uri, text("authorization_endpoint"), text("token_endpoint"), text("end_session_endpoint"), text("revocation_endpoint"),
        tuple(each for each in methods if isinstance(each, str)) if isinstance(methods, list) else ("client_secret_basic",),
        fields.get("authorization_response_iss_parameter_supported") is True,
    )
