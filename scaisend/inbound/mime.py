"""A mail as parts, read from any octets in bounded time and memory (RFC 2045, 2046, 2047, 2183, 5322).

    header lines, empty line, body        the mail; an mbox "From " line before it is passed over
    --boundary, part, --boundary, part    at most MOST_PARTS parts, MOST_DEPTH deep; a mail inside (message/rfc822) is one part

Nothing here raises. What is malformed is read as most hosts meant it: a multipart without its boundary is one text, unknown charsets
are Latin-1, a broken transfer encoding is left as it is.
"""

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

LONGEST_MAIL = 512 * 1024
LONGEST_HEADER = 64 * 1024
LONGEST_VALUE = 4096
LONGEST_TEXT = 64 * 1024
MOST_FIELDS = 400
MOST_PARTS = 64
MOST_DEPTH = 6

_FIELD = re.compile(rb"([!-9;-~]{1,120})[ \t]*:(.*)", re.DOTALL).fullmatch
_TEXT_FIELD = re.compile(r"([!-9;-~]{1,120})[ \t]*:(.*)", re.DOTALL).fullmatch
_PARAMETER = re.compile(r";\s*([\w*!#$%&+.^`|~-]{1,60})\s*=\s*(?:\"((?:[^\"\\]|\\.){0,1000})\"?|([^\s;\"]{0,1000}))")
_ENCODED = re.compile(r"=\?[\w.:*-]{1,40}\?[bqBQ]\?[^?\s]{0,2000}\?=").search
_TAG = re.compile(r"<[^<>]{0,2000}>").sub
_HIDDEN = re.compile(r"<(style|script|head)\b|<!--", re.IGNORECASE).search
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?table|/?h\d|/?li|hr)\b[^<>]{0,500}>", re.IGNORECASE).sub
_ENTITY = re.compile(r"&(?:#(\d{1,6})|#x([0-9a-fA-F]{1,5})|(lt|gt|amp|quot|nbsp|apos));").sub
# Codecs of Python's that are no charsets of mail, or take their time.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "nbsp": " ", "apos": "'"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part: `fields` in order, names in lower case, values unfolded; `media_type` in lower case; `body` as it came, still encoded."""

    fields: tuple[tuple[str, str], ...]
    media_type: str
    parameters: dict[str, str]
    body: bytes

    def field(self, name: str) -> str:
        """The first field of this name with its encoded words read, or nothing."""
        return next((words(value) for each, value in self.fields if each == name), "")

    def raw_field(self, name: str) -> str:
        """The first field of this name as it came, or nothing."""
        return next((value for each, value in self.fields if each == name), "")

    def content(self) -> bytes:
        """The body without its transfer encoding."""
        encoding = self.raw_field("content-transfer-encoding").strip().lower()
        body = self.body[: 2 * LONGEST_TEXT]
        if encoding == "quoted-printable":
            return quopri.decodestring(body)
        if encoding == "base64":
            kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            # A single letter at the end is half of nothing.
            kept = kept[:-1] if len(kept) % 4 == 1 else kept
            return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
        return body

    def text(self) -> str:
        """The body as text with LF, at most LONGEST_TEXT characters; HTML without its tags."""
        text = decoded(self.content(), self.parameters.get("charset", "utf-8")).replace("\r\n", "\n").replace("\r", "\n")[:LONGEST_TEXT]
        return plain_of_html(text) if self.media_type == "text/html" else text


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: `top` has its header and its whole body; `parts` are the leaves, in order: `top` itself when there is one part."""

    top: Part
    parts: tuple[Part, ...]

    def of_type(self, *media_types: str) -> list[Part]:
        """The parts that are of one of the types."""
        return [part for part in self.parts if part.media_type in media_types]


def read_mail(content: bytes) -> Mail:
    """The mail that the octets are; what is beyond LONGEST_MAIL is not looked at."""
    content = content[:LONGEST_MAIL]
    if content[:5] in (b"From ", b">From"):
        content = content.partition(b"\n")[2]
    top = _part(content, "text/plain")
    return Mail(top, tuple(_leaves(top, 0, [MOST_PARTS])))


def read_fields(text: str) -> list[list[tuple[str, str]]]:
    """Groups of `Name: value` lines with empty lines between them, folded lines joined, names in lower case; other lines are left out."""
    groups: list[list[tuple[str, str]]] = [[]]
    for line in text.split("\n")[: 10 * MOST_FIELDS]:
        if not line.strip():
            if groups[-1]:
                groups.append([])
        elif line[0] in " \t" and groups[-1]:
            name, value = groups[-1][-1]
            if len(value) < LONGEST_VALUE:
                groups[-1][-1] = (name, f"{value} {line.strip()}"[:LONGEST_VALUE])
        elif (found := _TEXT_FIELD(line)) is not None:
            groups[-1].append((found[1].lower(), found[2].strip()[:LONGEST_VALUE]))
    return [group for group in groups if group]


def words(value: str) -> str:
    """A header's value with its encoded words read (RFC 2047), as far as they can be."""
    if _ENCODED(value) is None:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else decoded(piece, charset or "latin-1") for piece, charset in pieces)[:LONGEST_VALUE]


