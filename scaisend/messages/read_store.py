"""SQL of what is read of messages: one, many, their recipients, timelines and dialogues. Every statement carries the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.messages.search import CLOCK_SLACK_S, Asked, Filters, id_bound
from scaisend.messages.status import (
    DEFERRED,
    ENDED,
    IN_DOUBT,
    PAUSED,
    QUEUED,
    SCHEDULED,
    SENDING,
    UNTOUCHED,
)
from scaisend.messages.store import US, micros, moment_of
from scaisend.storage.database import Row, Txn, Value

# A list shows at most this many recipients of each message.
LISTED = 100
MOST_DIALOGUES = 100
_MESSAGE = (
    "m.id, m.request_id, m.status, m.reason, m.from_email, m.subject, m.categories, m.batch_id, m.template_id, m.ip_pool, m.recipient_count, "
    "m.send_at, m.due_at, m.accepted_at, m.updated_at"
)
_RECIPIENT = "r.id, r.message_id, r.number, r.kind, r.email, r.name, r.status, r.waiting, r.reason, r.due_at, r.attempt_id, r.attempts, r.resends, r.updated_at, r.route"
_DONE = "(" + ", ".join(map(repr, sorted(ENDED))) + ")"
_ANY = "EXISTS (SELECT 1 FROM recipients s WHERE s.message_id = m.id AND s.status {})"
_BEGUN = _ANY.format(f"NOT IN ({', '.join(map(repr, sorted(UNTOUCHED)))})")
_WAITS = _ANY.format("IN ('queued', 'deferred')")
# The recipients' states that a message shows before the state itself (messages/status.py).
_BEFORE = {SENDING: "", IN_DOUBT: "'sending'", DEFERRED: "'sending', 'in_doubt'", QUEUED: "'sending', 'in_doubt', 'deferred'"}


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as its row says; `categories` is JSON text."""

    id: str
    request_id: str
    status: str
    reason: str | None
    from_email: str
    subject: str | None
    categories: str | None
    batch_id: str | None
    template_id: str | None
    ip_pool: str | None
    recipient_count: int
    send_at: float | None
    due_at: float | None
    accepted_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class SeenRecipient:
    """A recipient as its row says; `is_claimed` while a worker works on it, or its attempt is in doubt."""

    id: str
    message_id: str
    number: int
    kind: str
    email: str
    name: str | None
    status: str
    waiting: str | None
    reason: str | None
    due_at: float | None
    is_claimed: bool
    attempts: int
    resends: int
    updated_at: float
    route: str | None = None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event of a timeline; `detail` is JSON text."""

    id: str
    recipient_id: str | None
    seq: int
    type: str
    happened_at: float
    detail: str | None


@dataclass(frozen=True, slots=True)
class SeenDialogue:
    """What was said in one attempt that did not deliver."""

    id: str
    recipient_id: str
    destination: str
    source: str | None
    tls: str | None
    dialogue: str
    happened_at: float


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """What a message was sent with: who sent it, and the JSON texts of what its request shares and of what is its own."""

    credential_id: str
    payload: str
    personalization: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A message with its recipients (of a list: the first LISTED), and the states that all of them have."""

    message: SeenMessage
    recipients: tuple[SeenRecipient, ...]
    states: frozenset[str]


def message_page(txn: Txn, tenant_id: str, asked: Asked) -> list[Seen]:
    """The page's messages, newest first."""
    if asked.filters.impossible:
        return []
    where, parameters = _conditions(asked.filters)
    if asked.below is not None:
        where.append("m.id < :below")
        parameters["below"] = asked.below
    rows = txn.rows(
        f"SELECT {_MESSAGE} FROM messages m WHERE {' AND '.join(['m.tenant_id = :tenant_id', *where])} "
        "ORDER BY m.id DESC LIMIT :limit OFFSET :offset",
        {**parameters, "tenant_id": tenant_id, "limit": asked.limit, "offset": asked.offset},
    )
    return _with_recipients(txn, tenant_id, [_message(row) for row in rows], LISTED)


def seen(txn: Txn, tenant_id: str, message_id: str) -> Seen | None:
    """The tenant's message with all its recipients."""
    row = txn.row(
        f"SELECT {_MESSAGE} FROM messages m WHERE m.tenant_id = :tenant_id AND m.id = :id", {"tenant_id": tenant_id, "id": message_id}
    )
    return _with_recipients(txn, tenant_id, [_message(row)], None)[0] if row else None


def ids_of_request(txn: Txn, tenant_id: str, request_id: str) -> list[str]:
    """The ids of the request's messages, in the order of its personalizations."""
    rows = txn.rows(
        "SELECT id FROM messages WHERE request_id = :request_id AND tenant_id = :tenant_id ORDER BY number, id",
        {"request_id": request_id, "tenant_id": tenant_id},
    )
    return [row[0] for row in rows]


def request_of(txn: Txn, tenant_id: str, message_id: str) -> SeenRequest | None:
    """What the tenant's message was sent with."""
    row = txn.row(
        "SELECT q.credential_id, q.payload, m.personalization FROM messages m JOIN mail_requests q ON q.id = m.request_id "
        "WHERE m.id = :id AND m.tenant_id = :tenant_id AND q.tenant_id = :tenant_id",
        {"id": message_id, "tenant_id": tenant_id},
    )
    return SeenRequest(*row) if row else None


def timeline(txn: Txn, tenant_id: str, message_id: str) -> list[SeenEvent]:
    """The message's events, first to last."""
    rows = txn.rows(
        "SELECT id, recipient_id, seq, type, happened_at, detail FROM events WHERE message_id = :id AND tenant_id = :tenant_id ORDER BY seq",
        {"id": message_id, "tenant_id": tenant_id},
    )
    return [SeenEvent(row[0], row[1], row[2], row[3], row[4] / US, row[5]) for row in rows]


