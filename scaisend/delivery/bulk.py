"""Operations over many queued mails: which mail is meant, what is done to it, and when.

    gathering → waiting → running → done          the mail is held while it is gathered, and acted on from `begins_at` on
        └──────────┴→ undoing → undone            until then it can be had back as it was; what is only held, at any time
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from scaisend.address import fold
from scaisend.delivery.hasten import domain_of
from scaisend.delivery.orders import read_host, read_name
from scaisend.faults import Fault, Invalid
from scaisend.messages.moments import read_moment
from scaisend.messages.waiting import REASONS
from scaisend.shape import wrong_type

FAIL, HOLD, REQUEUE, DELAY, REROUTE = "fail", "hold", "requeue", "delay", "reroute"
ACTIONS = (FAIL, HOLD, REQUEUE, DELAY, REROUTE)
GATHERING, WAITING, RUNNING, DONE, UNDOING, UNDONE = "gathering", "waiting", "running", "done", "undoing", "undone"
OPEN = (GATHERING, WAITING, RUNNING, UNDOING)
STATES = ("queued", "deferred", "scheduled")
UNDO_S = {FAIL: 600.0, HOLD: 0.0, REQUEUE: 0.0, DELAY: 0.0, REROUTE: 600.0}
LONGEST_UNDO_S = 86_400.0
LONGEST_DELAY_S = 72 * 3_600.0
LONGEST_TEXT = 320


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which queued mail: all of these hold. `domains` are the A-labels that `to_domain` and `destination` stand for; moments in epoch seconds."""

    sender: str | None = None
    to: str | None = None
    to_domain: str | None = None
    destination: str | None = None
    status: str | None = None
    waiting: str | None = None
    subject_prefix: str | None = None
    accepted_before: float | None = None
    accepted_after: float | None = None
    domains: tuple[str, ...] | None = None

    def matches(self, mail: "Queued") -> bool:
        """Whether the mail is meant."""
        if self.status is not None and mail.status != self.status:
            return False
        if self.waiting is not None and mail.waiting != self.waiting:
            return False
        if self.accepted_before is not None and mail.accepted_at >= self.accepted_before:
            return False
        if self.accepted_after is not None and mail.accepted_at < self.accepted_after:
            return False
        if self.subject_prefix is not None and not (mail.subject or "").startswith(self.subject_prefix):
            return False
        if self.sender is not None and not _is_of(mail.sender, self.sender):
            return False
        if self.to is not None and fold(mail.email) != self.to:
            return False
        return self.domains is None or domain_of(mail.email) in self.domains

    def shape(self) -> dict[str, object]:
        """As it is kept and shown."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Queued:
    """A recipient that waits, as the filter sees it."""

    recipient_id: str
    message_id: str
    tenant_id: str
    email: str
    status: str
    waiting: str | None
    sender: str
    subject: str | None
    accepted_at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is ordered: `undo_s` seconds in which it can be undone, `until` the end of a delay, `route` the `host:port` of a reroute (None: the
    domains' own hosts)."""

    action: str
    wanted: Wanted
    undo_s: float
    until: float | None
    reason: str
    route: str | None = None


_FIELDS = tuple(each.name for each in fields(Wanted) if each.name not in ("domains", "sender")) + ("from",)


def read_wanted(given: object) -> Wanted:
    """The filter; empty: all queued mail. Raises: Invalid with every fault."""
    if not isinstance(given, Mapping):
        raise Invalid(wrong_type("object", given), "filter")
    faults = [Fault(f"{str(name)[:40]} is not a field of the filter: {', '.join(sorted(_FIELDS))}", f"filter.{str(name)[:40]}") for name in given if name not in _FIELDS]
    # A null that stood for "any" would let a program whose variable is empty act on all mail.
    faults += [Fault("must not be null", f"filter.{name}", "Leave it out.") for name, value in given.items() if value is None and name in _FIELDS]
    texts = {name: _text(given, name, faults) for name in ("from", "to", "to_domain", "destination", "status", "waiting", "subject_prefix")}
    for name, choices in (("status", STATES), ("waiting", tuple(REASONS))):
        if texts[name] is not None and texts[name] not in choices:
            faults.append(Fault(f"must be one of {', '.join(choices)}", f"filter.{name}"))
    for name in ("to_domain", "destination"):
        if (value := texts[name]) is not None:
            try:
                texts[name] = read_name(value)
            except Invalid as error:
                faults.append(Fault(error.faults[0].message, f"filter.{name}"))
    moments = {name: _moment(given, name, faults) for name in ("accepted_before", "accepted_after")}
    if faults:
        raise Invalid(faults)
    to, to_domain = texts["to"], texts["to_domain"]
    return Wanted(
        texts["from"] and texts["from"].lower(), None if to is None else fold(to), to_domain, texts["destination"], texts["status"], texts["waiting"],
        texts["subject_prefix"], moments["accepted_before"], moments["accepted_after"], None if to_domain is None else (to_domain,),
    )


