"""SQL of `parse_posts`: mails of parse hosts on their way to their tenants. Made by the listener, claimed by the worker, all tenants' at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from scaisend.reporting.periods import day_of
from scaisend.storage.database import Row, Txn

US = 1_000_000
PARSE_FAILED = "parse_failed"
_SELECT = "SELECT mail_id, tenant_id, hostname, recipients, attempts, created_at FROM parse_posts"


@dataclass(frozen=True, slots=True)
class ParsePost:
    """One mail for one host: `recipients` are its forward paths there; `attempts` those that were begun before."""

    mail_id: str
    tenant_id: str
    hostname: str
    recipients: tuple[str, ...]
    attempts: int
    created_at: float


def add_across_tenants(txn: Txn, posts: Sequence[ParsePost]) -> None:
    """The mails are due to be posted, and are counted in their tenants' day."""
    columns = ("mail_id", "tenant_id", "hostname", "recipients", "due_at", "attempts", "created_at")
    txn.insert("parse_posts", columns, [
        (each.mail_id, each.tenant_id, each.hostname, orjson.dumps(each.recipients).decode(), int(each.created_at * US), 0, int(each.created_at * US))
        for each in posts
    ])
    days = Counter((each.tenant_id, day_of(each.created_at).isoformat()) for each in posts)
    rows = [(*key, count) for key, count in sorted(days.items())]
    txn.upsert("parse_counts", ("tenant_id", "day", "received"), rows, keys=("tenant_id", "day"), add=("received",))


def received(txn: Txn, tenant_id: str, first: date, last: date) -> dict[date, int]:
    """How many mails the tenant's hosts took on each of the days that had any."""
    rows = txn.rows(
        "SELECT day, received FROM parse_counts WHERE tenant_id = :tenant_id AND day >= :first AND day <= :last",
        {"tenant_id": tenant_id, "first": first.isoformat(), "last": last.isoformat()},
    )
    return {date.fromisoformat(row[0]): row[1] for row in rows}


def due_hosts_across_tenants(txn: Txn, now: float, most: int) -> list[str]:
    """Up to `most` hosts that have mails due, the longest waiting first."""
    sql = "SELECT hostname FROM parse_posts WHERE due_at <= :now GROUP BY hostname ORDER BY MIN(due_at), hostname LIMIT :most"
    return [row[0] for row in txn.rows(sql, {"now": int(now * US), "most": most})]


def claim_across_tenants(txn: Txn, hostname: str, most: int, attempt_id: str, lease_until: float, now: float) -> list[ParsePost]:
    """Up to `most` due posts of the host, oldest first, claimed until the lease ends."""
    rows = txn.rows(
        f"{_SELECT} WHERE hostname = :hostname AND due_at <= :now ORDER BY due_at, mail_id LIMIT :most {txn.dialect.skip_locked}",
        {"hostname": hostname, "now": int(now * US), "most": most},
    )
    if rows:
        txn.execute(
            "UPDATE parse_posts SET attempt_id = :attempt, due_at = :lease, attempts = attempts + 1 WHERE mail_id IN :ids",
            {"attempt": attempt_id, "lease": int(lease_until * US), "ids": [row[0] for row in rows]},
        )
    return [_post(row) for row in rows]


def put_off_across_tenants(txn: Txn, mail_id: str, attempt_id: str, due_at: float | None, answer: str) -> bool:
    """Whether the claim still holds; the post is due at the moment, or has failed for good (None), because of the answer."""
    return txn.execute(
        "UPDATE parse_posts SET due_at = :due_at, attempt_id = NULL, answer = :answer WHERE mail_id = :id AND attempt_id = :attempt",
        {"due_at": None if due_at is None else int(due_at * US), "answer": answer[:512], "id": mail_id, "attempt": attempt_id},
    ) > 0


def drop_claimed_across_tenants(txn: Txn, mail_id: str, attempt_id: str) -> bool:
    """Whether the claim still holds; the post is gone."""
    return txn.execute("DELETE FROM parse_posts WHERE mail_id = :id AND attempt_id = :attempt", {"id": mail_id, "attempt": attempt_id}) > 0


def forget_failed_across_tenants(txn: Txn, before: float, most: int) -> int:
    """Up to `most` posts that failed for good, made before the moment, are gone; how many."""
    rows = txn.rows(
        "SELECT mail_id FROM parse_posts WHERE created_at < :before AND due_at IS NULL ORDER BY mail_id LIMIT :most",
        {"before": int(before * US), "most": most},
    )
    return txn.execute("DELETE FROM parse_posts WHERE mail_id IN :ids", {"ids": [row[0] for row in rows]}) if rows else 0


def _post(row: Row) -> ParsePost:
    return ParsePost(row[0], row[1], row[2], tuple(orjson.loads(row[3])), row[4], row[5] / US)
