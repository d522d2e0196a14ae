"""SQL of accepting a request and of claiming messages for rendering."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scaisend.messages.portion import Portion, Weight
from scaisend.messages.store import US, keep_bodies_across_tenants, lock_messages_across_tenants, micros
from scaisend.storage.database import Txn, Value

REQUEST_COLUMNS = ("id", "tenant_id", "credential_id", "payload", "accepted_at")
MESSAGE_COLUMNS = (
    "id", "tenant_id", "request_id", "number", "from_email", "subject", "personalization", "status", "reason", "recipient_count",
    "event_seq", "size_bytes", "has_body", "batch_id", "template_id", "categories", "ip_pool", "send_at", "due_at", "tries", "accepted_at",
    "updated_at",
)
RECIPIENT_COLUMNS = (
    "id", "tenant_id", "message_id", "number", "kind", "email", "name", "status", "waiting", "reason", "due_at", "attempt_id", "claims",
    "tries", "attempts", "resends", "updated_at",
)


@dataclass(frozen=True, slots=True)
class ToRender:
    """A message claimed for rendering, with the recipients that are still to be mailed."""

    id: str
    tenant_id: str
    request_id: str
    number: int
    from_email: str
    payload: str
    personalization: str
    ip_pool: str | None
    batch_id: str | None
    size_bytes: int
    tries: int
    accepted_at: float
    recipients: "tuple[Recipient, ...]"
    template_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient as rendering and delivery need it."""

    id: str
    number: int
    kind: str
    email: str
    name: str | None
    tries: int
    attempts: int
    resends: int
    is_claimed: bool
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an idempotency key answered first."""

    digest: bytes
    answer: str


def insert_requests(txn: Txn, rows: Sequence[Sequence[Value]]) -> set[str]:
    """The requests are written; the ids of those that were there already, messages and all.

    A transaction reruns when its connection is lost while it commits, and then finds what it wrote itself.
    """
    if txn.insert("mail_requests", REQUEST_COLUMNS, rows, ignore=True) == len(rows):
        return set()
    pairs = [(row[1], row[0]) for row in rows]
    return {row[0] for row in txn.rows("SELECT DISTINCT request_id FROM messages WHERE (tenant_id, request_id) IN :pairs", {"pairs": pairs})}


def insert_messages(txn: Txn, rows: Sequence[Sequence[Value]]) -> None:
    txn.insert("messages", MESSAGE_COLUMNS, rows)


def insert_recipients(txn: Txn, rows: Sequence[Sequence[Value]]) -> None:
    txn.insert("recipients", RECIPIENT_COLUMNS, rows)


def claim_idempotency_keys(txn: Txn, rows: Sequence[tuple[str, str, bytes, str, float]]) -> None:
    """Claims (tenant id, key, digest, answer, now) unless they are taken; a claim that is a day old is taken over."""
    for tenant_id, key, _, _, now in rows:
        txn.execute(
            "DELETE FROM idempotency_keys WHERE tenant_id = :tenant_id AND idempotency_key = :key AND created_at < :old",
            {"tenant_id": tenant_id, "key": key, "old": micros(now - 86_400)},
        )
    columns = ("tenant_id", "idempotency_key", "digest", "answer", "created_at")
    txn.insert("idempotency_keys", columns, [(t, k, d, a, micros(now)) for t, k, d, a, now in rows], ignore=True)


def remembered(txn: Txn, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Remembered]:
    """The answers behind (tenant id, key)."""
    rows = txn.rows(
        "SELECT tenant_id, idempotency_key, digest, answer FROM idempotency_keys WHERE (tenant_id, idempotency_key) IN :keys " + txn.dialect.for_update,
        {"keys": list(keys)},
    )
    return {(row[0], row[1]): Remembered(bytes(row[2]), row[3]) for row in rows}


def release_idempotency_key(txn: Txn, tenant_id: str, key: str) -> None:
    """The key is free: the request that claimed it was refused."""
    txn.execute("DELETE FROM idempotency_keys WHERE tenant_id = :tenant_id AND idempotency_key = :key", {"tenant_id": tenant_id, "key": key})


def forget_idempotency_keys_across_tenants(txn: Txn, before: float) -> int:
    """Answers older than `before` are forgotten; how many."""
    return txn.execute("DELETE FROM idempotency_keys WHERE created_at < :before", {"before": micros(before)})


def templates_known(txn: Txn, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """For each known (tenant id, template id) whether it has an active version."""
    rows = txn.rows(
        "SELECT t.tenant_id, t.id, MAX(COALESCE(v.active, 0)) FROM templates t "
        "LEFT JOIN template_versions v ON v.tenant_id = t.tenant_id AND v.template_id = t.id "
        "WHERE (t.tenant_id, t.id) IN :pairs GROUP BY t.tenant_id, t.id",
        {"pairs": list(pairs)},
    )
    return {(row[0], row[1]): bool(row[2]) for row in rows}


def groups_known(txn: Txn, pairs: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which (tenant id, unsubscribe group id) exist."""
    rows = txn.rows("SELECT tenant_id, id FROM asm_groups WHERE (tenant_id, id) IN :pairs", {"pairs": list(pairs)})
    return {(row[0], row[1]) for row in rows}


