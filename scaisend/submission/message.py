"""A mail that was handed in → the body of a send request, so that one validation and one road serve both.

    From                          from                   Subject, Reply-To         subject, reply_to or reply_to_list
    text/plain, text/html         content                other forms of the text   content, after them
    everything else               attachments, inline where it is shown within the HTML
    other fields                  headers, the first of each name; Bcc, Received, signatures and MIME's own are left out

The envelope says who gets the mail. To and Cc say who is shown, of those who get it; who is in the envelope alone is a bcc. Where
nobody would be shown, each recipient gets a mail of its own, so that none learns of the others.
"""

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from scaisend.address import fold
from scaisend.content.substitutions import TooMuchText, substitute
from scaisend.faults import Fault, Invalid
from scaisend.submission.mime import DEEPEST, MOST_PARTS, Entity, read_entity
from scaisend.submission.smtpapi import INVALID, SmtpApi, read_smtpapi
from scaisend.submission.words import mailboxes, words

EMPTY_TEXT = "\n"
WRAPPED_AT = ("<% body %>", "<%body%>")
IDEMPOTENCY_KEY = "idempotency-key"

# What the request has fields of its own for, what is made anew, and what was meant for us alone.
_NOT_HEADERS = frozenset({
    "from", "to", "cc", "bcc", "subject", "reply-to", "mime-version", "received", "return-path", "dkim-signature", "x-sg-id", "x-sg-eid",
    "x-smtpapi", IDEMPOTENCY_KEY,
})
# What a second try of the same mail may have anew.
_OF_ONE_TRY = frozenset({"date", "message-id"})
# These lose their meaning when a mail is composed anew.
_SEALED = frozenset({"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})

Mailbox = dict[str, str]


@dataclass(frozen=True, slots=True)
class Submitted:
    """`request` is the body of a send request. `likeness` is the same for two tries of one mail; both only matter with a `key`."""

    request: bytes
    key: str | None
    likeness: bytes


@dataclass(slots=True)
class _Found:
    """What the parts of a mail are."""

    plain: str | None = None
    html: str | None = None
    others: list[dict[str, str]] = field(default_factory=list)
    attachments: list[dict[str, str]] = field(default_factory=list)
    parts: int = 0


def read_submission(content: bytes, sender: str, recipients: Sequence[str]) -> Submitted:
    """The send request that the mail and its envelope make.

    Raises: Invalid when the mail cannot be read, cannot be carried, or its X-SMTPAPI is malformed.
    """
    mail = read_entity(content)
    asked = read_smtpapi(mail.field("x-smtpapi"))
    request: dict[str, object] = dict(asked.fields)
    _add_senders(request, mail, sender)
    if subject := words(mail.field("subject") or "").strip():
        request["subject"] = subject
    _add_text(request, mail, asked)
    if headers := _headers(mail):
        request["headers"] = headers
    request["personalizations"] = _personalizations(mail, recipients, asked)
    key = mail.field(IDEMPOTENCY_KEY)
    likeness = b""
    if key is not None:
        kept = {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_TRY}
        likeness = orjson.dumps({**request, "headers": kept}, option=orjson.OPT_SORT_KEYS)
    return Submitted(orjson.dumps(request), key, likeness)


def _add_senders(request: dict[str, object], mail: Entity, sender: str) -> None:
    """From, or the envelope's sender where the header has none; Reply-To."""
    found = mailboxes(mail.field("from") or "") or ([{"email": sender}] if sender else [])
    if len(found) > 1:
        raise Invalid("A mail has one sender: the From field names several.", "from")
    if found:
        request["from"] = found[0]
    replies = mailboxes(mail.field("reply-to") or "")
    if replies:
        request["reply_to" if len(replies) == 1 else "reply_to_list"] = replies[0] if len(replies) == 1 else replies


def _headers(mail: Entity) -> dict[str, str]:
    headers: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in mail.fields:
        lower = name.lower()
        if lower not in _NOT_HEADERS and lower not in seen and not lower.startswith("content-"):
            seen.add(lower)
            headers[name] = words(value)
    return headers


# Who gets it


def _personalizations(mail: Entity, recipients: Sequence[str], asked: SmtpApi) -> list[dict[str, object]]:
    made: list[dict[str, object]]
    made = [{"to": [each]} for each in asked.to] if asked.to else _by_envelope(mail, recipients)
    faults = [
        Fault(f"{INVALID}: {len(values)} values for {len(made)} recipients", f"x-smtpapi.{name}"[:100])
        for name, values in _lists(asked) if len(values) < len(made)
    ]
    if faults:
        raise Invalid(faults)
    for number, each in enumerate(made):
        own = {tag: values[number] for tag, values in asked.substitutions.items()}
        if own:
            each["substitutions"] = own
        if asked.unique_args:
            each["custom_args"] = _substituted(asked.unique_args, own)
        if asked.send_each_at:
            each["send_at"] = asked.send_each_at[number]
    return made


def _lists(asked: SmtpApi) -> list[tuple[str, Sequence[object]]]:
    lists: list[tuple[str, Sequence[object]]] = [(f"sub.{tag}", values) for tag, values in asked.substitutions.items()]
    return lists if asked.send_each_at is None else [*lists, ("send_each_at", asked.send_each_at)]


def _substituted(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    try:
        return {key: substitute(text, values) for key, text in texts.items()} if values else dict(texts)
    except TooMuchText as error:
        raise Invalid(error.faults) from None


def _by_envelope(mail: Entity, recipients: Sequence[str]) -> list[dict[str, object]]:
    """One mail that shows To and Cc, or a mail for each where neither names anybody who gets it."""
    left = {fold(each): each for each in recipients}
    to, cc = _shown(mail, "to", left), _shown(mail, "cc", left)
    hidden: list[Mailbox] = [{"email": each} for each in left.values()]
    if not to:
        to, cc = cc, []
    if not to:
        return [{"to": [each]} for each in hidden]
    made: dict[str, object] = {"to": to}
    if cc:
        made["cc"] = cc
    if hidden:
        made["bcc"] = hidden
    return [made]


def _shown(mail: Entity, name: str, left: dict[str, str]) -> list[Mailbox]:
    """The field's mailboxes that are in the envelope; they are taken out of `left`."""
    shown = []
    for value in [value for each, value in mail.fields if each.lower() == name]:
        for mailbox in mailboxes(value):
            email = left.pop(fold(mailbox["email"]), None)
            if email is not None:
                shown.append({**mailbox, "email": email})
    return shown


# What it says


def _add_text(request: dict[str, object], mail: Entity, asked: SmtpApi) -> None:
    found = _Found()
    _gather(mail, found, "", 0)
    html = found.html
    if html is not None and asked.wrapper:
        html = next((asked.wrapper.replace(tag, html) for tag in WRAPPED_AT if tag in asked.wrapper), html)
    content = [] if found.plain is None else [{"type": "text/plain", "value": found.plain or EMPTY_TEXT}]
    if html is not None:
        content.append({"type": "text/html", "value": html or EMPTY_TEXT})
    content += found.others
    if not content and "template_id" not in request:
        content = [{"type": "text/plain", "value": EMPTY_TEXT}]
    if content:
        request["content"] = content
    if found.attachments:
        request["attachments"] = found.attachments


def _gather(entity: Entity, found: _Found, within: str, depth: int) -> None:
    """Puts the entity, which stands in a multipart of the type `within`, where it belongs."""
    kind = entity.media_type
    if kind in _SEALED and entity.disposition != "attachment":
        raise Invalid(f"{kind} cannot be carried: this service composes mails anew, which would break it.")
    if entity.is_multipart:
        if depth >= DEEPEST:
            raise Invalid(f"The parts of the mail are nested more than {DEEPEST} deep.")
        for part in entity.parts():
            _gather(part, found, kind, depth + 1)
        return
    found.parts += 1
    if found.parts > MOST_PARTS:
        raise Invalid(f"The mail has more than {MOST_PARTS} parts.")
    is_text = kind.startswith("text/") and entity.disposition != "attachment" and not entity.filename
    if is_text and kind == "text/plain" and found.plain is None:
        found.plain = entity.text()
    elif is_text and kind == "text/html" and found.html is None:
        found.html = entity.text()
    elif is_text and kind not in ("text/plain", "text/html") and within == "multipart/alternative":
        found.others.append({"type": kind, "value": entity.text() or EMPTY_TEXT})
    else:
        found.attachments.append(_attachment(entity, within, is_text))


def _attachment(entity: Entity, within: str, is_text: bool) -> dict[str, str]:
    # Some programs call what is shown within the HTML an attachment for having a name.
    is_related = bool(entity.content_id) and within == "multipart/related"
    is_shown = is_related or entity.disposition == "inline" or (not entity.disposition and is_text)
    attachment = {
        "content": b2a_base64(entity.content(), newline=False).decode("ascii"), "type": entity.described_type(),
        "filename": entity.filename or ("message.eml" if entity.media_type == "message/rfc822" else ""),
        "disposition": "inline" if is_shown else "attachment",
    }
    return {**attachment, "content_id": entity.content_id} if entity.content_id else attachment
