"""Feedback reports: RFC 5965 and 6650, the types of 6591 and 6430, and the plain forms that came before them.

    Feedback-Type: abuse                          a message/feedback-report part,
    Original-Rcpt-To: ann@example.net             and the mail that is spoken of, or its header
    Source-IP: 192.0.2.1
"""

import re

from scaisend.inbound.mime import Mail, Part, read_fields
from scaisend.inbound.reading import ARF, Reading, Reported

FEEDBACK_PART = "message/feedback-report"
KNOWN_TYPES = ("abuse", "fraud", "virus", "other", "not-spam", "opt-out", "opt-out-list", "auth-failure", "miscategorized", "dkim", "dmarc")
ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers")
MOST_RECIPIENTS = 100

_ADDRESS = re.compile(r"([^\s<>\"(),;:\[\]]{1,200}@[^\s<>\"(),;:\[\]@]{1,255})").findall
_JMRP_SUBJECT = re.compile(r"^\s*complaint about message from \[?[\d.:a-f]{3,40}", re.IGNORECASE).match
_JMRP_SENDER = re.compile(r"<?staff@hotmail\.com>?|<?(?:feedbackloop|fbl|fbl-no-reply|feedback)@", re.IGNORECASE).search


def read_arf(mail: Mail) -> Reading | None:
    """The feedback report that the mail is, or None."""
    for part in mail.of_type(FEEDBACK_PART):
        fields = [each for group in read_fields(part.text()) for each in group]
        kind = next((value.strip().lower() for name, value in fields if name == "feedback-type"), "")
        kind = re.sub(r"[^\w-].*", "", kind)
        if not kind and not any(name in ("user-agent", "version", "original-rcpt-to", "source-ip") for name, _ in fields):
            continue
        return _report(mail, fields, kind or "other")
    return _plain(mail)


def original_of(mail: Mail) -> Part | None:
    """The copy of the mail that is spoken of, or of its header, in a part of its own."""
    return next(iter(mail.of_type(*ORIGINALS)), None)


def _report(mail: Mail, fields: list[tuple[str, str]], kind: str) -> Reading:
    named = [address for name, value in fields if name in ("original-rcpt-to", "removal-recipient") for address in _ADDRESS(value)]
    original = original_of(mail)
    if not named and original is not None:
        named = _to_of(original)
    source = next((value for name, value in fields if name == "source-ip"), "").split()
    return Reading(
        ARF, f"arf.{kind}" if kind in KNOWN_TYPES else "arf.unknown-type", _reported(named), kind if kind in KNOWN_TYPES else "other",
        source_ip=source[0][:64] if source else None, reporter=next((value for name, value in fields if name == "user-agent"), None),
    )


def _plain(mail: Mail) -> Reading | None:
    """Microsoft's Junk Mail Reporting Program and its like: the mail itself attached, and no report part."""
    original = next(iter(mail.of_type("message/rfc822")), None)
    if original is None or _JMRP_SUBJECT(mail.top.field("subject")) is None or _JMRP_SENDER(mail.top.field("from")) is None:
        return None
    fields = read_fields(original.text()[:64_000])[:1]
    named = [address for name, value in (fields[0] if fields else []) if name == "x-hmxmroriginalrecipient" for address in _ADDRESS(value)]
    return Reading(ARF, "arf.jmrp", _reported(named or _to_of(original)), "abuse")


def _to_of(original: Part) -> list[str]:
    groups = read_fields(original.text()[:64_000].lstrip("\n"))
    return [address for name, value in (groups[0] if groups else []) if name == "to" for address in _ADDRESS(value)]


def _reported(named: list[str]) -> tuple[Reported, ...]:
    return tuple(Reported(each, "complained") for each in {each.lower(): each for each in named[:MOST_RECIPIENTS]}.values())
