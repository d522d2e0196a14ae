"""SQL of `forwards`: bounces and spam reports that are to be mailed to their tenant, and those that were.

A row's hour is the clock hour of its `created_at`; each setting of a tenant has a number of mails an hour (forward_worker.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.messages.erase_store import TOMBSTONE
from scaisend.messages.store import micros
from scaisend.reporting.forwarded import Report
from scaisend.storage.database import Txn

US = 1_000_000
HOUR_US = 3_600 * US
_HOUR = "tenant_id = :tenant_id AND setting = :setting AND created_at >= :hour AND created_at < :hour + 3600000000"
_REPORT = (
    "SELECT e.id, e.type, e.detail, e.happened_at, e.message_id, r.email, m.subject, m.from_email, m.accepted_at, m.request_id, q.credential_id FROM events e "
    "JOIN messages m ON m.id = e.message_id AND m.tenant_id = e.tenant_id JOIN mail_requests q ON q.id = m.request_id AND q.tenant_id = m.tenant_id "
    "JOIN recipients r ON r.id = e.recipient_id AND r.tenant_id = e.tenant_id WHERE e.tenant_id = :tenant_id AND e.id IN :ids"
)


@dataclass(frozen=True, slots=True)
class Forward:
    """An event of the hour: the request of its mail, once one was chosen, and whether that mail is still to be written."""

    event_id: str
    request_id: str | None
    is_open: bool


def due_across_tenants(txn: Txn, now: float) -> list[tuple[str, str, int]]:
    """The (tenant, setting, hour in microseconds) that have due rows, the oldest hour of each tenant's setting."""
    rows = txn.rows(
        "SELECT tenant_id, setting, MIN(created_at) AS oldest FROM forwards WHERE due_at <= :now GROUP BY tenant_id, setting ORDER BY oldest", {"now": micros(now)}
    )
    return [(row[0], row[1], row[2] - row[2] % HOUR_US) for row in rows]


def first_of_hour(txn: Txn, tenant_id: str, setting: str, hour: int, most: int) -> list[Forward]:
    """The first `most` rows of the hour, those that were mailed among them; locked."""
    rows = txn.rows(
        f"SELECT event_id, request_id, due_at FROM forwards WHERE {_HOUR} ORDER BY created_at, event_id LIMIT :most {txn.dialect.for_update}",
        {"tenant_id": tenant_id, "setting": setting, "hour": hour, "most": most},
    )
    return [Forward(row[0], row[1], row[2] is not None) for row in rows]


def rest_of_hour(txn: Txn, tenant_id: str, setting: str, hour: int, first: Sequence[str]) -> tuple[int, Forward | None]:
    """How many open rows the hour has besides these, and the first of them."""
    own = {"tenant_id": tenant_id, "setting": setting, "hour": hour, "first": list(first)}
    rest = f"FROM forwards WHERE {_HOUR} AND due_at IS NOT NULL AND event_id NOT IN :first"
    row = txn.row(f"SELECT COUNT(*) {rest}", own)
    head = txn.row(f"SELECT event_id, request_id {rest} ORDER BY created_at, event_id LIMIT 1", own)
    return (row[0] if row else 0), Forward(head[0], head[1], True) if head else None


def put_off_rest(txn: Txn, tenant_id: str, setting: str, hour: int, first: Sequence[str], due_at: float) -> None:
    """The open rows of the hour besides these wait until `due_at`."""
    txn.execute(
        f"UPDATE forwards SET due_at = :due_at WHERE {_HOUR} AND due_at IS NOT NULL AND event_id NOT IN :first",
        {"tenant_id": tenant_id, "setting": setting, "hour": hour, "first": list(first), "due_at": micros(due_at)},
    )


def choose_request(txn: Txn, tenant_id: str, event_id: str, request_id: str) -> None:
    """The event's mail will be this request."""
    txn.execute(
        "UPDATE forwards SET request_id = :request_id WHERE tenant_id = :tenant_id AND event_id = :event_id",
        {"tenant_id": tenant_id, "event_id": event_id, "request_id": request_id},
    )


def close(txn: Txn, tenant_id: str, event_id: str) -> None:
    """The event was mailed."""
    txn.execute("UPDATE forwards SET due_at = NULL WHERE tenant_id = :tenant_id AND event_id = :event_id", {"tenant_id": tenant_id, "event_id": event_id})


def drop(txn: Txn, tenant_id: str, event_ids: Sequence[str]) -> None:
    """The events are not mailed."""
    if event_ids:
        txn.execute("DELETE FROM forwards WHERE tenant_id = :tenant_id AND event_id IN :ids", {"tenant_id": tenant_id, "ids": list(event_ids)})


def drop_open(txn: Txn, tenant_id: str, setting: str, hour: int, besides: Sequence[str]) -> int:
    """No row of the hour besides these is open any more; how many were."""
    return txn.execute(
        f"DELETE FROM forwards WHERE {_HOUR} AND due_at IS NOT NULL AND event_id NOT IN :besides",
        {"tenant_id": tenant_id, "setting": setting, "hour": hour, "besides": list(besides)},
    )


def reports(txn: Txn, tenant_id: str, event_ids: Sequence[str]) -> dict[str, Report]:
    """What the tenant's events say, by id, as the tables have it now: an erased recipient has no address."""
    if not event_ids:
        return {}
    rows = txn.rows(_REPORT, {"tenant_id": tenant_id, "ids": list(event_ids)})
    return {
        row[0]: Report(
            event_id=row[0], type=row[1], detail=orjson.loads(row[2]) if row[2] else {}, happened_at=row[3] / US, message_id=row[4], email=None if row[5] == TOMBSTONE else row[5],
            subject=row[6], from_email=row[7], accepted_at=row[8] / US, request_id=row[9], credential_id=row[10],
        )
        for row in rows
    }
