"""Reads an account over SendGrid's v3 API: pages, limits of rate, and servers that are away for a moment."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from scaisend.faults import Invalid, NotFound, Unavailable
from scaisend.http.outgoing import Answer, NotAnswered, Outgoing

TIMEOUT_S = 60.0
BODY_MOST = 64 * 1024 * 1024
PAGE = 500
TEMPLATES_PAGE = 50
TRIES = 6
LONGEST_WAIT_S = 120.0


class SendGridAccount:
    """The account that `key` opens at `base_url` (https://api.sendgrid.com), asked `tries` times at most. `sleep` waits that many seconds."""

    def __init__(
        self, *, outgoing: Outgoing, base_url: str, key: str, sleep: Callable[[float], Awaitable[None]], now_s: Callable[[], float], tries: int = TRIES,
    ) -> None:
        self._outgoing = outgoing
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._sleep = sleep
        self._now_s = now_s
        self._tries = tries

    async def ask(self, path: str, **query: object) -> Any:
        """The JSON that the path answers; 429 and 5xx are waited for.

        Raises: Invalid when the key or the answer is not good, NotFound, Unavailable when the server stays away.
        """
        url = self._base_url + path + ("?" + urlencode(query) if query else "")
        said, wait_s = "", 0.0
        for number in range(self._tries):
            if number:
                await self._sleep(wait_s)
            wait_s = 2.0**number
            try:
                answer = await self._outgoing.get(url, self._headers, TIMEOUT_S, body_most=BODY_MOST)
            except NotAnswered as error:
                if error.is_refused:
                    raise Invalid(str(error), "url") from None
                said = str(error)
                continue
            if answer.status == 200:
                return _json(answer, path)
            said = f"status {answer.status}"
            if answer.status == 429:
                wait_s = self._until(answer.headers)
            elif answer.status < 500:
                raise _refusal(answer, path)
        raise Unavailable("source", f"{self._base_url} did not answer {path} in {self._tries} tries: {said}")

    async def listed(self, path: str, **query: object) -> list[Any]:
        """The list that the path answers. Raises: as `ask`, and Invalid when it is none."""
        found = await self.ask(path, **query)
        if not isinstance(found, list):
            raise Invalid(f"{path} answered no list: is the URL that of an API like SendGrid's?", "url")
        return found

    async def pages(self, path: str, offset: int = 0) -> AsyncIterator[tuple[list[Any], int]]:
        """The pages of a list from the offset, each with the offset behind it."""
        while True:
            page = await self.listed(path, limit=PAGE, offset=offset)
            offset += len(page)
            if page:
                yield page, offset
            if len(page) < PAGE:
                return

    async def templates(self) -> AsyncIterator[Mapping[str, Any]]:
        """Every template of both generations as lists show it."""
        token: str | None = None
        while True:
            more = {"page_token": token} if token else {}
            page = await self.ask("/v3/templates", generations="legacy,dynamic", page_size=TEMPLATES_PAGE, **more)
            if not isinstance(page, dict) or not isinstance(page.get("result"), list):
                raise Invalid("/v3/templates answered no list: is the URL that of an API like SendGrid's?", "url")
            for each in page["result"]:
                yield each
            following = (page.get("_metadata") or {}).get("next")
            token = next(iter(parse_qs(urlsplit(following).query).get("page_token", ())), None) if isinstance(following, str) else None
            if not token:
                return

    async def version(self, template_id: str, version_id: str) -> Mapping[str, Any]:
        """A version with its contents."""
        found: Mapping[str, Any] = await self.ask(f"/v3/templates/{quote(template_id)}/versions/{quote(version_id)}")
        return found

    def _until(self, headers: Mapping[str, str]) -> float:
        """Seconds until the limit of rate is over, as Retry-After or X-RateLimit-Reset (unix seconds) says."""
        for name, begin in (("retry-after", 0.0), ("x-ratelimit-reset", self._now_s())):
            value = headers.get(name, "")
            if value.isascii() and value.isdigit():
                return min(LONGEST_WAIT_S, max(1.0, int(value) - begin))
        return 10.0


def _json(answer: Answer, path: str) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        raise Invalid(f"{path} answered no JSON: is the URL that of an API like SendGrid's?", "url") from None


def _refusal(answer: Answer, path: str) -> Invalid | NotFound:
    if answer.status == 401:
        return Invalid("the source does not accept the key", "key", "Make a key with read access and give it in SENDGRID_API_KEY or --key-file.")
    if answer.status == 403:
        return Invalid(f"the key may not read {path}", "key", "Give the key read access to it, or leave the part out with --only.")
    if answer.status == 404:
        return NotFound(f"the source has no {path}")
    return Invalid(f"{path} was answered {answer.status}: {answer.body[:200].decode('utf-8', 'replace')}", "url")