def pools_known(txn: Txn, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which (tenant id, pool name) exist."""
    rows = txn.rows("SELECT tenant_id, name FROM ip_pools WHERE (tenant_id, name) IN :pairs", {"pairs": list(pairs)})
    return {(row[0], row[1]) for row in rows}


def payloads_across_tenants(txn: Txn, message_ids: Iterable[str]) -> dict[str, str]:
    """What the requests of the messages share, as JSON text, by message; large, so for few messages."""
    return dict(txn.rows(
        "SELECT m.id, q.payload FROM messages m JOIN mail_requests q ON q.id = m.request_id AND q.tenant_id = m.tenant_id WHERE m.id IN :ids",
        {"ids": sorted(set(message_ids))},
    ))


def claim_messages_across_tenants(
    txn: Txn, message_ids: Sequence[str], attempt_id: str, lease_until: float, now: float, portion: Portion
) -> tuple[list[ToRender], list[str]]:
    """The messages that are processed now, their open recipients claimed until the lease ends; and the due ones left for later."""
    rows = txn.rows(
        "SELECT id, tenant_id, request_id, number, from_email, personalization, ip_pool, batch_id, size_bytes, tries, accepted_at, recipient_count, "
        "template_id FROM messages WHERE id IN :ids AND due_at <= :now ORDER BY id " + txn.dialect.skip_locked,
        {"ids": message_ids, "now": micros(now)},
    )
    taken = rows[: portion.of([Weight(row[8], row[9], row[11]) for row in rows])]
    if not taken:
        return [], []
    claimed = [row[0] for row in taken]
    payloads: dict[str, str] = dict(txn.rows("SELECT id, payload FROM mail_requests WHERE id IN :ids", {"ids": sorted({row[2] for row in taken})}))
    txn.execute(
        "UPDATE messages SET status = CASE WHEN status IN ('queued', 'scheduled', 'rendered') THEN 'processing' ELSE status END, "
        "due_at = NULL, tries = tries + 1, updated_at = :now WHERE id IN :ids",
        {"ids": claimed, "now": micros(now)},
    )
    recipients = _claim_recipients_across_tenants(txn, claimed, attempt_id, lease_until, now)
    to_render = [
        ToRender(
            row[0], row[1], row[2], row[3], row[4], payloads.get(row[2], "{}"), row[5], row[6], row[7], row[8], row[9], row[10] / US,
            tuple(recipients.get(row[0], ())), row[12],
        )
        for row in taken
    ]
    return to_render, [row[0] for row in rows[len(taken) :]]


def _claim_recipients_across_tenants(txn: Txn, message_ids: Sequence[str], attempt_id: str, lease_until: float, now: float) -> dict[str, list[Recipient]]:
    txn.execute(
        "UPDATE recipients SET attempt_id = :attempt, due_at = :lease, claims = claims + 1, updated_at = :now "
        "WHERE message_id IN :ids AND status IN ('queued', 'deferred') AND attempt_id IS NULL AND due_at IS NULL",
        {"attempt": attempt_id, "lease": micros(lease_until), "ids": message_ids, "now": micros(now)},
    )
    found: dict[str, list[Recipient]] = {}
    for message_id, attempt, recipient_id, number, kind, email, name, tries, attempts, resends, route in txn.rows(
        "SELECT message_id, attempt_id, id, number, kind, email, name, tries, attempts, resends, route FROM recipients "
        "WHERE message_id IN :ids ORDER BY message_id, number",
        {"ids": message_ids},
    ):
        found.setdefault(message_id, []).append(
            Recipient(recipient_id, number, kind, email, name, tries, attempts, resends, attempt == attempt_id, route)
        )
    return found


def store_rendered_across_tenants(txn: Txn, mails: Sequence[tuple[str, str, bytes]], attempt_id: str, now: float) -> list[str]:
    """Of the rendered mails, (message id, tenant id, packed bytes), those whose claim still holds are kept, and their recipients, freed,
    are due for delivery at once; the recipients' ids."""
    lock_messages_across_tenants(txn, sorted(each[0] for each in mails))
    held = txn.rows(
        "SELECT id, message_id FROM recipients WHERE message_id IN :ids AND attempt_id = :attempt AND status IN ('queued', 'deferred') ORDER BY id "
        + txn.dialect.for_update,
        {"ids": [each[0] for each in mails], "attempt": attempt_id},
    )
    message_ids = {row[1] for row in held}
    keep_bodies_across_tenants(txn, [each for each in mails if each[0] in message_ids])
    txn.execute(
        "UPDATE messages SET status = CASE WHEN status = 'processing' THEN 'rendered' ELSE status END, tries = 0, updated_at = :now WHERE id IN :ids",
        {"ids": sorted(message_ids), "now": micros(now)},
    )
    ready = [row[0] for row in held]
    txn.execute(
        "UPDATE recipients SET attempt_id = NULL, due_at = :now, claims = 0, waiting = 'delivery' WHERE id IN :ids AND attempt_id = :attempt",
        {"ids": ready, "attempt": attempt_id, "now": micros(now)},
    )
    return ready


def pause_claimed_across_tenants(txn: Txn, message_ids: Sequence[str], attempt_id: str, now: float) -> None:
    """The messages, just claimed, are paused with their batch; their recipients are nobody's."""
    txn.execute(
        "UPDATE messages SET status = 'paused', due_at = NULL, reason = 'paused', tries = 0, updated_at = :now WHERE id IN :ids",
        {"ids": message_ids, "now": micros(now)},
    )
    txn.execute(
        "UPDATE recipients SET attempt_id = NULL, due_at = NULL, claims = 0, waiting = 'paused' WHERE message_id IN :ids AND attempt_id = :attempt",
        {"ids": message_ids, "attempt": attempt_id},
    )
