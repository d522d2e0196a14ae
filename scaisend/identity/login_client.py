"""This service as a client of the identity provider: codes and refresh tokens become tokens that are credentials here."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus, urlencode

import orjson
from twisted.logger import Logger

from scaisend.faults import ScaiSendError, Unauthenticated, Unavailable
from scaisend.http.outgoing import Answer, NotAnswered
from scaisend.identity.api_key import REFUSED
from scaisend.identity.jwt import MOST_TOKEN, Claims, is_token
from scaisend.identity.oidc_client import MOST_BYTES, PROVIDER, TIMEOUT_S, Metadata, OidcClient

REVOKE_S = 5.0
NO_CLIENT = "the identity provider does not take this service for its client; SCAIKEY_CLIENT_ID and SCAIKEY_CLIENT_SECRET must be what it gave"
NO_ENDPOINT = "the identity provider names no endpoints to log in at"
NO_TOKEN = "the identity provider gave no token that names its user to this service; see SCAIKEY_AUDIENCE"
_NOT_OUR_CLIENT = ("invalid_client", "unauthorized_client")


class Poster(Protocol):
    """Calls others over HTTP (http/outgoing.py)."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, *, body_most: int = ...) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh gave: the credential with its claims, and what belongs to the session."""

    credential: str = field(repr=False)
    claims: Claims
    id_token: str | None = field(repr=False, default=None)
    refresh_token: str | None = field(repr=False, default=None)


class LoginClient:
    """Asks the provider's token endpoint, as the client of this id and secret (a public one when the secret is "")."""

    log = Logger("scaisend.identity")

    def __init__(self, *, oidc: OidcClient, outgoing: Poster, client_id: str, secret: str) -> None:
        self.oidc = oidc
        self.client_id = client_id
        self._outgoing = outgoing
        self._secret = secret

    async def endpoints(self) -> Metadata:
        """The provider's endpoints. Raises: Unavailable when they cannot be had, or there are none to log in at."""
        found = await self.oidc.metadata()
        if not found.authorization_endpoint or not found.token_endpoint:
            raise Unavailable(PROVIDER, NO_ENDPOINT)
        return found

    async def redeem(self, code: str, *, verifier: str, redirect_uri: str, nonce: str) -> Tokens:
        """The tokens that a code is good for, once.

        Raises: Unauthenticated when it is good for none, or they are not for this login; Unavailable.
        """
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        return await self._tokens(await self._ask(fields), nonce=nonce)

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens; the refresh token among them is the old one where the provider gives no new one. Raises: as `redeem`."""
        given = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return await self._tokens({"refresh_token": refresh_token, **given}, nonce=None)

    async def revoke(self, refresh_token: str) -> bool:
        """Whether the provider says that the token is good for nothing any more (RFC 7009)."""
        try:
            found = await self.oidc.metadata()
            if not found.revocation_endpoint:
                return False
            fields = {"token": refresh_token, "token_type_hint": "refresh_token"}
            return (await self._post(found.revocation_endpoint, fields, found, REVOKE_S)).status == 200
        except ScaiSendError:
            return False

    async def _tokens(self, given: Mapping[str, object], *, nonce: str | None) -> Tokens:
        id_token, access_token, refresh_token = (_token(given, name) for name in ("id_token", "access_token", "refresh_token"))
        person = await self.oidc.id_claims(id_token, nonce) if id_token is not None else None
        if person is None and nonce is not None:
            raise Unavailable(PROVIDER, "the identity provider gave no ID token; its client needs the scope openid")
        claims = await self._access_claims(access_token)
        if claims is not None and access_token is not None:
            if person is not None and claims.subject != person.subject:
                raise Unauthenticated(REFUSED)
            # Many providers name the account in the ID token alone.
            if person is None or not self.oidc.takes_id_tokens or _account(claims) == _account(person):
                return Tokens(access_token, claims, id_token, refresh_token)
        if person is None or id_token is None or not self.oidc.takes_id_tokens:
            raise Unavailable(PROVIDER, NO_TOKEN)
        return Tokens(id_token, person, id_token, refresh_token)

    async def _access_claims(self, token: str | None) -> Claims | None:
        """What the access token says, if it is one of those that are credentials here."""
        if token is None or not is_token(token):
            return None
        try:
            return await self.oidc.claims(token)
        except Unauthenticated:
            return None  # it is for others

    async def _ask(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        found = await self.endpoints()
        answer = await self._post(found.token_endpoint, fields, found, TIMEOUT_S)
        try:
            given = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            given = None
        if not isinstance(given, dict):
            self.log.warn("the identity provider answered {status} and no JSON object to a {grant}", status=answer.status, grant=fields["grant_type"])
            raise Unavailable(PROVIDER)
        if answer.status == 200:
            return given
        self.log.warn("the identity provider answered {status} {error} to a {grant}", status=answer.status, error=given.get("error"), grant=fields["grant_type"])
        if given.get("error") in _NOT_OUR_CLIENT:
            raise Unavailable(PROVIDER, NO_CLIENT)
        if answer.status == 400 and given.get("error") in ("invalid_grant", "invalid_request"):
            raise Unauthenticated(REFUSED)
        raise Unavailable(PROVIDER, retry_after_s=_retry_after(answer))

    async def _post(self, url: str, fields: Mapping[str, str], found: Metadata, timeout_s: float) -> Answer:
        """The answer to the form, with who we are (RFC 6749 2.3.1)."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        form = dict(fields)
        if not self._secret:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in found.auth_methods or "client_secret_post" not in found.auth_methods:
            login = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        try:
            return await self._outgoing.post(url, urlencode(form).encode(), headers, timeout_s, body_most=MOST_BYTES)
        except NotAnswered:
            raise Unavailable(PROVIDER) from None


def _account(claims: Claims) -> tuple[str | None, str | None, str | None]:
    return claims.tenant, claims.partner, claims.role


def _token(given: Mapping[str, object], name: str) -> str | None:
    value = given.get(name)
    is_usable = isinstance(value, str) and 0 < len(value) <= MOST_TOKEN and value.isascii() and value.isprintable() and " " not in value
    return str(value) if is_usable else None


def _retry_after(answer: Answer) -> int:
    value = answer.headers.get("retry-after", "")
    return min(int(value), 3_600) if value.isascii() and value.isdigit() and len(value) < 6 else 5
