"""SQL of how much waits: read from the indexes of what is due, so that it costs by what waits and not by what is stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scaisend.messages.store import US, active_tenants_across_tenants, micros
from scaisend.storage.database import Txn
from scaisend.storage.queue import EMAIL_PROCESS, QUEUES, SMTP_DELIVER, WEBHOOK_DELIVER

COUNTED_MOST = 200_000
STATES = ("queued", "deferred", "sending", "in_doubt")


@dataclass(slots=True)
class Depths:
    """By queue: rows due now, rows due later, and the moment the oldest became due (0 when none); recipients with a moment, by state.

    Of one tenant and table at most COUNTED_MOST rows are counted.
    """

    due: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    later: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    oldest_at: dict[str, float] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0.0))
    recipients: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))


_TABLES = ((EMAIL_PROCESS, "messages"), (SMTP_DELIVER, "recipients"), (WEBHOOK_DELIVER, "webhook_deliveries"))


def depths(txn: Txn, tenant_id: str, now: float) -> Depths:
    """What of the tenant's waits for each stage."""
    return _summed(txn, [tenant_id], now)


def depths_across_tenants(txn: Txn, now: float) -> Depths:
    """What waits for each stage."""
    return _summed(txn, active_tenants_across_tenants(txn), now)


def _summed(txn: Txn, tenant_ids: Iterable[str], now: float) -> Depths:
    found = Depths()
    for tenant_id in tenant_ids:
        for name, table in _TABLES:
            for status, due, count, oldest in txn.rows(
                f"SELECT status, due, COUNT(*), MIN(due_at) FROM (SELECT status, due_at, due_at <= :now AS due FROM {table} "
                "WHERE tenant_id = :tenant_id AND due_at > 0 LIMIT :most) waiting GROUP BY status, due",
                {"tenant_id": tenant_id, "now": micros(now), "most": COUNTED_MOST},
            ):
                _add(found, name, status, bool(due), int(count), oldest / US)
    return found


def _add(found: Depths, name: str, status: str, is_due: bool, count: int, oldest_at: float) -> None:
    if is_due:
        found.due[name] += count
        found.oldest_at[name] = min(found.oldest_at[name] or oldest_at, oldest_at)
    else:
        found.later[name] += count
    if name == SMTP_DELIVER and status in found.recipients:
        found.recipients[status] += count
