"""One door: the octets of a mail that came back, and what it says. Nothing raises, whatever the octets are.

The order decides: complaints and other reports have parts of their own; then the parts of delivery reports; then the words, in which
automatic replies are looked for before bounces, unless a mail system wrote them.
"""

import re
from dataclasses import replace

from scaisend.inbound.arf import original_of, read_arf
from scaisend.inbound.auto_reply import is_challenge, read_auto_reply, read_other_report
from scaisend.inbound.dsn import STATUS_PARTS, read_dsn
from scaisend.inbound.mime import Mail, read_fields, read_mail
from scaisend.inbound.reading import AUTOREPLY, BOUNCE, OTHER, Reading, kind_of
from scaisend.inbound.texts import (
    TextBounce,
    is_named_mail_system,
    read_text_bounce,
    signs_of_mail_system,
    split_original,
)

_MESSAGE_ID = re.compile(r"(<?[^\s<>]{1,250}>?)").search
_ID_LINE = re.compile(r"^message-id\s*:[ \t]*(?:\r?\n[ \t]+)?(<?[^\s<>]{1,250}>?)", re.IGNORECASE | re.MULTILINE).search


def read(content: bytes) -> Reading:
    """What the mail says."""
    mail = read_mail(content)
    found = read_arf(mail)
    if found is not None:
        return replace(found, original_message_id=_original_message_id(mail, ""))
    other = read_other_report(mail)
    if other is not None:
        return other
    if is_challenge(mail):
        return Reading(AUTOREPLY, "autoreply.challenge")
    reported = read_dsn(mail)
    if reported:
        return Reading(kind_of(reported), "dsn", reported, original_message_id=_original_message_id(mail, ""))
    automatic = read_auto_reply(mail, is_named_mail_system(mail))
    if automatic is not None and automatic.rule != "autoreply.auto-submitted":
        return automatic
    bounce = read_text_bounce(mail)
    wrapped = _wrapped(mail)
    if wrapped is not None:
        return wrapped
    if bounce is not None:
        return _of_text(mail, bounce)
    if automatic is not None:
        return automatic
    return Reading(BOUNCE, "unnamed") if mail.of_type(*STATUS_PARTS) and signs_of_mail_system(mail) else Reading(OTHER, "other")


def _wrapped(mail: Mail) -> Reading | None:
    """The delivery report that a gateway put, as a mail inside, into a mail of its own. Only mail systems do so; people forward."""
    part = next(iter(mail.of_type("message/rfc822")), None)
    if part is None or not signs_of_mail_system(mail):
        return None
    inner = read_mail(part.content())
    reported = read_dsn(inner) if signs_of_mail_system(inner) else ()
    return Reading(kind_of(reported), "dsn.wrapped", reported, original_message_id=_original_message_id(inner, "")) if reported else None


def _of_text(mail: Mail, bounce: TextBounce) -> Reading:
    message_id = _original_message_id(mail, bounce.original)
    return Reading(kind_of(bounce.recipients), bounce.rule, bounce.recipients, original_message_id=message_id)


def _original_message_id(mail: Mail, original: str) -> str | None:
    """The Message-ID in the copy of the original, which is a part of its own or stands below the report's words."""
    part = original_of(mail)
    if part is not None:
        fields = read_fields(part.text()[:64_000].lstrip("\n"))
        value = next((value for group in fields[:1] for name, value in group if name == "message-id"), "")
        found = _MESSAGE_ID(value)
        if found is not None:
            return found[1]
    if not original:
        original = split_original("\n".join(each.text() for each in mail.parts if each.media_type == "text/plain")[:64_000])[1]
    line = _ID_LINE(original)
    return line[1] if line is not None else None