def dialogues(txn: Txn, tenant_id: str, recipient_ids: Sequence[str]) -> list[SeenDialogue]:
    """The latest dialogues of the recipients' attempts, newest first."""
    rows = txn.rows(
        "SELECT id, recipient_id, destination, source, tls, dialogue, happened_at FROM dialogues "
        "WHERE recipient_id IN :ids AND tenant_id = :tenant_id ORDER BY happened_at DESC, id DESC LIMIT :most",
        {"ids": recipient_ids, "tenant_id": tenant_id, "most": MOST_DIALOGUES},
    )
    return [SeenDialogue(*(*row[:6], row[6] / US)) for row in rows]


def _recipient(row: Row) -> SeenRecipient:
    """The recipient in a row of _RECIPIENT."""
    due_at = moment_of(row[9])
    return SeenRecipient(*(*row[:9], due_at, row[10] is not None, row[11], row[12], row[13] / US, row[14]))


def _message(row: Row) -> SeenMessage:
    send_at, due_at = (None if each is None else each / US for each in row[11:13])
    return SeenMessage(*(*row[:11], send_at, due_at, row[13] / US, row[14] / US))


def _with_recipients(txn: Txn, tenant_id: str, messages: Sequence[SeenMessage], most: int | None) -> list[Seen]:
    if not messages:
        return []
    ids = [message.id for message in messages]
    first = "" if most is None else "AND r.number < :most "
    rows = txn.rows(
        f"SELECT {_RECIPIENT} FROM recipients r WHERE r.message_id IN :ids AND r.tenant_id = :tenant_id {first}ORDER BY r.message_id, r.number",
        {"ids": ids, "tenant_id": tenant_id, "most": most},
    )
    found: dict[str, list[SeenRecipient]] = {}
    states: dict[str, set[str]] = {}
    for recipient in map(_recipient, rows):
        found.setdefault(recipient.message_id, []).append(recipient)
        states.setdefault(recipient.message_id, set()).add(recipient.status)
    large = [message.id for message in messages if most is not None and message.recipient_count > most]
    for message_id, state in txn.rows(
        "SELECT DISTINCT message_id, status FROM recipients WHERE message_id IN :ids AND tenant_id = :tenant_id",
        {"ids": large, "tenant_id": tenant_id},
    ) if large else ():
        states[message_id].add(state)
    return [Seen(each, tuple(found.get(each.id, ())), frozenset(states.get(each.id, ()))) for each in messages]


def _conditions(filters: Filters) -> tuple[list[str], dict[str, Value | list[Value]]]:
    where: list[str] = []
    parameters: dict[str, Value | list[Value]] = {}

    def add(condition: str, **values: Value | list[Value]) -> None:
        where.append(condition)
        parameters.update(values)

    if filters.status is not None:
        add(_shows(filters.status), status=filters.status)
    if filters.to_emails:
        emails = "SELECT t.message_id FROM recipients t WHERE t.tenant_id = :tenant_id AND t.email IN :to_emails"
        add(f"m.id IN ({emails})", to_emails=list(filters.to_emails))
    if filters.from_emails:
        add("m.from_email IN :from_emails", from_emails=list(filters.from_emails))
    if filters.subject is not None:
        add("SUBSTR(m.subject, 1, :subject_length) = :subject", subject=filters.subject, subject_length=len(filters.subject))
    if filters.category is not None:
        first, later = category_texts(filters.category)
        add("(INSTR(m.categories, :first_category) > 0 OR INSTR(m.categories, :later_category) > 0)", first_category=first, later_category=later)
    if filters.batch_id is not None:
        add("m.batch_id = :batch_id", batch_id=filters.batch_id)
    if filters.x_message_id is not None:
        add("m.request_id = :request_id", request_id=filters.x_message_id)
    if filters.since_at is not None:
        add("m.id > :from_id AND m.accepted_at >= :since", from_id=id_bound(filters.since_at - CLOCK_SLACK_S), since=micros(filters.since_at))
    if filters.until_at is not None:
        add("m.id < :to_id AND m.accepted_at < :until", to_id=id_bound(filters.until_at + CLOCK_SLACK_S), until=micros(filters.until_at))
    return where, parameters


def category_texts(category: str) -> tuple[str, str]:
    """How the category stands in the column of categories as the first one, and as a later one.

    With the sign before it, since inside a text a quote is escaped: so no other category contains it.
    """
    text = orjson.dumps(category).decode()
    return f"[{text}", f",{text}"


def _shows(status: str) -> str:
    """SQL of `status.shown(…) == :status`. Of ended messages the row tells it; of the others the recipients may say more."""
    if status in ENDED:
        return "m.status = :status"
    if status in (SCHEDULED, PAUSED):
        return f"(m.status = :status AND {_WAITS})"
    stage = f"(m.status = :status AND NOT {_BEGUN} AND {_ANY.format('= ' + repr(QUEUED))})"
    if status not in _BEFORE:
        return stage
    first = f"m.status NOT IN {_DONE} AND NOT (m.status IN ('scheduled', 'paused') AND {_WAITS}) AND {_ANY.format('= :status')}"
    if _BEFORE[status]:
        first += f" AND NOT {_ANY.format(f'IN ({_BEFORE[status]})')}"
    if status != QUEUED:
        return f"({first})"
    return f"({stage} OR ({first} AND (m.status NOT IN ('processing', 'rendered', 'queued') OR {_BEGUN})))"
