"""A destination in the words of an explanation: all of it for the operator; for a tenant what concerns its own mail.

A tenant is not told who else sends there, how much, and from which addresses, nor who ordered what and why; in replies, which may have been given to
somebody else's mail, addresses are blanked.
"""

import re
from collections.abc import Collection

from scaisend.delivery.destination import BACKING_OFF, OPEN, PAUSED
from scaisend.delivery.overview import SYSTEM, Json

LIMITED = "limited"

_MEANINGS = {
    PAUSED: "an operator paused it: nothing is begun there",
    BACKING_OFF: "it answered 421, asked for less mail or took no connection, and is left alone until retry_at",
    LIMITED: "it takes mail, fewer connections or mails a minute than were tried",
    OPEN: "it takes mail",
}
_OPERATORS_CURES = {
    PAUSED: "`scaisend destinations resume {name}`; the order says who paused it and why",
    BACKING_OFF: "read last_reply; `scaisend destinations flush {name}` asks it again now",
    LIMITED: "nothing: limits rise again by themselves; `scaisend destinations limit {name}` sets others",
    OPEN: "nothing: it is tried again by itself",
}
_TENANTS_CURES = {
    PAUSED: "nothing on your side: the mail waits until the operator of this service resumes it; ask there when that will be",
    BACKING_OFF: "nothing: it is asked again by itself at retry_at, and last_reply says what it wants",
    LIMITED: "nothing: limits rise again by themselves; spread large mailings over more time",
    OPEN: "nothing: it is tried again by itself",
}
_ADDRESSES = re.compile(r"[^\s<>\"'()]*(?:@|%40)[^\s<>\"'()]*")


def told_to_operator(known: Json) -> Json:
    """Of what ordering.py knows of a destination: state, order, limits and their last change, with the cure."""
    return _told(known, _OPERATORS_CURES, _list(known["limits"]), _list(known["changes"])) | {
        "last_reply": known["last_reply"], "failures": known["failures"], "order": known["order"], "domain_order": known.get("domain_order"),
    }


def told_to_tenant(known: Json, sources: Collection[str]) -> Json:
    """The same without what is others'; learned limits of `sources`, the addresses that the tenant's mail may leave by; none: of all."""
    limits = [each | {"reason": blanked(each["reason"])} for each in _list(known["limits"]) if not sources or each["source"] in (*sources, SYSTEM)]
    changes = [each | {"reason": blanked(each["reason"])} for each in _list(known["changes"]) if not sources or each["source"] in (*sources, SYSTEM)]
    return _told(known, _TENANTS_CURES, limits, changes) | {"last_reply": blanked(known["last_reply"])}


def blanked(text: object) -> str | None:
    """A reply's text without the words that hold an address, which may be another tenant's recipients."""
    return _ADDRESSES.sub("…", text) if isinstance(text, str) else None


def _told(known: Json, cures: dict[str, str], limits: list[Json], changes: list[Json]) -> Json:
    orders = [each for each in (known["order"], known.get("domain_order")) if isinstance(each, dict)]
    state = PAUSED if any(each["paused"] for each in orders) else str(known["state"])
    ordered = orders[0] if isinstance(known["order"], dict) else {}
    most, rate = ordered.get("most_connections"), ordered.get("most_per_minute")
    cut = any(each["complained_at"] for each in limits) or most is not None or rate is not None
    word = LIMITED if state == OPEN and cut else state
    asked = str(known.get("domain", known["name"]))
    return {
        "name": known["name"], "state": state, "meaning": _MEANINGS[word], "cure": cures[word].format(name=asked),
        "retry_at": known["retry_at"], "ordered_limits": {"connections": most, "per_minute": rate} if (most, rate) != (None, None) else None,
        "limits": limits, "last_change": changes[0] if changes else None,
    }


def _list(value: object) -> list[Json]:
    return value if isinstance(value, list) else []
