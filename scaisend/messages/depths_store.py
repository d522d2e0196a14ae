"""SQL of how much waits, for operators: counted over all tenants by the index of what is due."""

from dataclasses import dataclass

from scaisend.messages.store import US, micros
from scaisend.storage.database import Txn
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER, WEBHOOK_DELIVER

DAY_S = 86_400
COUNTED_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Depths:
    """By queue: rows due now, rows due later, and the moment the oldest became due (0 when none); recipients by state."""

    due: dict[str, int]
    later: dict[str, int]
    oldest_at: dict[str, float]
    recipients: dict[str, int]
    copies_per_million: float


_TABLES = ((EMAIL_PROCESS, "messages"), (SMTP_DELIVER, "recipients"), (WEBHOOK_DELIVER, "webhook_deliveries"))


def depths_across_tenants(txn: Txn, now: float) -> Depths:
    """What waits for each stage."""
    due: dict[str, int] = {}
    later: dict[str, int] = {}
    oldest: dict[str, float] = {}
    for name, table in _TABLES:
        row = txn.row(
            f"SELECT COUNT(CASE WHEN due_at <= :now THEN 1 END), COUNT(CASE WHEN due_at > :now THEN 1 END), MIN(due_at) FROM {table} "
            "WHERE due_at IS NOT NULL",
            {"now": micros(now)},
        )
        assert row is not None
        due[name], later[name], oldest[name] = int(row[0]), int(row[1]), (row[2] or 0) / US
    states = txn.rows("SELECT status, COUNT(*) FROM recipients WHERE status IN ('queued', 'deferred', 'sending', 'in_doubt') GROUP BY status")
    copies = txn.row(
        "SELECT COUNT(*), SUM(resends) FROM recipients WHERE updated_at > :since", {"since": micros(now - DAY_S)}
    )
    assert copies is not None
    waiting = {"queued": 0, "deferred": 0, "sending": 0, "in_doubt": 0} | {row[0]: int(row[1]) for row in states}
    return Depths(due, later, oldest, waiting, 1e6 * float(copies[1] or 0) / copies[0] if copies[0] else 0.0)
