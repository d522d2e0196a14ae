"""Pages: what a caller asks for in the query, and what points to the next page."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply

MOST_CURSOR = 1024
_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` rows (at least 1) after the first `offset`."""

    limit: int
    offset: int


def offset_page(call: Call, *, default: int = 500, most: int = 500, most_offset: int = 1_000_000_000) -> Page:
    """The page that `limit` and `offset` ask for.

    Raises: Invalid when one is no whole number in its bounds.
    """
    limit = whole(call, "limit", least=1, most=most, default=default)
    return Page(limit, whole(call, "offset", least=0, most=most_offset, default=0))


def whole(call: Call, name: str, *, least: int, most: int, default: int) -> int:
    """The query parameter as a whole number from `least` to `most`.

    Raises: Invalid when it is none, or out of bounds.
    """
    text = call.one(name)
    if text is None or text == "":
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise Invalid(f"The {name} must be a whole number.", name)
    value = int(text)
    if not least <= value <= most:
        raise Invalid(f"The {name} must be between {least} and {most}.", name)
    return value


def only(call: Call, *names: str) -> None:
    """The query has no parameters but these: a filter that is misspelt would show everything.

    Raises: Invalid with a fault for each other one.
    """
    if unknown := sorted(name for name in call.query if name not in names):
        raise Invalid([Fault(f"There is no parameter {name}.", name, f"Known are {', '.join(sorted(names))}.") for name in unknown])


def cursor(parts: Sequence[str | int]) -> str:
    """The place after which the next page begins, as text to be handed back unread."""
    return urlsafe_b64encode(orjson.dumps(list(parts))).decode().rstrip("=")


def read_cursor(text: str, kinds: Sequence[type[str] | type[int]], *, field: str) -> tuple[str | int, ...]:
    """The parts of a text that `cursor` made, of just these kinds.

    It is not signed: a caller can make one up, so it may say where a list begins and nothing else.

    Raises: Invalid when it is no such text.
    """
    try:
        if len(text) > MOST_CURSOR:
            raise ValueError("too long")
        parts = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
            raise ValueError("other parts")
        if not all(part.isascii() for part in parts if isinstance(part, str)):  # ids are, and MySQL refuses to compare them with other text
            raise ValueError("no ids")
    except ValueError:
        raise Invalid(f"The {field} is not one that was given out here.", field, "Begin with the first page again.") from None
    return tuple(parts)


def base_url(call: Call) -> str:
    """Where the caller reached this service, without a path; empty when its Host header is none that can stand in a URL."""
    host = call.headers.get("host", "")
    scheme = "https" if call.headers.get("x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{host}" if _HOST.fullmatch(host) else ""


def array_reply(call: Call, path: str, page: Page, rows: Sequence[object]) -> Reply:
    """The page as a bare array, with SendGrid's Link header (RFC 8288).

    `rows` begin at the page's offset, and there is one more of them than the page's limit when there are further pages. `last` is
    told only by the last page, since nobody counts what comes.
    """
    has_more, here = len(rows) > page.limit, page.offset // page.limit
    offsets = {"next": page.offset + page.limit} if has_more else {}
    offsets |= {"prev": max(0, page.offset - page.limit)} if page.offset else {}
    offsets |= {"first": 0} | ({} if has_more else {"last": page.offset})
    titles = {"next": here + 2, "prev": max(1, here), "first": 1, "last": here + 1}
    query = [(name, value) for name, values in call.query.items() if name not in ("limit", "offset") for value in values]
    links = [
        f'<{base_url(call)}{path}?{urlencode([*query, ("limit", page.limit), ("offset", offset)])}>; rel="{name}"; title="{titles[name]}"'
        for name, offset in offsets.items()
    ]
    return json_reply(list(rows[: page.limit]), headers=[("Link", ", ".join(links))])
