"""SQL of messages, recipients, events, outbox and bodies, for the writers of history and for the workers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scaisend.storage.database import Txn

T = TypeVar("T")

US = 1_000_000


@dataclass(slots=True)
class MessageState:
    """A locked message; `event_seq` is counted on by the recorder."""

    id: str
    tenant_id: str
    status: str
    recipient_count: int
    event_seq: int
    has_body: bool


@dataclass(frozen=True, slots=True)
class RecipientState:
    """A locked recipient."""

    id: str
    message_id: str
    tenant_id: str
    status: str
    attempt_id: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class RecipientUpdate:
    """What a change makes of a recipient's row; equal updates share one statement."""

    status: str
    waiting: str | None = None
    reason: str | None = None
    due_at: float | None = None
    keeps_attempt: bool = False
    attempted: bool = False
    refused_for_now: bool = False
    resent: bool = False


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of `events`; `detail` is JSON text."""

    id: str
    tenant_id: str
    message_id: str
    recipient_id: str | None
    seq: int
    type: str
    happened_at: float
    detail: str | None


# The moment of what waits for an operator, in the year 2200: no sweep comes to it, and what is counted by moment is counted.
HELD_AT = 7_258_118_400.0


def moment_of(column: int | None) -> float | None:
    """What a `due_at` column says to those who ask when it goes on: None when nothing is to be done, or an operator decides."""
    return None if column is None or column >= HELD_AT * US else column / US


def micros(at: float | None) -> int | None:
    """A moment as its column holds it."""
    return None if at is None else int(at * US)


def lock_messages_across_tenants(txn: Txn, message_ids: Sequence[str]) -> dict[str, MessageState]:
    """The messages by id, locked in id order: before their recipients, by all who write both."""
    rows = txn.rows(
        "SELECT id, tenant_id, status, recipient_count, event_seq, has_body FROM messages WHERE id IN :ids ORDER BY id " + txn.dialect.for_update,
        {"ids": message_ids},
    )
    return {row[0]: MessageState(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}


def lock_recipients_across_tenants(txn: Txn, recipient_ids: Sequence[str]) -> dict[str, RecipientState]:
    """The recipients by id, locked in id order."""
    rows = txn.rows(
        "SELECT id, message_id, tenant_id, status, attempt_id, attempts FROM recipients WHERE id IN :ids ORDER BY id " + txn.dialect.for_update,
        {"ids": recipient_ids},
    )
    return {row[0]: RecipientState(*row) for row in rows}


def emails_across_tenants(txn: Txn, recipient_ids: Iterable[str]) -> dict[str, str]:
    """The addresses of the recipients by id."""
    return dict(txn.rows("SELECT id, email FROM recipients WHERE id IN :ids", {"ids": sorted(recipient_ids)}))


def insert_events_across_tenants(txn: Txn, rows: Sequence[EventRow]) -> None:
    txn.insert(
        "events",
        ("id", "tenant_id", "message_id", "recipient_id", "seq", "type", "happened_at", "detail"),
        [(e.id, e.tenant_id, e.message_id, e.recipient_id, e.seq, e.type, int(e.happened_at * US), e.detail) for e in rows],
    )


def tenants_with_webhooks_across_tenants(txn: Txn, tenant_ids: Iterable[str]) -> set[str]:
    """Which of the tenants have an enabled webhook."""
    return {row[0] for row in txn.rows("SELECT DISTINCT tenant_id FROM webhooks WHERE tenant_id IN :ids AND enabled = 1", {"ids": list(tenant_ids)})}


def insert_outbox_across_tenants(txn: Txn, rows: Sequence[EventRow], now: float) -> None:
    if rows:
        txn.insert("outbox", ("tenant_id", "event_id", "created_at"), [(row.tenant_id, row.id, micros(now)) for row in rows])


def insert_forwards_across_tenants(txn: Txn, rows: Sequence[tuple[EventRow, str]], now: float) -> None:
    """The events, each with the setting that wants it so, are to be mailed to their tenants."""
    columns = ("event_id", "tenant_id", "recipient_id", "setting", "due_at", "created_at")
    if rows:
        txn.insert("forwards", columns, [(row.id, row.tenant_id, row.recipient_id, setting, micros(now), micros(now)) for row, setting in rows])


def update_recipients_across_tenants(txn: Txn, recipient_ids: Sequence[str], update: RecipientUpdate, now: float) -> None:
    """The recipients are as the update says; their claim ends unless the update keeps it."""
    sets = ["status = :status", "waiting = :waiting", "reason = :reason", "due_at = :due_at", "updated_at = :now", "claims = 0"]
    if not update.keeps_attempt:
        sets.append("attempt_id = NULL")
    if update.attempted:
        sets.append("attempts = attempts + 1")
    if update.refused_for_now:
        sets.append("tries = tries + 1")
    if update.resent:
        sets.append("resends = resends + 1")
    txn.execute(
        "UPDATE recipients SET " + ", ".join(sets) + " WHERE id IN :ids",
        {
            "status": update.status, "waiting": update.waiting, "reason": update.reason and update.reason[:512],
            "due_at": micros(update.due_at), "now": micros(now), "ids": recipient_ids,
        },
    )


def touch_recipients_across_tenants(txn: Txn, recipient_ids: Sequence[str], now: float) -> None:
    """Something was said of the recipients that changes nothing about their delivery."""
    txn.execute("UPDATE recipients SET updated_at = :now WHERE id IN :ids", {"now": micros(now), "ids": sorted(set(recipient_ids))})


def recipient_states_across_tenants(txn: Txn, message_ids: Sequence[str]) -> dict[str, set[str]]:
    """The states that each message's recipients have."""
    found: dict[str, set[str]] = {}
    for message_id, state in txn.rows("SELECT DISTINCT message_id, status FROM recipients WHERE message_id IN :ids", {"ids": message_ids}):
        found.setdefault(message_id, set()).add(state)
    return found