def decoded(octets: bytes, charset: str) -> str:
    """Text of the octets in their charset; those that are none of its are replaced, and an unknown charset is Latin-1."""
    name = charset.strip().strip("'\"").lower()[:40]
    if name in ("", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "unknown", "x-unknown", "8bit"):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("latin-1")
    try:
        if codecs.lookup(name).name in _NO_CHARSETS:
            return octets.decode("latin-1")
        text = octets.decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        return octets.decode("latin-1")
    # UTF-7 and others let lone surrogates pass, which nothing else takes.
    return text.encode("utf-8", "replace").decode("utf-8")


def plain_of_html(text: str) -> str:
    """The words of a page, a line for each of its blocks."""
    bare = _TAG("", _BREAK("\n", _without_hidden(text).replace("\n", " ")))
    return _ENTITY(lambda found: _NAMED[found[3]] if found[3] else _character(int(found[1]) if found[1] else int(found[2], 16)), bare)


def _without_hidden(text: str) -> str:
    """The page without comments, styles and scripts; one that is never closed hides nothing."""
    lower, kept, at, endless = text.lower(), [], 0, set()
    search_from = 0
    while (found := _HIDDEN(text, search_from)) is not None:
        end = "-->" if found[1] is None else f"</{found[1].lower()}"
        close = -1 if end in endless else lower.find(end, found.end())
        if close < 0:
            endless.add(end)
            search_from = found.end()
            continue
        kept.append(text[at : found.start()])
        gap = text[close + len(end) : close + len(end) + 40].find(">") + 1 if found[1] is not None else 0
        at = search_from = close + len(end) + gap
    return "".join(kept) + text[at:]


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def _part(content: bytes, default_type: str) -> Part:
    head, body = _split(content)
    fields = _fields(head)
    given = next((value for name, value in fields if name == "content-type"), "")
    media_type = given.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[\w.+-]{1,80}/[\w.+-]{1,80}", media_type):
        media_type = default_type
    return Part(fields, media_type, _parameters(given), body)


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Header and body: what stands before and after the first empty line."""
    if content[:1] == b"\n" or content[:2] == b"\r\n":
        return b"", content.partition(b"\n")[2]
    ends = [at for at in (content.find(b"\n\n"), content.find(b"\n\r\n")) if at >= 0]
    if not ends:
        return content, b""
    at = min(ends)
    return content[:at], content[at + 1 :].partition(b"\n")[2]


def _fields(head: bytes) -> tuple[tuple[str, str], ...]:
    fields: list[tuple[str, str]] = []
    for line in head[:LONGEST_HEADER].split(b"\n")[: 10 * MOST_FIELDS]:
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            if len(value) < LONGEST_VALUE:
                fields[-1] = (name, f"{value} {decoded(line.strip(), '')}"[:LONGEST_VALUE])
        elif (found := _FIELD(line)) is not None:
            if len(fields) == MOST_FIELDS:
                break
            fields.append((found[1].decode("ascii").lower(), decoded(found[2].strip(), "")[:LONGEST_VALUE]))
    return tuple(fields)


def _parameters(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _PARAMETER.finditer(value[:LONGEST_VALUE]):
        name = each[1].lower().rstrip("*").removesuffix("*0")
        found.setdefault(name, re.sub(r"\\(.)", r"\1", each[2]) if each[2] is not None else each[3])
    return found


def _leaves(part: Part, depth: int, room: list[int]) -> Iterator[Part]:
    """The parts below, in order; `room` holds how many more there may be."""
    is_multipart = part.media_type.startswith("multipart/")
    boundary = (part.parameters.get("boundary", "").rstrip() or _boundary_in(part.body)) if is_multipart else ""
    if not boundary or depth >= MOST_DEPTH:
        room[0] -= 1
        yield part
        return
    pieces = _pieces(part.body, boundary.encode("latin-1", "replace"))
    if not pieces:
        room[0] -= 1
        yield Part(part.fields, "text/plain", part.parameters, part.body)
        return
    inner_type = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    for piece in pieces:
        if room[0] <= 0:
            return
        yield from _leaves(_part(piece, inner_type), depth + 1, room)


def _boundary_in(body: bytes) -> str:
    """The boundary that a broken header does not tell, by its first line in the body; nothing when it does not come again."""
    found = re.search(rb"(?:^|\n)--([^\s-][^\r\n]{5,69}|--[^\r\n]{5,69})\r?\n", body[:LONGEST_HEADER])
    if found is None or body.count(b"\n--" + found[1]) < 2 - (found.start() == 0 and body[:1] == b"-"):
        return ""
    return found[1].rstrip().decode("latin-1")


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the boundary's lines; text before the first one is left out. A missing last one is no matter."""
    pieces: list[bytes] = []
    start: int | None = None
    mark = b"--" + boundary
    at = 0 if body.startswith(mark) else body.find(b"\n" + mark) + 1 or -1
    while at >= 0 and len(pieces) < MOST_PARTS:
        end = body.find(b"\n", at)
        line = body[at : len(body) if end < 0 else end].rstrip()
        following = body.find(b"\n" + mark, at + len(mark))
        if line in (mark, mark + b"--"):
            if start is not None:
                pieces.append(body[start : max(start, at - 1)])
            start = None if line != mark else (len(body) if end < 0 else end + 1)
            if start is None:
                return pieces
        at = following + 1 if following >= 0 else -1
    if start is not None:
        pieces.append(body[start:])
    return pieces
