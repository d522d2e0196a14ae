"""A mail as entities (RFC 2045, 2046): header fields and a body each. Data in, data out; lines end in CRLF.

It is strict where mail programs are: a line in a header that is no field is a fault of the mail, not the beginning of its body.
"""

import re
from binascii import Error, a2b_base64, a2b_qp
from dataclasses import dataclass
from email.message import Message

from scaisend.faults import Invalid
from scaisend.submission.words import text_of, words

LARGEST_HEADER = 2 * 1024 * 1024
LONGEST_MIME_FIELD = 8 * 1024
MOST_PARTS = 1_000
DEEPEST = 20

_FIELD = re.compile(rb"([!-9;-~]{1,255})[ \t]*:(.*)", re.DOTALL)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")


@dataclass(frozen=True, slots=True)
class Entity:
    """A mail, or a part of one: `fields` in order, unfolded, encoded words left alone; `body` still encoded.

    `media_type` is in lower case, `filename` empty where none is given, `disposition` in lower case or empty, `content_id` bare.
    """

    fields: tuple[tuple[str, str], ...]
    media_type: str
    parameters: tuple[tuple[str, str], ...]
    disposition: str
    filename: str
    content_id: str
    body: bytes

    def field(self, name: str) -> str | None:
        """The first field of this name (lower case), or None."""
        return next((value for each, value in self.fields if each.lower() == name), None)

    def parameter(self, name: str) -> str:
        """The parameter of Content-Type, or nothing."""
        return next((value for each, value in self.parameters if each == name), "")

    @property
    def is_multipart(self) -> bool:
        return self.media_type.startswith("multipart/")

    def content(self) -> bytes:
        """The body without its transfer encoding (RFC 2045 6). Raises: Invalid when it is not what it says."""
        encoding = (self.field("content-transfer-encoding") or "").strip().lower()
        if encoding == "quoted-printable":
            return a2b_qp(self.body)
        if encoding != "base64":
            return self.body
        try:
            return a2b_base64(self.body)
        except Error:
            raise Invalid("A part of the mail is not the base64 that it says to be.") from None

    def text(self) -> str:
        """The content as text, with LF between lines."""
        text = text_of(self.content(), self.parameter("charset").strip())
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def described_type(self) -> str:
        """The media type with its parameters, but those that only make sense here (boundary, name)."""
        told = [
            f"; {name}={value}" if _TOKEN.fullmatch(value) else '; {}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"'))
            for name, value in self.parameters
            if name not in ("boundary", "name") and _TOKEN.fullmatch(name) and value.isascii() and value.isprintable()
        ]
        return self.media_type + "".join(told)

    def parts(self, *, is_strict: bool = True) -> "list[Entity]":
        """The entities of a multipart. Raises: Invalid when it has none."""
        boundary = self.parameter("boundary").rstrip()
        pieces = _pieces(self.body, boundary.encode("utf-8", "replace")) if boundary else []
        if not pieces:
            raise Invalid("A multipart of the mail has no parts: its boundary is missing.")
        inner = "message/rfc822" if self.media_type == "multipart/digest" else "text/plain"
        return [read_entity(each, default_type=inner, is_strict=is_strict) for each in pieces]


def read_entity(content: bytes, *, default_type: str = "text/plain", is_strict: bool = True) -> Entity:
    """The entity that the octets are. Raises: Invalid when its header is none; unless `is_strict`, lines that are no fields are passed over."""
    head, body = _split(content)
    if len(head) > LARGEST_HEADER:
        raise Invalid("The header of the mail is too large.")
    fields = tuple(_fields(head, is_strict))
    mime = Message()
    for name, value in fields:
        lower = name.lower()
        if lower in ("content-type", "content-disposition", "content-id") and lower not in mime:
            if len(value) > LONGEST_MIME_FIELD:
                raise Invalid(f"The field {name} is too long.")
            mime[lower] = value
    if "content-type" not in mime:
        return _described(fields, default_type, (), mime, body)
    given = mime.get_params(failobj=[], header="content-type")
    media_type = given[0][0].strip().lower() if given else ""
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "text/plain" if default_type == "text/plain" and not media_type else "application/octet-stream"
    parameters = tuple((name.lower(), _value(value)) for name, value in given[1:])
    return _described(fields, media_type, parameters, mime, body)


def _described(
    fields: tuple[tuple[str, str], ...], media_type: str, parameters: tuple[tuple[str, str], ...], mime: Message, body: bytes
) -> Entity:
    if len(mime) == 0:
        return Entity(fields, media_type, parameters, "", "", "", body)
    disposition = (mime.get_content_disposition() or "").strip()
    content_id = str(mime.get("content-id") or "").strip()
    return Entity(fields, media_type, parameters, disposition, words(mime.get_filename("")), content_id.removeprefix("<").removesuffix(">"), body)


def _value(value: object) -> str:
    """A parameter's value; those of RFC 2231 come as charset, language and octets."""
    if isinstance(value, tuple):
        charset, _, text = value
        return text_of(str(text).encode("latin-1", "replace"), charset or "")
    return str(value)


def _split(content: bytes) -> tuple[bytes, bytes]:
    if content.startswith(b"\r\n"):
        return b"", content[2:]
    head, _, body = content.partition(b"\r\n\r\n")
    return head, body


def _fields(head: bytes, is_strict: bool) -> list[tuple[str, str]]:
    lines: list[list[bytes]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1].append(line)
        elif line:
            lines.append([line])
    fields = []
    for each in lines:
        found = _FIELD.fullmatch(b"".join(each))
        if found is None and is_strict:
            raise Invalid("A line in the header of the mail is not a field.")
        if found is not None:
            fields.append((found[1].decode("ascii"), text_of(found[2].strip(b" \t"), "utf-8")))
    return fields


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the lines of the boundary (RFC 2046 5.1.1); a missing last one is no matter."""
    text, mark = b"\r\n" + body, b"\r\n--" + boundary
    pieces: list[bytes] = []
    start, at = -1, text.find(mark)
    while at >= 0:
        end = text.find(b"\r\n", at + len(mark))
        end = len(text) if end < 0 else end
        rest = text[at + len(mark) : end].rstrip(b" \t")
        if rest not in (b"", b"--"):
            at = text.find(mark, at + len(mark))
            continue
        if start >= 0:
            pieces.append(text[start:at])
            if len(pieces) > MOST_PARTS:
                raise Invalid(f"The mail has more than {MOST_PARTS} parts.")
        if rest:
            return pieces
        start, at = end + 2, text.find(mark, end)
    return [*pieces, text[start:]] if start >= 0 else pieces
