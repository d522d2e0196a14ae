"""Pages: what a caller asks for in the query, and what points to the next page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from scaisend.faults import Invalid
from scaisend.http.call import Call

MOST_CURSOR = 1024


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


def page_links(url: str, page: Page, total: int, query: Sequence[tuple[str, str]] = ()) -> tuple[str, str]:
    """The Link header (RFC 8288) of one page of `total` rows; `query` holds the list's other parameters."""
    last = max(0, (total - 1) // page.limit)
    here = page.offset // page.limit
    places = (("next", min(here + 1, last)), ("prev", max(here - 1, 0)), ("first", 0), ("last", last))
    links = []
    for name, place in places:
        pairs = [*query, ("limit", str(page.limit)), ("offset", str(place * page.limit))]
        links.append(f'<{url}?{urlencode(pairs)}>; rel="{name}"; title="{place + 1}"')
    return ("Link", ", ".join(links))
