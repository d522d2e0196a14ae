"""What a kept mail shows: its parts, its header, and whether its DKIM signatures hold."""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any

import dkim

from scaisend.app.mail_files import decoded

PublicRecord = Callable[[str, str], Awaitable[str | None]]
INLINE_BYTES = 1_000_000
MOST_SIGNATURES = 5


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is no text body."""

    filename: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature; `verdict` is `pass`, or `fail` or `not checked` and why."""

    domain: str
    selector: str
    algorithm: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail, read as far as it can be."""

    fields: Sequence[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: Sequence[Attachment]


def read_mail(content: bytes) -> Shown:
    """The first text and HTML bodies, with inline images put into the HTML; never raises for what a mail may hold."""
    message = message_from_bytes(content)
    text: str | None = None
    html: str | None = None
    inline: dict[str, str] = {}
    attachments = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        octets = _octets(part)
        is_body = part.get_content_disposition() != "attachment" and not part.get_filename()
        if is_body and kind == "text/plain" and text is None:
            text = _text(part, octets)
        elif is_body and kind == "text/html" and html is None:
            html = _text(part, octets)
        else:
            attachments.append(Attachment(decoded(part.get_filename() or "without a name"), kind, len(octets)))
            content_id = str(part.get("Content-ID", "")).strip().strip("<>")
            if content_id and kind.startswith("image/") and len(octets) <= INLINE_BYTES:
                inline[content_id] = f"data:{kind};base64,{b64encode(octets).decode()}"
    if html is not None and inline:
        html = re.sub(r"cid:([^\"'\s>)]+)", lambda match: inline.get(match[1], match[0]), html)
    return Shown([(name, decoded(str(value))) for name, value in message.items()], text, html, attachments)


async def check_signatures(content: bytes, public_record: PublicRecord) -> list[Signature]:
    """The verdict on each DKIM signature (RFC 6376), topmost first, by the keys that `public_record(selector, domain)` knows."""
    try:
        checker: Any = dkim.DKIM(content)  # type: ignore[no-untyped-call]  # dkimpy has no types
    except (dkim.DKIMException, IndexError):  # the latter for a header that begins with a fold
        return []
    found = [value for name, value in checker.headers if name.lower() == b"dkim-signature"][:MOST_SIGNATURES]
    signatures = []
    for index, field in enumerate(found):
        tags = _tags(field)
        domain, selector = tags.get("d", ""), tags.get("s", "")
        record = await public_record(selector, domain) if domain and selector else None
        verdict = _verdict(checker, index, record)
        signatures.append(Signature(domain, selector, tags.get("a", ""), verdict))
    return signatures


def _tags(field: bytes) -> dict[str, str]:
    """Tag → value of a signature; empty when it cannot be read."""
    try:
        pairs = dkim.util.parse_tag_value(field).items()  # type: ignore[no-untyped-call]  # dkimpy has no types
        return {name.decode(): value.decode() for name, value in pairs}
    except (dkim.util.InvalidTagValueList, UnicodeDecodeError):
        return {}


def _verdict(checker: Any, index: int, record: str | None) -> str:
    if record is None:
        return "fail: no key of ours has this selector and domain"
    answer = record.encode()
    try:
        return "pass" if checker.verify(idx=index, dnsfunc=lambda name, timeout=5: answer) else "fail: the signature does not fit"
    except dkim.NaClNotFoundError:
        return "not checked: Ed25519 needs PyNaCl"
    except (dkim.DKIMException, ValueError, KeyError) as error:
        return f"fail: {error}"


def _octets(part: "Message[str, str]") -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: "Message[str, str]", octets: bytes) -> str:
    try:
        return octets.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return octets.decode("utf-8", "replace")
