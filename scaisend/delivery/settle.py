"""What an outcome means for its recipient: which event is recorded, when the next attempt is, or that there is none.

Only a 4xx given to this recipient uses up SMTP_MAX_RETRIES. Everything that says nothing about the recipient (no connection,
DNS, TLS, 421, back-off) is tried again until SMTP_QUEUE_LIFETIME is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.delivery import job as jobs
from scaisend.delivery.job import Outcome
from scaisend.delivery.reply import classify
from scaisend.delivery.retry import retry_delay_s
from scaisend.delivery.store import Release
from scaisend.messages import event as events
from scaisend.messages import waiting
from scaisend.messages.event import Event
from scaisend.messages.record import Change

NO_SUCH_NAME = "NXDOMAIN"
FENCED_DELAY_S = 5.0
THROTTLED_DELAY_S = 60.0
THROTTLED_SPREAD_S = 15.0
TROUBLE_DELAY_S = (60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """SMTP_MAX_RETRIES, SMTP_RETRY_BASE_DELAY, SMTP_QUEUE_LIFETIME and SMTP_IN_DOUBT_WAIT."""

    max_retries: int
    base_delay_s: float
    lifetime_s: float
    in_doubt_wait_s: float


@dataclass(frozen=True, slots=True)
class Flight:
    """One recipient in the hands of a worker."""

    recipient_id: str
    message_id: str
    tenant_id: str
    attempt_id: str
    tries: int
    attempts: int
    accepted_at: float
    body: bytes | None


def settle(flight: Flight, outcome: Outcome, patience: Patience, now: float, jitter: float) -> Change | Release:
    """The change to record, or the release of a recipient that was not tried or was fenced off before the final dot."""
    if outcome.kind == jobs.FENCED:
        return _release(flight, outcome, now + FENCED_DELAY_S, waiting.DELIVERY)
    if outcome.kind == jobs.DELIVERED:
        return _change(flight, outcome, events.DELIVERED, now)
    if outcome.kind == jobs.UNKNOWN:
        change = _change(flight, outcome, events.IN_DOUBT, now, reason="the connection broke after the final dot; no answer came")
        return _until(change, flight, now + patience.in_doubt_wait_s, waiting.IN_DOUBT)
    if outcome.kind == jobs.REFUSED:
        return _refused(flight, outcome, now)
    if outcome.kind == jobs.NOMX:
        return _no_mx(flight, outcome, patience, now)
    if outcome.kind == jobs.DEFERRED:
        return _deferred(flight, outcome, patience, now, jitter)
    return _not_tried(flight, outcome, patience, now, jitter)


def _refused(flight: Flight, outcome: Outcome, now: float) -> Change:
    verdict = classify(outcome.code, outcome.enhanced, outcome.text)
    if verdict.kind == "block":
        return _change(flight, outcome, events.BLOCKED, now, bounce="block", rule=verdict.rule)
    kind = "hard" if verdict.kind == "hard" else "soft"
    return _change(flight, outcome, events.BOUNCE, now, bounce=kind, rule=verdict.rule)


def _no_mx(flight: Flight, outcome: Outcome, patience: Patience, now: float) -> Change:
    """A null MX is final (RFC 7505); a domain that does not exist is asked for once more, one retry delay later."""
    if NO_SUCH_NAME in outcome.text and flight.attempts == 0:
        change = _change(flight, outcome, events.DEFERRED, now, rule="dns.nxdomain")
        return _until(change, flight, now + patience.base_delay_s, waiting.DNS_TROUBLE)
    return _change(flight, outcome, events.BOUNCE, now, bounce="hard", rule="dns")


def _deferred(flight: Flight, outcome: Outcome, patience: Patience, now: float, jitter: float) -> Change:
    verdict = classify(outcome.code, outcome.enhanced, outcome.text)
    if verdict.slows_destination and not _is_over(flight, patience, now):
        # It speaks of how much we send, not of this mail, and uses up none of its retries.
        due_at = now + THROTTLED_DELAY_S * (1 + jitter) if outcome.retry_at is None else outcome.retry_at + jitter * THROTTLED_SPREAD_S
        return _until(_change(flight, outcome, events.DEFERRED, now, rule=verdict.rule), flight, due_at, waiting.DESTINATION_BACKOFF)
    delay = retry_delay_s(flight.tries + 1, patience.max_retries, patience.base_delay_s, jitter)
    if delay is None or _is_over(flight, patience, now):
        why = "retries are used up" if delay is None else "the queue lifetime is over"
        return _change(flight, outcome, events.BOUNCE, now, bounce="soft", rule="given-up", reason=f"{why}; last reply: {_reply_text(outcome)}")
    if verdict.retry_hint_s is not None:
        delay = max(delay, verdict.retry_hint_s)
    change = _change(flight, outcome, events.DEFERRED, now, rule=verdict.rule, refused_for_now=True)
    why = waiting.GREYLISTED if "greylist" in verdict.rule else waiting.RETRY
    return _until(change, flight, now + delay, why)


def _not_tried(flight: Flight, outcome: Outcome, patience: Patience, now: float, jitter: float) -> Change | Release:
    if _is_over(flight, patience, now):
        why = f"the queue lifetime is over; last: {_reply_text(outcome)}"
        return _change(flight, outcome, events.BOUNCE, now, bounce="soft", rule="lifetime", reason=why)
    if outcome.waiting == waiting.SHUTDOWN:
        return _release(flight, outcome, now, waiting.SHUTDOWN)
    delay = TROUBLE_DELAY_S[min(flight.attempts, len(TROUBLE_DELAY_S) - 1)] * (1 + jitter / 2)
    due_at = outcome.retry_at if outcome.retry_at is not None else now + delay
    why = outcome.waiting or waiting.NO_CONNECTION
    if outcome.kind == jobs.TROUBLE:
        return _until(_change(flight, outcome, events.DEFERRED, now), flight, due_at, why)
    return _release(flight, outcome, due_at, why)


def _release(flight: Flight, outcome: Outcome, due_at: float, why: str) -> Release:
    return Release(
        flight.recipient_id, flight.message_id, flight.tenant_id, flight.attempt_id, due_at, why,
        _reply_text(outcome) or None, flight.body,
    )


def _is_over(flight: Flight, patience: Patience, now: float) -> bool:
    return now - flight.accepted_at >= patience.lifetime_s


def _change(
    flight: Flight, outcome: Outcome, kind: str, now: float, *, bounce: str | None = None, rule: str | None = None,
    reason: str | None = None, refused_for_now: bool = False,
) -> Change:
    detail: dict[str, object] = {
        "attempt": flight.attempts + 1, "response": _reply_text(outcome), "status": outcome.enhanced, "code": outcome.code,
        "stage": outcome.stage, "host": outcome.host, "address": outcome.address, "source": outcome.source, "tls": outcome.tls, "tls_rung": outcome.rung, "tls_rung_why": outcome.rung_why,
        "bounce_type": bounce, "rule": rule, "reason": reason,
    }
    event = Event(kind, flight.tenant_id, flight.message_id, flight.recipient_id, now, _without_none(detail))
    shown = None if kind == events.DELIVERED else (reason or _reply_text(outcome))
    return Change(event, attempt_id=flight.attempt_id, reason=shown, attempted=True, refused_for_now=refused_for_now)


def _until(change: Change, flight: Flight, due_at: float, why: str) -> Change:
    return Change(
        change.event, attempt_id=change.attempt_id, due_at=due_at, waiting=why, reason=change.reason, attempted=True,
        refused_for_now=change.refused_for_now, body=flight.body,
    )


def _reply_text(outcome: Outcome) -> str:
    if outcome.code is None:
        return outcome.text
    return " ".join(part for part in (str(outcome.code), outcome.enhanced or "", outcome.text) if part)


def _without_none(detail: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in detail.items() if value is not None}
