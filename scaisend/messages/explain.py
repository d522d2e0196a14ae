"""Why a mail has not arrived: for each recipient the gate that it stands at, its attempts, and the likely cause with its cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.address import domain_of
from scaisend.messages import event as events
from scaisend.messages.causes import likely
from scaisend.messages.moments import iso
from scaisend.messages.read_store import Seen, SeenDialogue, SeenEvent, SeenRecipient
from scaisend.messages.shown import Json, detail_of, next_at, shown_status, why
from scaisend.messages.waiting import ABROAD, DELIVERY, REASONS, RENDERING

OVERDUE_S = 60.0
_ATTEMPTS = (events.DEFERRED, events.DELIVERED, events.BOUNCE, events.BLOCKED, events.IN_DOUBT)
_FIELDS = ("attempt", "stage", "code", "status", "response", "rule", "bounce_type", "reason", "host", "address", "source", "tls", "tls_rung", "tls_rung_why", "late")


@dataclass(frozen=True, slots=True)
class Signing:
    """The domain whose keys sign the message, and their selectors, `selector (algorithm)`; without any its mail goes unsigned."""

    domain: str
    selectors: tuple[str, ...]


def explanation(
    seen: Seen, timeline: Sequence[SeenEvent], signing: Signing, now: float, *, dialogues: Sequence[SeenDialogue] | None, only: str | None = None,
    destinations: Mapping[str, Json] | None = None,
) -> Json:
    """The message explained, or of one recipient where `only` is its id. `dialogues` are left out where they are None: not for everybody.

    `destinations`: what is told of each, by the name that way_of gives.
    """
    message = seen.message
    return {
        "id": message.id, "x_message_id": message.request_id, "status": shown_status(seen), "from_email": message.from_email,
        "accepted_at": iso(message.accepted_at), "signature": {"domain": signing.domain, "selectors": list(signing.selectors)},
        "recipients": [
            _explained(seen, each, timeline, now, dialogues) | {"destination": (destinations or {}).get(way_of(seen, each) or "")}
            for each in seen.recipients if only in (None, each.id)
        ],
    }


def way_of(seen: Seen, recipient: SeenRecipient) -> str | None:
    """The domain or route whose destination may be why the recipient waits; None where it is not for that."""
    return (recipient.route or domain_of(recipient.email)) if why(seen.message, recipient) in ABROAD else None


def _explained(seen: Seen, recipient: SeenRecipient, timeline: Sequence[SeenEvent], now: float, dialogues: Sequence[SeenDialogue] | None) -> Json:
    own = [each for each in timeline if each.recipient_id == recipient.id]
    said = None if dialogues is None else [each for each in dialogues if each.recipient_id == recipient.id]
    attempts = [_attempt(each, said) for each in own if each.type in _ATTEMPTS]
    gate, due_at = why(seen.message, recipient), next_at(seen.message, recipient)
    is_overdue = gate in (RENDERING, DELIVERY) and due_at is not None and due_at < now - OVERDUE_S
    rule = attempts[-1].get("rule") if attempts else None
    cause = likely(recipient.status, gate, rule if isinstance(rule, str) else None, is_overdue=is_overdue)
    shape: Json = {
        "id": recipient.id, "email": recipient.email, "status": recipient.status, "reason": recipient.reason,
        "gate": gate, "gate_meaning": REASONS.get(gate or ""), "next_attempt_at": iso(due_at), "route": recipient.route,
        "likely_cause": cause.cause, "cure": cause.cure, "attempts": attempts,
    }
    if said is not None:
        told = {each["happened_at"] for each in attempts if "dialogue" in each}
        shape["other_dialogues"] = [_dialogue(each) for each in said if iso(each.happened_at) not in told]
    return shape


def _attempt(event: SeenEvent, said: Sequence[SeenDialogue] | None) -> Json:
    """One attempt, or one report that came back: what its event kept; the dialogue of the same moment is its own."""
    detail = detail_of(event)
    shape: Json = {"outcome": event.type, "happened_at": iso(event.happened_at)} | {name: detail[name] for name in _FIELDS if name in detail}
    dialogue = next((each.dialogue for each in said or () if each.happened_at == event.happened_at), None)
    return shape if dialogue is None else shape | {"dialogue": dialogue}


def _dialogue(dialogue: SeenDialogue) -> Json:
    """What was said in an attempt that left no event: the mail went back into the queue as it was."""
    return {
        "happened_at": iso(dialogue.happened_at), "destination": dialogue.destination, "source": dialogue.source, "tls": dialogue.tls,
        "dialogue": dialogue.dialogue,
    }


def lines_of(explained: Json) -> list[str]:
    """The explanation for people."""
    signature = explained["signature"]
    selectors = ", ".join(signature["selectors"]) if isinstance(signature, dict) else ""
    lines = [f"{explained['id']} from {explained['from_email']}, accepted {explained['accepted_at']}: {explained['status']}"]
    lines.append(f"signed by {selectors}" if selectors else "not signed: no key of the sender domain is active")
    recipients = explained["recipients"]
    for each in recipients if isinstance(recipients, list) else ():
        lines += ["", *_recipient_lines(each)]
    return lines


def _recipient_lines(recipient: Json) -> list[str]:
    lines = [f"{recipient['email']}: {recipient['status']}" + (f", {recipient['reason']}" if recipient["reason"] else "")]
    if recipient["gate"]:
        lines.append(f"  waits: {recipient['gate']} ({recipient['gate_meaning']}); next attempt {recipient['next_attempt_at'] or 'not set'}")
    if recipient["route"]:
        lines.append(f"  goes to {recipient['route']} instead of its domain's hosts: a bulk job's order")
    lines += [f"  likely: {recipient['likely_cause']}", f"  cure: {recipient['cure']}", *_destination_lines(recipient["destination"])]
    attempts, others = recipient["attempts"], recipient.get("other_dialogues")
    for each in attempts if isinstance(attempts, list) else ():
        place = " ".join(str(each[name]) for name in ("host", "address") if name in each)
        words = [f"  {each['happened_at']} {each['outcome']}", f"at {place}" if place else "", f"from {each['source']}" if "source" in each else ""]
        words += [str(each.get("tls", "without TLS" if place else "")), f"[{each['tls_rung']}: {each['tls_rung_why']}]" if "tls_rung" in each else ""]
        words.append(f"({each['rule']})" if "rule" in each else "")
        lines += [" ".join(filter(None, words)), f"    {each.get('response') or each.get('reason') or ''}".rstrip()]
        lines += [f"      {line}" for line in str(each.get("dialogue", "")).splitlines()]
    for each in others if isinstance(others, list) else ():
        lines += [f"  {each['happened_at']} not tried at {each['destination']}", *[f"      {line}" for line in str(each["dialogue"]).splitlines()]]
    return lines


def _destination_lines(known: object) -> list[str]:
    if not isinstance(known, dict):
        return []
    until = f" until {known['retry_at']}" if known["retry_at"] else ""
    lines = [f"  destination {known['name']}: {known['state']}{until}; {known['meaning']}", f"    cure: {known['cure']}"]
    order = known.get("domain_order") or known.get("order")
    if order:
        lines.append(f"    ordered by {order['by']} at {order['updated_at']}: {order['reason'] or 'no reason given'}")
    if known["last_reply"]:
        lines.append(f"    last reply: {known['last_reply']}")
    limits = [("ordered", known["ordered_limits"])] if known["ordered_limits"] else []
    limits += [(limit["source"], limit) for limit in known["limits"]]
    lines += [
        f"    {name}: {limit['connections'] or 'any number of'} connections, {limit['per_minute'] or 'any number of'} mails a minute"
        for name, limit in limits
    ]
    if known["last_change"]:
        lines.append("    {happened_at} {source}: {before} → {after}: {reason}".format(**known["last_change"]))
    return lines