def update_messages_across_tenants(txn: Txn, message_ids: Sequence[str], status: str, new_events: int, now: float) -> None:
    """The messages have the status and so many more events; something came of them, so no suspicion of killing workers is left."""
    txn.execute(
        "UPDATE messages SET status = :status, event_seq = event_seq + :n, tries = 0, updated_at = :now WHERE id IN :ids",
        {"status": status, "n": new_events, "now": micros(now), "ids": message_ids},
    )


def keep_bodies_across_tenants(txn: Txn, bodies: Sequence[tuple[str, str, bytes]]) -> None:
    """The rendered mails, (message id, tenant id, packed bytes), are kept for another attempt or another process."""
    if bodies:
        txn.insert("bodies", ("message_id", "tenant_id", "content"), bodies, ignore=True)
        txn.execute("UPDATE messages SET has_body = 1 WHERE id IN :ids", {"ids": sorted(each[0] for each in bodies)})


def drop_bodies_across_tenants(txn: Txn, message_ids: Sequence[str]) -> None:
    """Ended messages need no body."""
    txn.execute("DELETE FROM bodies WHERE message_id IN :ids", {"ids": message_ids})
    txn.execute("UPDATE messages SET has_body = 0 WHERE id IN :ids", {"ids": message_ids})


def active_tenants_across_tenants(txn: Txn) -> list[str]:
    """Every tenant: the sweeps look at each one's work in turn, so that none hides another's."""
    return [row[0] for row in txn.rows("SELECT id FROM tenants ORDER BY id")]


def due_messages(txn: Txn, tenant_id: str, due_before: float, most: int) -> list[str]:
    """Ids of the tenant's messages due for rendering: those due longest, and where these are not all, the latest for a quarter of `most`."""

    def due(order: str, count: int) -> list[str]:
        rows = txn.rows(
            f"SELECT id FROM messages WHERE tenant_id = :tenant_id AND due_at <= :due ORDER BY due_at {order} LIMIT :most",
            {"tenant_id": tenant_id, "due": micros(due_before), "most": count},
        )
        return [row[0] for row in rows]

    return both_ends(due, most)


def both_ends(due: Callable[[str, int], list[T]], most: int) -> list[T]:
    """Up to `most` of what `due(order, count)` finds, oldest first; where there is more, a quarter are the newest: new mail passes a backlog."""
    found = due("ASC", most)
    newest = most // 4 if len(found) == most else 0
    return found if not newest else list(dict.fromkeys(found[: most - newest] + due("DESC", newest)))
