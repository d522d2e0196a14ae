"""The identity provider's events: how they are signed, and what they say.

`X-ScaiKey-Signature: t=<unix>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>` with the shared secret; several `v1` may stand while
the secret is changed.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from scaisend.faults import Fault, Unauthenticated
from scaisend.identity.provider_news import (
    ACTIVE,
    DEACTIVATED,
    GROUPS,
    PARTNERS,
    SUSPENDED,
    TENANTS,
    USERS,
    Told,
    read_at,
    read_id,
    read_told,
)
from scaisend.shape import Reader, finish

SIGNATURE = "x-scaikey-signature"
FRESH_S = 300.0
MOST_SIGNATURES = 8
REFUSED = "the event is not signed with the secret of this service"
_TIME = re.compile(r"[0-9]{1,12}")
_VERBS = {"created": None, "updated": None, "deleted": DEACTIVATED, "suspended": SUSPENDED, "activated": ACTIVE}
_NOUNS = {"partner": PARTNERS, "tenant": TENANTS, "user": USERS, "group": GROUPS}
_GROUP_VERBS = ("created", "updated", "deleted")
_MEMBERSHIP = {"group.member_added": True, "group.member_removed": False}
_ASSIGNMENT = {"application.user_assigned": True, "application.user_unassigned": False}

Effect = Literal["told", "membership", "assignment", "none"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `told` is the thing that changed: the group of a membership, the user of an assignment.

    `user_id` is the member; `is_in` whether the user is in the group, or has the application, from then on. `effect` is `none`
    for events that mean nothing here.
    """

    event_id: str
    event_type: str
    at: float
    effect: Effect = "none"
    told: Told | None = None
    user_id: str | None = None
    is_in: bool = False


def sign(secret: str, body: bytes, at: int) -> str:
    """The header's value for a body that is sent at that moment."""
    return f"t={at},v1={_digest(secret, body, str(at))}"


def check_signature(header: str | None, body: bytes, *, secret: str, now_s: float) -> None:
    """The body was signed with the secret, at most five minutes ago, or in a future that is no further.

    Raises: Unauthenticated.
    """
    pairs = [part.strip().partition("=") for part in (header or "").split(",")][: MOST_SIGNATURES + 1]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise Unauthenticated(REFUSED)
    expected = _digest(secret, body, times[0]).encode()
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise Unauthenticated(REFUSED)
    if abs(now_s - int(times[0])) > FRESH_S:
        raise Unauthenticated("the event was signed too long ago, or the clocks differ by more than five minutes")


def read_event(given: object, *, client_id: str) -> Event:
    """The event; those of other applications and of unknown types have no effect. Raises: Invalid, with a fault for each field."""
    faults: list[Fault] = []
    reader = Reader(given, faults)
    event_id, event_type, at = read_id(reader, "event_id"), reader.text("event_type", required=True, least=1, most=64), read_at(reader, "timestamp")
    for name, value in (("event_id", event_id), ("timestamp", at)):
        if value is None and not reader.has(name):
            reader.fault(f"The {name} parameter is required.", name)
    finish(faults)
    event = Event(event_id or "", event_type or "", at or 0.0)
    if event.event_type in _MEMBERSHIP:
        event = _membership(event, reader, faults)
    elif event.event_type in _ASSIGNMENT:
        event = _assignment(event, reader, faults, client_id)
    else:
        event = _change(event, reader, faults)
    finish(faults)
    return event


def _change(event: Event, reader: Reader, faults: list[Fault]) -> Event:
    """An event of the form `noun.verb` that tells of one thing."""
    word, _, verb = event.event_type.partition(".")
    noun = _NOUNS.get(word)
    if noun is None or verb not in (_GROUP_VERBS if noun == GROUPS else _VERBS):
        return event
    told = _told(noun, event, reader, faults)
    status = _VERBS[verb]
    if told is not None and status is not None:
        told = replace(told, columns={**told.columns, "status": status})
    return replace(event, effect="told", told=told)


def _membership(event: Event, reader: Reader, faults: list[Fault]) -> Event:
    group = _told(GROUPS, event, reader, faults, own_id="group_id")
    user_id = _person(reader)
    if user_id is None:
        reader.fault("The user_id parameter is required.", "data.user_id")
    return replace(event, effect="membership", told=group, user_id=user_id, is_in=_MEMBERSHIP[event.event_type])


def _assignment(event: Event, reader: Reader, faults: list[Fault], client_id: str) -> Event:
    """A user may use this application from now on, or no more."""
    data = reader.object("data")
    application = next((found for name in ("client_id", "application_id") if data and (found := read_id(data, name))), None) or _resource(reader)[1]
    if application is not None and application != client_id:
        return event
    user_id = _person(reader)
    if user_id is None:
        reader.fault("The user_id parameter is required.", "data.user_id")
        return event
    user = Told(USERS, user_id, event.at, {}, _around(USERS, reader))
    return replace(event, effect="assignment", told=user, user_id=user_id, is_in=_ASSIGNMENT[event.event_type])


def _told(noun: str, event: Event, reader: Reader, faults: list[Fault], own_id: str = "") -> Told | None:
    """The thing that `data` shows, or `resource` names; where the envelope says its tenant and partner, it has those."""
    data = reader.value("data")
    fields = dict(data) if isinstance(data, dict) else {}
    if own_id:  # a membership shows its two ends, and nothing of the group
        fields = {"id": fields.get(own_id)}
    told = read_told(noun, fields, faults, path="data", at=event.at, an_id=_resource(reader)[1])
    return None if told is None else replace(told, references={**_around(noun, reader), **told.references})


def _around(noun: str, reader: Reader) -> Mapping[str, str | None]:
    columns = {PARTNERS: (), TENANTS: ("partner_id",), USERS: ("tenant_id", "partner_id"), GROUPS: ("tenant_id",)}[noun]
    found = {column: read_id(reader, column) for column in columns}
    # A user of a tenant is of its partner by that; only who administers a partner names it itself.
    if noun == USERS and found["tenant_id"]:
        found.pop("partner_id")
    return {column: value for column, value in found.items() if value}


def _person(reader: Reader) -> str | None:
    data = reader.object("data")
    if data is None:
        return None
    nested = next((each for name in ("user", "member") if isinstance(data.value(name), dict) and (each := data.object(name))), None)
    return read_id(data, "user_id") or (read_id(nested, "id") if nested else None)


def _resource(reader: Reader) -> tuple[str | None, str | None]:
    """Type and id of `resource`: an object of both, or the id alone."""
    value = reader.value("resource")
    if isinstance(value, dict):
        inner = reader.object("resource")
        return (inner.text("type"), read_id(inner, "id")) if inner else (None, None)
    return (None, read_id(reader, "resource")) if isinstance(value, str) else (None, None)


def _digest(secret: str, body: bytes, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
