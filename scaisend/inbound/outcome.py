"""What a reading means for the recipient that it speaks of: a change to record, or nothing.

Who is spoken of is proved by a token of ours, in the address the mail came to or in the copy of the original; or only claimed, by a
Message-ID. What is only claimed becomes an event and never a suppression.

    failed     and delivered, in doubt or not ended   → bounce or blocked; the recipient is bounced
    delivered  and in doubt                           → delivered
    complaint                                         → spam_report, once
    else                                              → nothing
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.address import fold
from scaisend.ids import number_of
from scaisend.inbound.reading import BOUNCE, DELIVERED, EXPANDED, FAILED, RELAYED, SUCCESS, Reading, Reported
from scaisend.inbound.store import KnownRecipient
from scaisend.messages import event as events
from scaisend.messages import status as states
from scaisend.messages.event import Event
from scaisend.messages.record import Change
from scaisend.tokens import ReturnPath, read_return_path

TOKEN, MESSAGE_ID = "token", "message_id"
MOST_TOKENS = 20

_TOKEN = re.compile(rb"bounces\+([a-z2-7]{53})@", re.IGNORECASE).finditer
_SOFT_BREAK = re.compile(rb"=\r?\n")
_TOOK = (DELIVERED, RELAYED, EXPANDED)


@dataclass(frozen=True, slots=True)
class SpokenOf:
    """The recipient that a mail speaks of, and how that is known: TOKEN or MESSAGE_ID."""

    recipient: KnownRecipient
    proof: str


def return_path_in(content: bytes, token_key: bytes, now_s: float) -> ReturnPath | None:
    """What a valid return path of ours inside the mail names: a feedback report tells it as Original-Mail-From, a copy as Return-Path."""
    for place, found in enumerate(_TOKEN(_SOFT_BREAK.sub(b"", content))):
        if place == MOST_TOKENS:
            return None
        return_path = read_return_path(token_key, found[1].decode("ascii").lower(), now_s)
        if return_path is not None:
            return return_path
    return None


def own_message(message_id: str | None) -> str | None:
    """The id of the message whose own Message-ID this is, or None: a request may bring another one."""
    letters = (message_id or "").lstrip("<").partition("@")[0].lower()
    try:
        number_of(letters)
    except ValueError:
        return None
    return f"msg_{letters}"


def claimed(reading: Reading, recipients: Sequence[KnownRecipient]) -> KnownRecipient | None:
    """Which recipient of a message is spoken of: the only one, or the one whose address the report names."""
    if len(recipients) == 1:
        return recipients[0]
    named = {fold(address) for each in reading.recipients for address in (each.recipient, each.original) if address}
    found = [each for each in recipients if fold(each.email) in named]
    return found[0] if len(found) == 1 else None


def change_of(reading: Reading, spoken_of: SpokenOf, now: float) -> Change | None:
    """The change that the mail makes, or None when it changes nothing."""
    recipient = spoken_of.recipient
    if reading.is_complaint:
        detail = {
            "feedback_type": reading.feedback_type, "ip": reading.source_ip, "reporter": reading.reporter, "rule": reading.rule,
            "proof": spoken_of.proof,
        }
        return Change(_event(events.SPAM_REPORT, recipient, now, detail), reason=f"complaint: {reading.feedback_type}")
    if reading.kind == BOUNCE:
        return _failed(reading, spoken_of, now)
    if reading.kind == SUCCESS and recipient.status == states.IN_DOUBT and any(each.action in _TOOK for each in reading.recipients):
        told = next(each for each in reading.recipients if each.action in _TOOK)
        detail = {"response": told.diagnostic, "status": told.status, "rule": reading.rule, "proof": spoken_of.proof, "reported": told.action}
        return Change(_event(events.DELIVERED, recipient, now, detail))
    return None


def _failed(reading: Reading, spoken_of: SpokenOf, now: float) -> Change | None:
    recipient = spoken_of.recipient
    if recipient.status in states.ENDED and recipient.status != states.DELIVERED:
        return None
    failures = [each for each in reading.recipients if each.action == FAILED]
    if not failures:
        return None
    told = next((each for each in failures if _is_about(each, recipient.email)), failures[0])
    is_block = told.bounce_type == "block"
    detail = {
        "response": told.diagnostic, "status": told.status, "bounce_type": told.bounce_type, "rule": told.rule, "read_by": reading.rule,
        "reported": told.recipient, "proof": spoken_of.proof, "late": True,
        # Somebody behind the address, of a list or of a forwarding: the address that we wrote to may be good.
        "forwarded": None if _is_about(told, recipient.email) else True,
    }
    event = _event(events.BLOCKED if is_block else events.BOUNCE, recipient, now, detail)
    return Change(event, reason=told.diagnostic or told.status or "a report of failure", late=True)


def _is_about(told: Reported, email: str) -> bool:
    """The report means this address: it names it, or one with the same local part, as hosts rewrite the domain and no more."""
    wanted = fold(email)
    local = wanted.rpartition("@")[0]
    return any(fold(each) == wanted or fold(each).rpartition("@")[0] == local for each in (told.recipient, told.original) if each)


def _event(kind: str, recipient: KnownRecipient, now: float, detail: Mapping[str, object]) -> Event:
    shown = {name: _printable(value) for name, value in detail.items() if value is not None}
    return Event(kind, recipient.tenant_id, recipient.message_id, recipient.recipient_id, now, shown)


def _printable(value: object) -> object:
    """Text without lone surrogates, which neither JSON nor a database takes."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
