"""What a request says → the mail of one personalization."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from scaisend import address
from scaisend.content.substitutions import substitute, whole_values
from scaisend.faults import ScaiSendError
from scaisend.sending.headers import bracketed
from scaisend.sending.mail import Attached, Mail, Mailbox, Part
from scaisend.sending.templated import MailTemplate, Said, templated
from scaisend.tracking.pixel import body_end

Values = Mapping[str, object]


class RenderError(ScaiSendError):
    """The mail cannot be made from its request; the text is the reason that the sender is told."""


class Addressee(Protocol):
    """A recipient as the request gave it, or as it is stored: `kind` is to, cc or bcc."""

    @property
    def kind(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str | None: ...


def render(
    shared: Values, own: Values, recipients: Sequence[Addressee], *, message_id: str, accepted_at: float, template: MailTemplate | None = None
) -> Mail:
    """The mail of one personalization: `shared` and `own` are laid out as `sending/request.py` makes them.

    What is its own goes before what is shared, key by key in the headers. `recipients` are all that the mail was
    addressed to; bcc is not shown. `accepted_at`, epoch seconds, is the mail's date. `template` is the active version of the
    template that it names.

    Raises: RenderError when a template is named and there is none, or subject or sender are missing or not usable;
    TemplateDataError and TemplateUnusable as `templated` does; TooMuchText when substitutions make too much of it.
    """
    said = _said(shared, own, template)
    values = _substitutions(shared, own)
    subject, content = said.subject, said.parts
    if not subject:
        raise RenderError("the message has no subject", "subject")
    sender = _mailbox(own.get("from") or shared.get("from"))
    headers = merged(shared, own, "headers", fold_case=True)
    given_id = next((value for name, value in headers.items() if name.lower() == "message-id"), None)
    return Mail(
        from_=sender,
        to=_shown(recipients, "to"),
        cc=_shown(recipients, "cc"),
        reply_to=_reply_to(shared, values),
        subject=_one_line(substitute(subject, values) if values else subject),
        date_at=accepted_at,
        message_id=bracketed(given_id) if given_id else own_message_id(message_id, sender.email),
        boundary_seed=message_id,
        headers=headers,
        parts=_with_footer(_substituted(content, values) if values else content, shared),
        attachments=_attachments(shared),
    )


def own_message_id(message_id: str, from_email: str) -> str:
    """The Message-ID of a message that brought none: its id without the prefix, at the sender's domain.

    Raises: RenderError when the sender's domain is no domain name.
    """
    try:
        domain = address.domain_of(from_email)
    except ValueError as reason:
        raise RenderError(f"the sender's address is not valid: {reason}", "from") from None
    return f"<{message_id.rpartition('_')[2]}@{domain}>"


def merged(shared: Values, own: Values, key: str, *, fold_case: bool = False) -> dict[str, str]:
    """The strings under `key`, its own before the shared ones, name by name; `fold_case` for header names."""
    ours = cast("Mapping[str, str]", own.get(key) or {})
    common = cast("Mapping[str, str]", shared.get(key) or {})
    if not ours or not common:
        return dict(ours or common)
    if not fold_case:
        return {**common, **ours}
    taken = {name.lower() for name in ours}
    return {**{name: value for name, value in common.items() if name.lower() not in taken}, **ours}


def _said(shared: Values, own: Values, template: MailTemplate | None) -> Said:
    """Subject and content, of the template where one is named."""
    content = cast("Sequence[Mapping[str, str]]", shared.get("content") or ())
    given = Said(_text(own, "subject") or _text(shared, "subject"), tuple([Part(each["type"], each["value"]) for each in content]))
    template_id = _text(shared, "template_id")
    if template_id is None:
        return given
    if template is None:
        raise RenderError(f"the template {template_id} has no active version any more", "template_id")
    return templated(template, given, shared, own)


def _substitutions(shared: Values, own: Values) -> dict[str, str]:
    given = cast("Mapping[str, str]", own.get("substitutions") or {})
    return whole_values(given, cast("Mapping[str, str]", shared.get("sections") or {}))


def _substituted(parts: Sequence[Part], values: Mapping[str, str]) -> tuple[Part, ...]:
    return tuple([Part(part.media_type, substitute(part.text, values)) for part in parts])


def _with_footer(parts: tuple[Part, ...], shared: Values) -> tuple[Part, ...]:
    """The parts with the footer of `mail_settings`, in HTML before the end of the body."""
    footer = _section(_section(shared, "mail_settings"), "footer")
    if not footer.get("enable"):
        return parts
    text, html = _text(footer, "text"), _text(footer, "html")
    done = []
    for part in parts:
        if part.media_type == "text/plain" and text:
            line_end = "" if part.text.endswith("\n") else "\n"
            part = Part(part.media_type, f"{part.text}{line_end}{text}")
        elif part.media_type == "text/html" and html:
            at = body_end(part.text)
            part = Part(part.media_type, part.text[:at] + html + part.text[at:])
        done.append(part)
    return tuple(done)


def _reply_to(shared: Values, values: Mapping[str, str]) -> tuple[Mailbox, ...]:
    given = shared.get("reply_to_list") or ([shared["reply_to"]] if shared.get("reply_to") else [])
    mailboxes = [_mailbox(each) for each in cast("Sequence[object]", given)]
    if not values:
        return tuple(mailboxes)
    return tuple([
        Mailbox(substitute(each.email, values), _one_line(substitute(each.name, values)) if each.name else None) for each in mailboxes
    ])


def _attachments(shared: Values) -> tuple[Attached, ...]:
    given = cast("Sequence[Values]", shared.get("attachments") or ())
    return tuple([
        Attached(
            filename=_text(each, "filename") or "",
            media_type=_text(each, "type") or "application/octet-stream",
            disposition=_text(each, "disposition") or "attachment",
            content_id=_text(each, "content_id"),
            object_key=str(each["object"]),
            encoded_size=cast("int", each["encoded_size"]),
        )
        for each in given
    ])


def _shown(recipients: Sequence[Addressee], kind: str) -> tuple[Mailbox, ...]:
    return tuple([Mailbox(each.email, each.name) for each in recipients if each.kind == kind])


def _mailbox(given: object) -> Mailbox:
    if not isinstance(given, Mapping) or not isinstance(given.get("email"), str):
        raise RenderError("the message has no sender", "from")
    name = given.get("name")
    return Mailbox(given["email"], name if isinstance(name, str) and name else None)


def _section(values: Values, key: str) -> Values:
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(values: Values, key: str) -> str | None:
    found = values.get(key)
    return found if isinstance(found, str) else None


def _one_line(text: str) -> str:
    """Line ends, which a substitution may bring into a header, as spaces."""
    return " ".join(text.split("\r\n")).replace("\r", " ").replace("\n", " ") if "\n" in text or "\r" in text else text
