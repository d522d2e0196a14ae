"""The personalizations of a send request, each of which becomes one message.

A request may hold a thousand of them, so the walk is straight: a path is only written once something is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from scaisend.address import domain_of, fold
from scaisend.sending import request_faults as say
from scaisend.sending.mailboxes import add_mailbox_faults, is_mailbox, read_mailbox
from scaisend.sending.request_faults import Found
from scaisend.sending.request_fields import read_send_at, read_subject
from scaisend.sending.request_maps import CUSTOM_ARGS_BYTES, is_larger, is_texts, read_headers, read_substitutions

MOST_PERSONALIZATIONS = 1000
MOST_RECIPIENTS = 1000
DEEPEST_DATA = 250
KINDS = ("to", "cc", "bcc")

_FIELDS = frozenset({
    "to", "cc", "bcc", "from", "subject", "headers", "substitutions", "dynamic_template_data", "custom_args", "send_at",
})
_NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class RecipientSpec:
    """One recipient: `kind` is to, cc or bcc, `email` as it was given, `name` None where there is none."""

    kind: str
    email: str
    name: str | None


@dataclass(frozen=True, slots=True)
class PersonalMessage:
    """One personalization. `own` is described in sending/request.py.

    `subject` is the message's own or the request's; `send_at` in epoch seconds, None for now; recipients come to, cc, bcc.
    """

    own: Mapping[str, object]
    from_email: str
    from_domain: str
    subject: str | None
    send_at: int | None
    recipients: tuple[RecipientSpec, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """What a personalization overrides, adds to, or must agree with.

    `template` is dynamic, legacy, or None where none or a bad one is named. `may_be_deep` says that the body has brackets enough to nest template data too deep.
    """

    from_email: str
    from_domain: str
    subject: str | None
    send_at: int | None
    template: str | None
    custom_args: Mapping[str, str]
    now_s: float
    may_be_deep: bool


def read_personalizations(value: object, root: Root, found: Found) -> tuple[PersonalMessage, ...]:
    """A message a personalization. The walk ends when the request has too many recipients.

    Raises: Invalid for values that are not decoded at all, see request_maps.
    """
    if type(value) is not list:
        found.add_type("array", value, "personalizations")
        return ()
    if not value:
        found.add(say.PERSONALIZATIONS_NEEDED, "personalizations", "-Personalizations-Errors")
        return ()
    if len(value) > MOST_PERSONALIZATIONS:
        found.add(say.PERSONALIZATIONS_MANY.format(len(value)), "personalizations")
        return ()
    messages = []
    left = MOST_RECIPIENTS
    for number, each in enumerate(value):
        if type(each) is not dict:
            found.add_type("object", each, f"personalizations.{number}", say.NO_HELP)
            continue
        message = _read(each, number, root, found)
        messages.append(message)
        left -= len(message.recipients)
        if left < 0:
            found.add(say.RECIPIENTS_MANY, "personalizations")
            break
    return tuple(messages)


def _read(each: dict[str, object], number: int, root: Root, found: Found) -> PersonalMessage:
    recipients = _recipients(each, number, found)
    if len(each) == 1:
        return PersonalMessage(_NOTHING, root.from_email, root.from_domain, root.subject, root.send_at, recipients)
    if not each.keys() <= _FIELDS:
        found.add_unknown(each, _FIELDS, f"personalizations.{number}")
    own: dict[str, object] = {}
    from_email, from_domain, subject, send_at = root.from_email, root.from_domain, root.subject, root.send_at
    if "subject" in each:
        subject = read_subject(each["subject"], f"personalizations.{number}.subject", found)
        own["subject"] = subject
    if "from" in each:
        sender = _sender(each["from"], f"personalizations.{number}.from", root, found)
        if sender is not None:
            own["from"] = sender
            from_email, from_domain = sender["email"], domain_of(sender["email"])
    if "send_at" in each:
        send_at = read_send_at(each["send_at"], f"personalizations.{number}.send_at", found, root.now_s)
    _read_maps(own, each, number, root, found)
    return PersonalMessage(own, from_email, from_domain, subject, send_at, recipients)


def _recipients(each: dict[str, object], number: int, found: Found) -> tuple[RecipientSpec, ...]:
    if each.get("to", []) == []:
        found.add(say.TO_NEEDED, f"personalizations.{number}.to")
    recipients = []
    seen: set[str] = set()
    is_unique = True
    for kind in KINDS:
        if kind not in each:
            continue
        mailboxes = each[kind]
        if type(mailboxes) is not list:
            found.add_type("array", mailboxes, f"personalizations.{number}.{kind}")
            continue
        if len(mailboxes) > MOST_RECIPIENTS:
            found.add(say.RECIPIENTS_MANY, "personalizations")
            continue
        for place, mailbox in enumerate(mailboxes):
            if not is_mailbox(mailbox):
                add_mailbox_faults(mailbox, f"personalizations.{number}.{kind}.{place}", kind, found)
                continue
            email = mailbox["email"]
            address = fold(email)
            if address in seen and is_unique:
                is_unique = False
                found.add(say.DUPLICATE.format(email, number, kind), f"personalizations.{number}", "message.recipient-errors")
            seen.add(address)
            recipients.append(RecipientSpec(kind, email, mailbox.get("name") or None))
    return tuple(recipients)


def _sender(value: object, path: str, root: Root, found: Found) -> dict[str, str] | None:
    sender = read_mailbox(value, path, "from", found)
    if sender is not None and root.from_domain and domain_of(sender["email"]) != root.from_domain:
        found.add(say.FROM_OTHER_DOMAIN, f"{path}.email")
    return sender


def _read_maps(own: dict[str, object], each: dict[str, object], number: int, root: Root, found: Found) -> None:
    """Adds the message's own headers, data and arguments; what is empty is left out."""
    if "headers" in each and (headers := read_headers(each["headers"], f"personalizations.{number}.headers", found)):
        own["headers"] = headers
    if "custom_args" in each:
        arguments = each["custom_args"]
        if not is_texts(arguments):
            found.add_type("object", arguments, f"personalizations.{number}.custom_args")
        elif arguments:
            own["custom_args"] = arguments
            if is_larger({**root.custom_args, **arguments} if root.custom_args else arguments, CUSTOM_ARGS_BYTES):
                found.add(say.CUSTOM_ARGS_LARGE, f"personalizations.{number}.custom_args")
    if "substitutions" in each:
        path = f"personalizations.{number}.substitutions"
        substitutions = read_substitutions(each["substitutions"], path, found)
        if substitutions:
            own["substitutions"] = substitutions
            if root.template == "dynamic":
                found.add(say.SUBSTITUTIONS_DYNAMIC, path)
    if "dynamic_template_data" in each:
        data = each["dynamic_template_data"]
        if type(data) is not dict:
            found.add_type("object", data, f"personalizations.{number}.dynamic_template_data")
        elif data:
            own["dynamic_template_data"] = data
            if root.template == "legacy":
                found.add(say.DYNAMIC_DATA_LEGACY, f"personalizations.{number}.dynamic_template_data")
            if root.may_be_deep and _is_deep(data):
                found.add(say.DYNAMIC_DATA_DEEP, f"personalizations.{number}.dynamic_template_data")


def _is_deep(data: dict[str, object]) -> bool:
    """Whether objects and arrays are nested deeper than orjson writes them."""
    try:
        orjson.dumps([[data]])
    except TypeError:
        return True
    return False
