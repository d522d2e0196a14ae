"""Mail → MIME bytes, by hand (RFC 5322, 2045–2049, 2231, 2387, 6532): seven-bit, CRLF once, the same bytes each time.

    multipart/mixed                  when there are attachments
      multipart/alternative          when the text has several forms: plain, AMP, HTML, others
        text/plain
        multipart/related            when images are shown inline
          text/html
          image/png, Content-ID
      application/pdf

An attachment's encoded content is not here: its place is held by an `ObjectRef`. What is a recipient's own is not here either: its
place is held by a `TokenRef`, so that one mail serves all of its recipients.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from scaisend.sending.encodings import BASE64, QUOTED_PRINTABLE, SEVEN_BIT, base64_lines, encoded_text
from scaisend.sending.headers import bracketed, mailboxes_field, own_field, parameter, parameters_field, text_field
from scaisend.sending.mail import Attached, ComposeError, Mail, Part
from scaisend.sending.places import with_places
from scaisend.sending.segments import ObjectRef, Segment, join, object_keys, pack, size_of, unpack

__all__ = ["ComposeError", "Composed", "ObjectRef", "compose", "encode_attachment", "join", "object_keys", "pack", "unpack"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
_PARAMETER = re.compile(r';[ ]*([\w!#$&^.+-]+)=("(?:[^"\\\r\n]|\\[ -~])*"|[\w!#$&^.+/:-]+)[ ]*', re.ASCII)
_METHOD = re.compile(r"^METHOD:([A-Za-z-]+)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,250}")
# The order of the forms: the last that a reader knows is shown, and old readers know HTML best.
_FORMS = {"text/plain": 0, "text/x-amp-html": 1, "text/html": 2}
_PLAIN_HEADERS = {
    (media_type, encoding): f"Content-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    for media_type in _FORMS
    for encoding in (SEVEN_BIT, QUOTED_PRINTABLE, BASE64)
}
_WRITTEN_HERE = frozenset(
    {"from", "to", "cc", "bcc", "subject", "reply-to", "date", "message-id", "mime-version", "return-path", "received", "dkim-signature"}
)


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail's bytes, with the places of its attachments. It is never 8-bit but in the header, and then needs SMTPUTF8."""

    segments: tuple[Segment, ...]
    size_bytes: int
    needs_smtputf8: bool
    is_8bit: bool = False


@dataclass(slots=True)
class _Entity:
    """A body part: its header fields, with the empty line after them, and its content."""

    header: bytes
    content: tuple[Segment, ...]
    media_type: str


def encode_attachment(content: bytes) -> bytes:
    """The content as it stands in a mail: base64 in lines of 76, each with its CRLF."""
    return base64_lines(content)


def compose(mail: Mail) -> Composed:
    """The mail as it goes over the wire, unsigned: CRLF at each line's end and nowhere else, ended by one.

    Bcc recipients are nowhere in it. The same mail gives the same bytes.

    Raises: ComposeError when an address, a header field or a media type has no legal form.
    """
    header, needs_smtputf8 = _header(mail)
    entity = _whole(mail)
    segments = _merged([header, entity.header, *entity.content])
    if mail.places:
        segments = with_places(segments, mail.places)
    return Composed(segments, size_of(segments), needs_smtputf8)


def _header(mail: Mail) -> tuple[bytes, bool]:
    """The fields before Content-Type, in the order that readers of raw mail expect."""
    message_id, date, own = mail.message_id, None, []
    for name, value in mail.headers.items():
        lowered = name.lower()
        if lowered == "message-id":
            message_id = bracketed(value)
        elif lowered == "date":
            date = value
        elif lowered not in _WRITTEN_HERE and not lowered.startswith("content-"):
            own.append(own_field(name, value))
    from_field, needs_smtputf8 = mailboxes_field("From", (mail.from_,))
    fields = [from_field]
    for name, mailboxes in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
        if mailboxes:
            written, is_utf8 = mailboxes_field(name, mailboxes)
            needs_smtputf8 = needs_smtputf8 or is_utf8
            fields.append(written)
    if not mail.to and not mail.cc:
        fields.append(b"To: undisclosed-recipients:;\r\n")
    fields.append(text_field("Subject", mail.subject))
    fields.append(own_field("Date", _date(mail.date_at) if date is None else date))
    fields.append(own_field("Message-ID", message_id))
    fields += own
    fields.append(b"MIME-Version: 1.0\r\n")
    return b"".join(fields), needs_smtputf8


def _date(at: float) -> str:
    """RFC 5322 3.3, in UTC."""
    day = datetime.fromtimestamp(int(at), UTC)
    clock = f"{day.hour:02}:{day.minute:02}:{day.second:02}"
    return f"{_DAYS[day.weekday()]}, {day.day:02} {_MONTHS[day.month - 1]} {day.year:04} {clock} +0000"


def _whole(mail: Mail) -> _Entity:
    """The one entity that the mail is."""
    boundaries = _boundaries(mail.boundary_seed)
    forms = [_text_entity(part, may_be_base64=not any(each in part.text for each in mail.places)) for part in mail.parts]
    if len(forms) > 1:
        forms.sort(key=_place)
    others: Sequence[Attached] = mail.attachments
    if others:
        forms, others = _with_inline(forms, others, boundaries)
    body = [_multipart("alternative", forms, boundaries)] if len(forms) > 1 else forms
    if others:
        # A report on TLS is told by its outermost type (RFC 8460 5.3).
        is_report = any(each.media_type.startswith("application/tlsrpt+") for each in others)
        kind, more = ("report", "; report-type=tlsrpt") if is_report else ("mixed", "")
        return _multipart(kind, [*body, *map(_attached_entity, others)], boundaries, more)
    return _ended(body[0] if body else _text_entity(Part("text/plain", "")))


