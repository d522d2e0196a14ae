"""The identity provider as an OpenID Connect client sees it: its metadata, its keys, and its tokens.

Metadata and keys are kept for ten minutes; while the provider is away they are used up to a day, and then no longer. A key
that is not known is looked for at once, but not twice within half a minute, whatever tokens are brought.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import orjson
from twisted.internet.defer import Deferred

from scaisend.faults import Invalid, ScaiSendError, Unavailable
from scaisend.http.outgoing import Answer
from scaisend.identity.jwt import Claims, SigningKey, UnknownKey, read_keys, read_token

T = TypeVar("T")
PROVIDER = "identity provider"
WELL_KNOWN = "/.well-known/openid-configuration"
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
    """What discovery tells that is used here."""

    issuer: str
    jwks_uri: str


class Kept(Generic[T]):
    """A document that is fetched when it is needed, by one request at a time."""

    def __init__(self, *, fetch: Callable[[], Awaitable[T]], now_s: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now_s = now_s
        self._value: T | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._waiting: list[Deferred[None]] | None = None

    async def get(self) -> T:
        """The document. Raises: Unavailable when there is none that may be used."""
        now = self._now_s()
        if now - self._fetched_at >= FRESH_S:
            await self.renew()
        if self._value is None or now - self._fetched_at >= USABLE_S:
            raise Unavailable(PROVIDER)
        return self._value

    async def renew(self) -> bool:
        """It was fetched anew, unless that was tried within the last half minute. Whether anything was tried."""
        if self._waiting is not None:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
            return True
        now = self._now_s()
        if now - self._tried_at < AGAIN_AFTER_S:
            return False
        self._tried_at, self._waiting = now, []
        try:
            self._value = await self._fetch()
            self._fetched_at = now
        except ScaiSendError:
            return True  # what is kept is used as long as it may be
        finally:
            waiters, self._waiting = self._waiting, None
            for each in waiters:
                each.callback(None)
        return True


class OidcClient:
    """One provider. `jwks_url` and `issuer` are what discovery is to say, or "" where it may say what it likes."""

    def __init__(
        self, *, outgoing: Getter, api_url: str, client_id: str, audience: str, jwks_url: str, issuer: str, now_s: Callable[[], float],
    ) -> None:
        self._outgoing = outgoing
        self._api_url = api_url.rstrip("/")
        self._audience = audience or client_id
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._now_s = now_s
        self._metadata = Kept(fetch=self._discover, now_s=now_s)
        self._keys = Kept(fetch=self._fetch_keys, now_s=now_s)

    async def claims(self, token: str) -> Claims:
        """What a token for this service says. Raises: Unauthenticated; Unavailable when the provider's keys cannot be had."""
        issuer = self._issuer or (await self._metadata.get()).issuer
        try:
            return read_token(token, await self._keys.get(), issuer=issuer, audience=self._audience, now_s=self._now_s())
        except UnknownKey:
            if not await self._keys.renew():
                raise
        return read_token(token, await self._keys.get(), issuer=issuer, audience=self._audience, now_s=self._now_s())

    async def _discover(self) -> Metadata:
        found = orjson.loads(await self._fetch(self._api_url + WELL_KNOWN))
        issuer, jwks_uri = (found.get(name) if isinstance(found, dict) else None for name in ("issuer", "jwks_uri"))
        if not isinstance(issuer, str) or not issuer or not isinstance(jwks_uri, str):
            raise Invalid("the provider's metadata name no issuer or no keys")
        if self._api_url.startswith("https://") and not jwks_uri.startswith("https://"):
            raise Invalid("the provider's keys are not behind https")
        return Metadata(issuer, jwks_uri)

    async def _fetch_keys(self) -> tuple[SigningKey, ...]:
        return read_keys(await self._fetch(self._jwks_url or (await self._metadata.get()).jwks_uri))

    async def _fetch(self, url: str) -> bytes:
        answer = await self._outgoing.get(url, {"Accept": "application/json"}, TIMEOUT_S, body_most=MOST_BYTES)
        if answer.status != 200:
            raise Unavailable(PROVIDER)
        try:
            orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise Invalid("the provider answered something else than JSON") from None
        return answer.body
