"""Heads as bytes: what is read from a request's, and how a reply's is written (RFC 9110, 9112)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from re import compile as pattern
from urllib.parse import parse_qs, unquote_to_bytes

from scaisend.faults import Invalid
from scaisend.http.reply import BODILESS, PHRASES, Reply
from scaisend.storage.limiter import Verdict

MOST_QUERY_FIELDS = 2_000
_REQUEST_ID = pattern(r"[A-Za-z0-9._-]{1,128}")
_STATUS_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in PHRASES.items()}
_AUTHORITY = pattern(rb"(?i:https?)://[^/?#]+")
_FORBIDDEN = pattern("[\r\n\0]")
# Stands for an escaped slash while segments are told apart; UTF-8 cannot decode to it.
_SLASH = "\udc2f"


# One whole head as nearly every client sends it. What does not match is left to the full parser.
_PLAIN = pattern(
    rb"(GET|POST|PUT|PATCH|DELETE) ([!-~]++) (HTTP/1\.[01])\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n){1,100}+)\r\n"
)
OLD = b"HTTP/1.0"
KEEP = "keep-alive"
_MOST_PLAIN = 16_000
_NOT_PLAIN = ("transfer-encoding", "expect", "upgrade")


@dataclass(frozen=True, slots=True)
class PlainHead:
    """A request's head, header names in lower case; `length` of its body in bytes, of which `body` has come already."""

    method: bytes
    uri: bytes
    version: bytes
    headers: dict[str, str]
    length: int
    body: bytes


def plain_head(data: bytes) -> PlainHead | None:
    """The head at the beginning of `data`, when it is of the plainest kind; None when anything about it is less than plain.

    Plain: a usual method, HTTP/1.1 (or 1.0 that asks for keep-alive), no header twice, no folded line, no coding, no expectation,
    no wish for the connection but keep-alive, a length in digits, and nothing behind the body. Of such a request no two parsers
    think differently.
    """
    match = _PLAIN.match(data)
    if match is None or match.end() > _MOST_PLAIN:
        return None
    headers: dict[str, str] = {}
    lines = match[4].decode("latin-1").split("\r\n")
    for line in lines[:-1]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    if len(headers) != len(lines) - 1 or any(name in headers for name in _NOT_PLAIN):
        return None
    if headers.get("connection", "" if match[3] == OLD else KEEP).lower() != KEEP:
        return None
    digits = headers.get("content-length", "0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        return None
    body, length = data[match.end() :], int(digits)
    return PlainHead(match[1], match[2], match[3], headers, length, body) if len(body) <= length else None


def is_sound_request_id(text: str) -> bool:
    """Whether a caller's X-Request-Id may be used as it is."""
    return _REQUEST_ID.fullmatch(text) is not None


def header_map(raw: Iterable[tuple[bytes, Sequence[bytes]]]) -> dict[str, str]:
    """Headers by lower-case name, as Latin-1; repeated ones are joined by commas (RFC 9110 5.3)."""
    return {
        name.decode("latin-1").lower(): (values[0] if len(values) == 1 else b", ".join(values)).decode("latin-1")
        for name, values in raw
    }


def origin_form(target: bytes) -> bytes:
    """Path and query of a target that names this server too, `http://host/path?query` (RFC 9112 3.2.2); others as they are."""
    found = _AUTHORITY.match(target)
    if found is None:
        return target
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def path_text(path: bytes) -> str:
    """The path with its segments decoded; an escaped slash inside a segment is `_SLASH` until `path_values`.

    Raises: Invalid when it is not UTF-8, or has a NUL.
    """
    if b"%" not in path:
        if path.isascii():
            return path.decode()
        segments = [path]
    else:
        segments = [unquote_to_bytes(part) for part in path.replace(b"%2f", b"%2F").split(b"%2F")]
    try:
        text = _SLASH.join([segment.decode() for segment in segments])
    except UnicodeDecodeError:
        raise Invalid("Bad Request", help="The path is not UTF-8.") from None
    if "\0" in text:
        raise Invalid("Bad Request", help="The path contains a NUL.")
    return text


def path_values(values: Mapping[str, object]) -> dict[str, str]:
    """The path's parameters, whole."""
    return {name: str(value).replace(_SLASH, "/") for name, value in values.items()}


def query_values(query: bytes) -> dict[str, list[str]]:
    """Every value of every name of the query, in order; `+` is a space.

    Raises: Invalid when it is not UTF-8, or has more than MOST_QUERY_FIELDS fields.
    """
    if not query:
        return {}
    try:
        return parse_qs(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        raise Invalid("Bad Request", help="The query cannot be read.") from None


def head(reply: Reply, *, request_id: str, verdict: Verdict | None, date: str, close: bool, keep: bool = False) -> bytes:
    """The status line and all headers of the reply; `keep` tells an HTTP/1.0 client that its wish for keep-alive is granted.

    Raises: ValueError when one of its headers would break out of its line.
    """
    status = reply.status
    text = f"{_STATUS_LINES[status]}Date: {date}\r\nX-Request-Id: {request_id}\r\n"
    if status not in BODILESS:
        size_bytes = len(reply.body)
        text += f"Content-Type: {reply.content_type}\r\nContent-Length: {size_bytes}\r\n" if size_bytes else "Content-Length: 0\r\n"
    if verdict is not None:
        text += (
            f"X-RateLimit-Limit: {verdict.limit}\r\nX-RateLimit-Remaining: {verdict.remaining}\r\n"
            f"X-RateLimit-Reset: {int(verdict.reset_at)}\r\n"
        )
    if close:
        text += "Connection: close\r\n"
    elif keep:
        text += "Connection: keep-alive\r\n"
    if _FORBIDDEN.search(reply.content_type):
        raise ValueError("a line break in the content type")
    for name, value in reply.headers:
        if _FORBIDDEN.search(name) or _FORBIDDEN.search(value):
            raise ValueError(f"a line break in the header {name!r}")
        text += f"{name}: {value}\r\n"
    return f"{text}\r\n".encode()