def read_plan(given: Mapping[str, object], now: float) -> Plan:
    """What is ordered. Raises: Invalid."""
    known = ("action", "filter", "undo_s", "until", "reason", "route")
    faults = [Fault(f"{str(name)[:40]} is not a field of a bulk job", str(name)[:40]) for name in given if name not in known]
    action, undo_s, reason, until = given.get("action"), given.get("undo_s"), given.get("reason"), None
    if not isinstance(action, str) or action not in ACTIONS:
        faults.append(Fault(f"must be one of {', '.join(ACTIONS)}", "action"))
    if undo_s is not None and (not isinstance(undo_s, int | float) or isinstance(undo_s, bool) or not 0 <= undo_s <= LONGEST_UNDO_S):
        faults.append(Fault(f"must be seconds from 0 to {LONGEST_UNDO_S:g}", "undo_s"))
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= LONGEST_TEXT or not reason.isprintable():
        faults.append(Fault(f"say why, in at most {LONGEST_TEXT} printable characters", "reason"))
    if action == DELAY:
        before = len(faults)
        until = _moment(given, "until", faults, path="until")
        if len(faults) == before and (until is None or not now < until <= now + LONGEST_DELAY_S):
            faults.append(Fault("must be a moment at most 72 hours ahead", "until"))
    elif given.get("until") is not None:
        faults.append(Fault("only a delay has an end", "until"))
    route = _route(given, faults)
    if faults:
        raise Invalid(faults)
    wanted = read_wanted(given.get("filter", {}))
    return Plan(str(action), wanted, UNDO_S[str(action)] if undo_s is None else float(str(undo_s)), until, str(reason).strip(), route)


def wanted_of(kept: Mapping[str, object]) -> Wanted:
    """The filter as `shape` kept it."""
    values = dict(kept)
    if "domains" in values:
        domains = values["domains"]
        values["domains"] = tuple(domains) if isinstance(domains, list | tuple) else ()
    return Wanted(**values)  # type: ignore[arg-type]  # what shape() made


def may_undo(action: str, status: str) -> bool:
    """Whether the mail can still be had back as it was."""
    return status in (GATHERING, WAITING) or (action == HOLD and status == DONE)


def _route(given: Mapping[str, object], faults: list[Fault]) -> str | None:
    """Where a reroute leads; None: to the domains' own hosts, which has to be said."""
    route = given.get("route")
    if given.get("action") != REROUTE:
        if route is not None:
            faults.append(Fault("only a reroute has a route", "route"))
    elif "route" not in given or not (route is None or isinstance(route, str)):
        faults.append(Fault("must be `host`, `host:port`, or null for the domains' own hosts", "route"))
    elif isinstance(route, str):
        try:
            return read_host(route)
        except Invalid as error:
            faults += error.faults
    return None


def _is_of(sender: str, wanted: str) -> bool:
    sender = sender.lower()
    return sender.endswith(wanted) if wanted.startswith("@") else sender == wanted


def _text(given: Mapping[str, object], name: str, faults: list[Fault]) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        faults.append(Fault(f"must be 1 to {LONGEST_TEXT} printable characters", f"filter.{name}"))
        return None
    return value


def _moment(given: Mapping[str, object], name: str, faults: list[Fault], *, path: str | None = None) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 7e9:
        return float(value)
    try:
        return read_moment(str(value))
    except ValueError:
        faults.append(Fault("must be unix seconds or an ISO 8601 moment", path or f"filter.{name}"))
        return None
