"""The identity provider's own API over HTTP: asked again while it says that it is busy, and not for ever."""

import email.utils
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import orjson

from scaisend.faults import Forbidden, Unavailable
from scaisend.http.outgoing import Answer, NotAnswered
from scaisend.identity.oidc_client import PROVIDER

TIMEOUT_S = 30.0
MOST_BYTES = 32 * 1024 * 1024
TRIES = 6
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
BUSY = (429, 500, 502, 503, 504)
LONGEST_WORDS = 300


class Requester(Protocol):
    """Calls others over HTTP (http/outgoing.py)."""

    async def request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, *, body_most: int = ...,
    ) -> Answer: ...


class ProviderClient:
    """Asks the API at `api_url`.

    `wait(seconds)` ends after so long; `jitter()` is a factor near 1; `told(text)` hears why there is a wait.
    """

    def __init__(
        self, *, outgoing: Requester, api_url: str, wait: Callable[[float], Awaitable[None]], jitter: Callable[[], float],
        now_s: Callable[[], float], told: Callable[[str], None],
    ) -> None:
        self._outgoing = outgoing
        self._api_url = api_url.rstrip("/")
        self._wait = wait
        self._jitter = jitter
        self._now_s = now_s
        self._told = told

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None, tries: int = TRIES,
    ) -> tuple[int, Mapping[str, object]]:
        """Status and JSON object of the answer: any status but 429 and 5xx, which are asked again after their Retry-After (at most
        five minutes), or after 1, 2, 4, … seconds, `tries` times in all.

        Raises: Unavailable when none came, or one that is no JSON object.
        """
        sent = {"Accept": "application/json", **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        why, wait_s = "", 0.0
        for number in range(tries):
            if number:
                self._told(f"{why}; asked again in {wait_s:.0f} s")
                await self._wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**number * self._jitter())
            try:
                answer = await self._outgoing.request(
                    method, self._api_url + path, orjson.dumps(body) if body is not None else None, sent, TIMEOUT_S, body_most=MOST_BYTES,
                )
            except NotAnswered as error:
                why = f"the identity provider did not answer ({error})"
                continue
            if answer.status not in BUSY:
                return answer.status, _object(answer)
            why = f"the identity provider answered {answer.status}"
            asked_s = retry_after_s(answer.headers.get("retry-after"), self._now_s())
            wait_s = wait_s if asked_s is None else min(LONGEST_WAIT_S, asked_s)
        raise Unavailable(PROVIDER, f"{why}; try again later")


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """The seconds that a Retry-After (RFC 9110 10.2.3: seconds or a date) asks for; None when it asks for none."""
    if value is None:
        return None
    if value.strip().isdecimal() and value.isascii():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now_s)
    except (ValueError, TypeError, OverflowError):
        return None


def refusal(status: int, given: Mapping[str, object], what: str) -> Forbidden:
    """The provider's refusal of `what`, in its own words as far as they can be shown."""
    words = next((text for name in ("error_description", "message", "detail", "error") if (text := _words(given.get(name)))), "")
    return Forbidden(f"the identity provider refused {what} ({status}){': ' + words if words else ''}")


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return _words(value.get("message"))
    return "".join(letter for letter in value if letter.isprintable())[:LONGEST_WORDS] if isinstance(value, str) else ""


def _object(answer: Answer) -> Mapping[str, object]:
    if len(answer.body) >= MOST_BYTES:
        raise Unavailable(PROVIDER, f"the identity provider's answer is larger than {MOST_BYTES // 1_048_576} MB")
    try:
        given = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        given = None
    if isinstance(given, dict):
        return given
    if answer.status >= 300:
        return {}
    raise Unavailable(PROVIDER, "the identity provider answered something else than a JSON object; is SCAIKEY_API_URL right?")
