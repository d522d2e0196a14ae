"""The proof that nothing is lost: every recipient of an accepted message ended exactly once, or waits for a reason and will be looked at.

The laws that are checked of each message:
- it has as many recipients as were accepted, and its events are numbered from 1 without a gap
- a recipient that ended has exactly one ending event since it was last retried, and the one of its state; sandboxed ones have none;
  a report that comes late may turn delivered into bounced, once
- a recipient that did not end has no ending event, and a moment at which it is looked at: its own, its message's, or a decision's
  (paused, held); that moment is not long past
- the message's state follows from its recipients'
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from scaisend.messages import event as events
from scaisend.messages import waiting
from scaisend.messages.event import KINDS
from scaisend.messages.moments import iso
from scaisend.messages.status import DEFERRED, ENDED, IN_DOUBT, PAUSED, QUEUED, SANDBOX, SCHEDULED, shown

OVERDUE_S = 600.0
ENDING = tuple(kind for kind, about in KINDS.items() if about.state in ENDED)


@dataclass(frozen=True, slots=True)
class LedgerMessage:
    """A message; `events`, `first_seq` and `last_seq` are counted from its timeline, `event_seq` is what its row says."""

    id: str
    tenant_id: str
    status: str
    recipient_count: int
    event_seq: int
    due_at: float | None
    events: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class LedgerRecipient:
    """A recipient with its ending and retried events' types, first to last."""

    id: str
    status: str
    waiting: str | None
    due_at: float | None
    resends: int
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the ledger with all its recipients."""

    message: LedgerMessage
    recipients: tuple[LedgerRecipient, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """What is not as it must be, and of whom."""

    message_id: str
    recipient_id: str | None
    what: str


@dataclass(slots=True)
class Ledger:
    """The sums over the entries so far."""

    accepted: int = 0
    recipients: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    copies: int = 0
    in_doubt: int = 0

    def add(self, entries: Iterable[Entry]) -> None:
        """The entries are counted."""
        for entry in entries:
            self.accepted += 1
            for recipient in entry.recipients:
                self.recipients += 1
                self.outcomes[recipient.status] += 1
                self.copies += recipient.resends
                self.in_doubt += recipient.status == IN_DOUBT
                if recipient.status in (QUEUED, DEFERRED, IN_DOUBT):
                    self.waiting[reason(entry.message.status, recipient.status, recipient.waiting)] += 1


def reason(stage: str, status: str, word: str | None) -> str:
    """Why a recipient in this state waits: a word of messages/waiting.py."""
    if status == QUEUED and stage in (SCHEDULED, PAUSED):
        return stage
    return word or (waiting.IN_DOUBT if status == IN_DOUBT else waiting.DELIVERY)


def violations(entry: Entry, now: float) -> list[Violation]:
    """What of the message breaks a law."""
    message = entry.message
    found = [Violation(message.id, None, what) for what in _of_message(message, entry.recipients, now)]
    found += [
        Violation(message.id, recipient.id, what) for recipient in entry.recipients for what in _of_recipient(message, recipient, now)
    ]
    return found


def _of_message(message: LedgerMessage, recipients: Sequence[LedgerRecipient], now: float) -> Iterator[str]:
    if len(recipients) != message.recipient_count:
        yield f"{message.recipient_count} recipients were accepted and {len(recipients)} are there"
    if message.events and message.first_seq != 1:
        yield f"its first event has number {message.first_seq}"
    if not message.events == message.last_seq == message.event_seq:
        yield f"{message.events} events are there, the last has number {message.last_seq}, and {message.event_seq} were recorded"
    states = {each.status for each in recipients}
    if states and states <= ENDED and message.status != shown(message.status, states):
        yield f"all recipients ended, {shown(message.status, states)}, and it is {message.status}"
    if message.status in ENDED and not states <= ENDED:
        yield f"it is {message.status} while recipients wait"
    if message.due_at is not None and message.due_at < now - OVERDUE_S and not states <= ENDED:
        yield f"due for rendering since {iso(message.due_at)}, and nobody took it"


def _of_recipient(message: LedgerMessage, recipient: LedgerRecipient, now: float) -> Iterator[str]:
    endings: list[str] = []
    for turn in recipient.turns:
        if turn == events.RETRIED:
            endings.clear()
        elif endings == [events.DELIVERED] and turn in (events.BOUNCE, events.BLOCKED):
            endings = [turn]
        else:
            endings.append(turn)
    if recipient.status in ENDED:
        wanted = 0 if recipient.status == SANDBOX else 1
        if len(endings) != wanted:
            yield f"{recipient.status} with {len(endings)} ending events{_listed(endings)}"
        elif endings and KINDS[endings[0]].state != recipient.status:
            yield f"{recipient.status}, and its ending event is {endings[0]}"
        return
    if endings:
        yield f"{recipient.status} in spite of an ending event{_listed(endings)}"
    if recipient.due_at is None and message.due_at is None and message.status != PAUSED and recipient.waiting != waiting.HELD:
        yield f"{recipient.status}, and nobody will ever look at it"
    if recipient.due_at is not None and recipient.due_at < now - OVERDUE_S:
        yield f"{recipient.status}, due since {iso(recipient.due_at)}, and nobody took it"


def _listed(endings: Sequence[str]) -> str:
    return f": {', '.join(endings[:5])}" if endings else ""