def _place(form: _Entity) -> int:
    return _FORMS.get(form.media_type, len(_FORMS))


def _with_inline(
    forms: list[_Entity], attachments: Sequence[Attached], boundaries: Iterator[str]
) -> tuple[list[_Entity], list[Attached]]:
    """The forms, the HTML together with what it shows inline; and the attachments that are left."""
    at = next((number for number, form in enumerate(forms) if form.media_type == "text/html"), None)
    inline = [each for each in attachments if at is not None and each.disposition == "inline" and each.content_id]
    if at is None or not inline:
        return forms, list(attachments)
    related = _multipart("related", [forms[at], *map(_attached_entity, inline)], boundaries, '; type="text/html"')
    return [*forms[:at], related, *forms[at + 1 :]], [each for each in attachments if each not in inline]


def _text_entity(part: Part, *, may_be_base64: bool = True) -> _Entity:
    encoding, content = encoded_text(part.text, may_be_base64=may_be_base64)
    header = _PLAIN_HEADERS.get((part.media_type, encoding))
    if header is not None:
        return _Entity(header, (content,), part.media_type)
    media_type, parameters = _media_type(part.media_type, "text/plain")
    parameters = [each for each in parameters if not each.startswith("charset=")]
    if media_type == "text/calendar" and not any(each.startswith("method=") for each in parameters):
        # A calendar's method stands outside too, or no reader takes it for an invitation (RFC 6047 2.4).
        parameters += [f"method={found[1].upper()}" for found in _METHOD.finditer(part.text)][:1]
    field = parameters_field("Content-Type", media_type, [*parameters, "charset=utf-8"])
    header = b"%sContent-Transfer-Encoding: %s\r\n\r\n" % (field, encoding.encode())
    return _Entity(header, (content,), media_type)


def _attached_entity(attached: Attached) -> _Entity:
    media_type, parameters = _media_type(attached.media_type, "application/octet-stream")
    if media_type.startswith(("message/", "multipart/")):
        # These may not be base64 (RFC 2046 5.2.1, RFC 2045 6.4), and the content already is.
        media_type, parameters = "application/octet-stream", []
    names = parameter("filename", attached.filename) if attached.filename else []
    disposition = "inline" if attached.disposition == "inline" else "attachment"
    fields = [
        parameters_field("Content-Type", media_type, parameters),
        f"Content-Transfer-Encoding: {BASE64}\r\n".encode(),
        parameters_field("Content-Disposition", disposition, names),
    ]
    if attached.content_id:
        fields.append(own_field("Content-ID", f"<{_content_id(attached.content_id)}>"))
    return _Entity(b"".join(fields) + b"\r\n", (ObjectRef(attached.object_key, attached.encoded_size),), media_type)


def _content_id(content_id: str) -> str:
    bare = content_id.strip(" ")
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1]
    if not _CONTENT_ID.fullmatch(bare):
        raise ComposeError("a content_id must be printable ASCII without spaces and angle brackets")
    return bare


def _media_type(given: str, otherwise: str) -> tuple[str, list[str]]:
    """Type and parameters of a media type, lower case; `otherwise` when it is none, parameters that are none left out."""
    media_type, _, rest = given.partition(";")
    media_type = media_type.strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        return otherwise, []
    return media_type, [f"{found[1].lower()}={found[2]}" for found in _PARAMETER.finditer(";" + rest)] if rest else []


def _boundaries(seed: str) -> Iterator[str]:
    """Boundaries for this mail, endless; `=_` occurs neither in quoted-printable nor in base64."""
    number = 0
    while True:
        yield f"=_{sha256(f'{number} {seed}'.encode('utf-8', 'replace')).hexdigest()[:28]}"
        number += 1


def _multipart(subtype: str, entities: Sequence[_Entity], boundaries: Iterator[str], parameters: str = "") -> _Entity:
    """The entities under a boundary that occurs in none of them."""
    boundary = next(each for each in boundaries if not _occurs(each.encode(), entities))
    delimiter = f"--{boundary}\r\n".encode()
    content: list[Segment] = []
    for entity in entities:
        content += (delimiter, entity.header, *entity.content, b"\r\n")
    content.append(f"--{boundary}--\r\n".encode())
    header = f'Content-Type: multipart/{subtype}{parameters};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    return _Entity(header, tuple(content), f"multipart/{subtype}")


def _occurs(boundary: bytes, entities: Iterable[_Entity]) -> bool:
    for entity in entities:
        if boundary in entity.header:
            return True
        for each in entity.content:
            if isinstance(each, bytes) and boundary in each:
                return True
    return False


def _ended(entity: _Entity) -> _Entity:
    """The entity with a CRLF at its end, as a mail's last line needs it."""
    last = entity.content[-1]
    if isinstance(last, bytes) and last and not last.endswith(b"\r\n"):
        return _Entity(entity.header, (*entity.content, b"\r\n"), entity.media_type)
    return entity


def _merged(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Neighbouring bytes as one segment."""
    merged: list[Segment] = []
    together: list[bytes] = []
    for each in segments:
        if isinstance(each, bytes):
            together.append(each)
            continue
        if together:
            merged.append(b"".join(together))
            together = []
        merged.append(each)
    if together:
        merged.append(b"".join(together))
    return tuple(merged)
