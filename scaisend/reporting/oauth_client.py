"""Tokens for posts, by the client-credentials grant (RFC 6749 4.4), kept until shortly before they expire."""

from base64 import b64encode
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote, urlencode

import orjson

from scaisend.faults import ScaiSendError
from scaisend.http.outgoing import Answer

TIMEOUT_S = 10.0
EARLY_S = 30.0
USUAL_LIFE_S = 300.0
LONGEST_LIFE_S = 86_400.0
MOST_TOKENS = 1_000
MOST_TOKEN_LENGTH = 8_192


class NoToken(ScaiSendError):
    """The token endpoint gave no token; the message says why."""


class Poster(Protocol):
    """Calls others over HTTP (http/outgoing.py)."""

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> Answer: ...


class OAuthClient:
    """Asks with HTTP Basic, and once more with the credentials in the form when that is refused (RFC 6749 2.3.1)."""

    def __init__(self, *, outgoing: Poster, now_s: Callable[[], float]) -> None:
        self._outgoing = outgoing
        self._now_s = now_s
        self._tokens: dict[tuple[str, str, str], tuple[str, float]] = {}

    async def token(self, token_url: str, client_id: str, secret: str) -> str:
        """A token that is good for some more seconds. Raises: NoToken, NotAnswered."""
        key = (token_url, client_id, secret)
        kept = self._tokens.get(key)
        if kept is not None and kept[1] > self._now_s():
            return kept[0]
        token, life_s = await self._ask(token_url, client_id, secret)
        if len(self._tokens) >= MOST_TOKENS:
            self._tokens.clear()
        self._tokens[key] = (token, self._now_s() + max(0.0, min(life_s, LONGEST_LIFE_S) - EARLY_S))
        return token

    def forget(self, token_url: str, client_id: str, secret: str) -> None:
        """The next post asks for a new token."""
        self._tokens.pop((token_url, client_id, secret), None)

    async def _ask(self, token_url: str, client_id: str, secret: str) -> tuple[str, float]:
        login = b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        answer = await self._form(token_url, {}, {"Authorization": f"Basic {login}"})
        if answer.status in (400, 401):
            answer = await self._form(token_url, {"client_id": client_id, "client_secret": secret}, {})
        if answer.status != 200:
            raise NoToken(f"the token URL answered {answer.status}")
        return read_token(answer.body)

    async def _form(self, url: str, fields: dict[str, str], headers: dict[str, str]) -> Answer:
        body = urlencode({"grant_type": "client_credentials", **fields}).encode()
        more = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **headers}
        return await self._outgoing.post(url, body, more, TIMEOUT_S)


def read_token(body: bytes) -> tuple[str, float]:
    """The token in an answer, and for how many seconds it is good. Raises: NoToken when there is none that a header can carry."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    token = given.get("access_token") if isinstance(given, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= MOST_TOKEN_LENGTH or any(not "!" <= letter <= "~" for letter in token):
        raise NoToken("the token URL answered without a usable access_token")
    life = given.get("expires_in", USUAL_LIFE_S)
    is_number = isinstance(life, int | float) and not isinstance(life, bool)
    return token, float(life) if is_number else USUAL_LIFE_S
