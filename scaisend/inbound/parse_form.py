"""A mail for a parse host → the form that SendGrid's Inbound Parse posts.

    headers text html from to cc subject        of the mail; all text is UTF-8, which `charsets` says
    envelope sender_ip SPF dkim                 of its way here
    attachments attachment-info content-ids     and the files attachment1 … attachmentN
    email                                       the whole mail, instead of headers, texts and files, with `send_raw`
    spam_score spam_report                      no spam check is made here, and they say so
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from scaisend.faults import Invalid
from scaisend.inbound.form import FormFile
from scaisend.submission.mime import DEEPEST, MOST_PARTS, Entity, read_entity
from scaisend.submission.words import text_of, words

NO_SPAM_CHECK = "no spam check is made by this service"
_SHOWN = ("from", "to", "cc", "subject")


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail came: its envelope, the client's address, and the verdicts on it (`dkim` as SendGrid writes it)."""

    mail_from: str
    recipients: Sequence[str]
    sender_ip: str
    spf: str
    dkim: str


@dataclass(slots=True)
class _Found:
    plain: str | None = None
    html: str | None = None
    files: list[Entity] = field(default_factory=list)
    parts: int = 0


def parse_form(content: bytes, arrival: Arrival, *, is_raw: bool) -> tuple[list[tuple[str, bytes]], list[FormFile]]:
    """Fields and files of the form. Nothing raises, whatever the octets are: what cannot be read is left out, as a field is still there."""
    mail = _lenient(content)
    shown = {name: words(mail.field(name) or "") for name in _SHOWN if name != "cc" or mail.field(name) is not None}
    texts: dict[str, str] = {"dkim": arrival.dkim}
    files: list[FormFile] = []
    raw: list[tuple[str, bytes]] = []
    if is_raw:
        raw = [("email", content)]
    else:
        texts["headers"] = _head(content)
        found = _Found()
        _gather(mail, found, 0)
        shown |= {"text": found.plain or "", "html": found.html or ""}
        files = [_file(number, each) for number, each in enumerate(found.files, 1)]
        texts |= _about(found.files, files)
    envelope = {"to": list(arrival.recipients), "from": arrival.mail_from}
    texts |= shown | {
        "sender_ip": arrival.sender_ip, "SPF": arrival.spf, "envelope": orjson.dumps(envelope).decode(),
        "charsets": orjson.dumps(dict.fromkeys(shown, "UTF-8")).decode(), "spam_score": "0", "spam_report": NO_SPAM_CHECK,
    }
    return [(name, text.encode("utf-8", "replace")) for name, text in texts.items()] + raw, files


def _lenient(content: bytes) -> Entity:
    try:
        return read_entity(content, is_strict=False)
    except Invalid:
        return Entity((), "text/plain", (), "", "", "", content)


def _head(content: bytes) -> str:
    """The header as it came, its lines ended by LF."""
    head = b"" if content.startswith(b"\r\n") else content.partition(b"\r\n\r\n")[0] + b"\r\n"
    return text_of(head, "utf-8").replace("\r\n", "\n")


def _gather(entity: Entity, found: _Found, depth: int) -> None:
    """The first text of each kind is the mail's; every other part is a file."""
    if entity.is_multipart and depth < DEEPEST:
        try:
            parts = entity.parts(is_strict=False)
        except Invalid:
            parts = []
        for part in parts:
            _gather(part, found, depth + 1)
        if parts:
            return
    found.parts += 1
    if found.parts > MOST_PARTS:
        return
    is_text = entity.disposition != "attachment" and not entity.filename
    if is_text and found.plain is None and (entity.media_type == "text/plain" or entity.is_multipart):
        found.plain = _text(entity)
    elif is_text and found.html is None and entity.media_type == "text/html":
        found.html = _text(entity)
    else:
        found.files.append(entity)


def _text(entity: Entity) -> str:
    return text_of(_content(entity), entity.parameter("charset").strip()).replace("\r\n", "\n")


def _content(entity: Entity) -> bytes:
    try:
        return entity.content()
    except Invalid:
        return entity.body


def _file(number: int, entity: Entity) -> FormFile:
    return FormFile(f"attachment{number}", entity.filename or f"attachment{number}", entity.media_type, _content(entity))


def _about(entities: Sequence[Entity], files: Sequence[FormFile]) -> dict[str, str]:
    """How many files there are, what they are called, and which stands for which Content-ID."""
    about: dict[str, str] = {"attachments": str(len(files))}
    if not files:
        return about
    info, content_ids = {}, {}
    for entity, file in zip(entities, files, strict=True):
        told = {"filename": file.filename, "name": file.filename, "type": file.media_type}
        if entity.content_id:
            told["content-id"] = entity.content_id
            content_ids[entity.content_id] = file.name
        info[file.name] = told
    about["attachment-info"] = orjson.dumps(info).decode()
    if content_ids:
        about["content-ids"] = orjson.dumps(content_ids).decode()
    return about
