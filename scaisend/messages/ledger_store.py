"""SQL of the ledger: accepted messages in pages of bounded size, with their recipients and what ended them."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.messages import event as events
from scaisend.messages.ledger import ENDING, Entry, LedgerMessage, LedgerRecipient
from scaisend.messages.search import CLOCK_SLACK_S, id_bound
from scaisend.messages.store import micros, moment_of
from scaisend.storage.database import Row, Txn, Value

MESSAGES_AT_ONCE = 500
RECIPIENTS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Period:
    """What is audited: accepted from `since_at` on (0: all), of one tenant or of all (None)."""

    since_at: float = 0.0
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and the id after which the next page begins; None when this was the last."""

    entries: list[Entry]
    after: str | None


def ledger_page_across_tenants(txn: Txn, period: Period, after: str) -> Page:
    """The entries with the next ids above `after`, "" for the first page."""
    parameters: dict[str, Value] = {
        "after": after or id_bound(period.since_at - CLOCK_SLACK_S), "since": micros(period.since_at), "most": MESSAGES_AT_ONCE,
    }
    of_tenant = ""
    if period.tenant_id is not None:
        of_tenant, parameters["tenant_id"] = "AND tenant_id = :tenant_id", period.tenant_id
    rows = txn.rows(
        "SELECT id, tenant_id, status, recipient_count, event_seq, due_at FROM messages "
        f"WHERE id > :after AND accepted_at >= :since {of_tenant} ORDER BY id LIMIT :most",
        parameters,
    )
    taken = rows[: _portion([row[3] for row in rows])]
    is_last = len(taken) == len(rows) < MESSAGES_AT_ONCE
    return Page(_entries_across_tenants(txn, taken), None if is_last else taken[-1][0])


def entries_again_across_tenants(txn: Txn, message_ids: Sequence[str]) -> list[Entry]:
    """These entries as they are while nobody writes history of them: what one transaction saw between two others is sorted out."""
    rows = txn.rows(
        "SELECT id, tenant_id, status, recipient_count, event_seq, due_at FROM messages WHERE id IN :ids ORDER BY id " + txn.dialect.for_update,
        {"ids": sorted(message_ids)},
    )
    return _entries_across_tenants(txn, rows)


def _portion(counts: Sequence[int]) -> int:
    """How many of the messages go into one page: at least one."""
    total = 0
    for place, count in enumerate(counts):
        total += count
        if place and total > RECIPIENTS_AT_ONCE:
            return place
    return len(counts)


def _entries_across_tenants(txn: Txn, rows: Sequence[Row]) -> list[Entry]:
    if not rows:
        return []
    ids = [row[0] for row in rows]
    numbers = {
        row[0]: (int(row[1]), int(row[2]), int(row[3]))
        for row in txn.rows("SELECT message_id, COUNT(*), MIN(seq), MAX(seq) FROM events WHERE message_id IN :ids GROUP BY message_id", {"ids": ids})
    }
    turns: dict[str, list[str]] = {}
    for recipient_id, kind in txn.rows(
        "SELECT recipient_id, type FROM events WHERE message_id IN :ids AND type IN :types ORDER BY message_id, seq",
        {"ids": ids, "types": [*ENDING, events.RETRIED]},
    ):
        turns.setdefault(recipient_id, []).append(kind)
    recipients: dict[str, list[LedgerRecipient]] = {}
    for message_id, recipient_id, status, waiting, due_at, resends in txn.rows(
        "SELECT message_id, id, status, waiting, due_at, resends FROM recipients WHERE message_id IN :ids ORDER BY message_id, number", {"ids": ids}
    ):
        recipients.setdefault(message_id, []).append(
            LedgerRecipient(recipient_id, status, waiting, moment_of(due_at), resends, tuple(turns.get(recipient_id, ())))
        )
    return [
        Entry(
            LedgerMessage(*(*row[:5], moment_of(row[5]), *numbers.get(row[0], (0, 0, 0)))), tuple(recipients.get(row[0], ())),
        )
        for row in rows
    ]
