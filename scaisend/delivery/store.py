"""SQL of delivery: claims, the mark before the final dot, leases, what lapsed, dialogues, destinations."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.messages.portion import Portion, Weight
from scaisend.messages.store import HELD_AT, US, both_ends, keep_bodies_across_tenants, micros
from scaisend.storage.database import Txn


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient claimed for delivery, with its message's body."""

    id: str
    message_id: str
    tenant_id: str
    number: int
    kind: str
    email: str
    name: str | None
    tries: int
    attempts: int
    resends: int
    claims: int
    route: str | None
    from_email: str
    accepted_at: float
    size_bytes: int
    ip_pool: str | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Release:
    """A claimed recipient that goes back without an event: not tried, or known not to have reached the final dot."""

    recipient_id: str
    message_id: str
    tenant_id: str
    attempt_id: str
    due_at: float
    waiting: str
    reason: str | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A recipient whose moment has come without anybody holding it."""

    id: str
    message_id: str
    tenant_id: str
    status: str
    attempt_id: str | None
    resends: int
    has_body: bool


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said in an attempt that did not deliver."""

    id: str
    tenant_id: str
    recipient_id: str
    attempt_id: str
    destination: str
    source: str | None
    tls: str | None
    dialogue: str
    happened_at: float


def claim_recipients_across_tenants(
    txn: Txn, recipient_ids: Sequence[str], attempt_id: str, lease_until: float, now: float, portion: Portion
) -> tuple[list[Claimed], list[str]]:
    """The recipients that are claimed now, and the due ones left for later."""
    rows = txn.rows(
        "SELECT id, message_id, tenant_id, number, kind, email, name, tries, attempts, resends, claims, route FROM recipients "
        "WHERE id IN :ids AND status IN ('queued', 'deferred') AND attempt_id IS NULL AND due_at <= :now ORDER BY id " + txn.dialect.skip_locked,
        {"ids": recipient_ids, "now": micros(now)},
    )
    if not rows:
        return [], []
    about = {
        row[0]: row[1:]
        for row in txn.rows(
            "SELECT id, from_email, accepted_at, size_bytes, ip_pool, status FROM messages WHERE id IN :ids", {"ids": sorted({row[1] for row in rows})}
        )
    }
    rows = [row for row in rows if row[1] in about]
    taken = rows[: portion.of([Weight(about[row[1]][2], row[10]) for row in rows])]
    if not taken:
        return [], []
    txn.execute(
        "UPDATE recipients SET attempt_id = :attempt, due_at = :lease, claims = claims + 1, updated_at = :now WHERE id IN :ids",
        {"attempt": attempt_id, "lease": micros(lease_until), "now": micros(now), "ids": [row[0] for row in taken]},
    )
    bodies: dict[str, bytes] = dict(txn.rows("SELECT message_id, content FROM bodies WHERE message_id IN :ids", {"ids": sorted({row[1] for row in taken})}))
    claimed = []
    for row in taken:
        from_email, accepted_at, size_bytes, ip_pool, _ = about[row[1]]
        body = bodies.get(row[1])
        claimed.append(Claimed(*(*row, from_email, accepted_at / US, size_bytes, ip_pool, None if body is None else bytes(body))))
    return claimed, [row[0] for row in rows[len(taken) :]]


def mark_sending_across_tenants(txn: Txn, claims: Sequence[tuple[str, str]], now: float) -> set[str]:
    """Of (recipient id, attempt id), those that are still this attempt's are `sending`: from now on they may have been delivered."""
    attempts = dict(claims)
    held = [
        row[0]
        for row in txn.rows(
            "SELECT id, attempt_id FROM recipients WHERE id IN :ids AND status IN ('queued', 'deferred') ORDER BY id " + txn.dialect.for_update,
            {"ids": sorted(attempts)},
        )
        if row[1] == attempts[row[0]]
    ]
    if held:
        txn.execute("UPDATE recipients SET status = 'sending', waiting = NULL WHERE id IN :ids", {"ids": held})
    return set(held)


def unmark_sending_across_tenants(txn: Txn, claims: Sequence[tuple[str, str]], now: float) -> None:
    """Of (recipient id, attempt id), those that this attempt marked wait again: they did not reach a final dot."""
    txn.execute(
        "UPDATE recipients SET status = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'queued' END "
        "WHERE id IN :ids AND (id, attempt_id) IN :claims AND status = 'sending'",
        {"ids": sorted(each[0] for each in claims), "claims": sorted(claims)},
    )


def renew_leases_across_tenants(txn: Txn, claims: Sequence[tuple[str, str]], lease_until: float) -> set[tuple[str, str]]:
    """Those of the (recipient id, attempt id) that still hold; their leases end later."""
    held = {
        (row[0], row[1])
        for row in txn.rows(
            "SELECT id, attempt_id FROM recipients WHERE id IN :ids AND (id, attempt_id) IN :claims AND status IN ('queued', 'deferred', 'sending') "
            "ORDER BY id " + txn.dialect.for_update,
            {"ids": sorted(each[0] for each in claims), "claims": sorted(claims)},
        )
    }
    if held:
        txn.execute(
            "UPDATE recipients SET due_at = :lease WHERE id IN :ids", {"lease": micros(lease_until), "ids": sorted(each[0] for each in held)}
        )
    return held


def release_across_tenants(txn: Txn, releases: Sequence[Release], now: float) -> set[str]:
    """Those of the recipients that their attempts still hold wait until their `due_at` again, with their bodies kept; their ids.

    None of them reached a final dot, so none stays in doubt. The caller has locked their messages.
    """
    held = {
        row[0]: row[1]
        for row in txn.rows(
            "SELECT id, status FROM recipients WHERE id IN :ids AND (id, attempt_id) IN :claims "
            "AND status IN ('queued', 'deferred', 'sending', 'in_doubt') ORDER BY id " + txn.dialect.for_update,
            {"ids": sorted({each.recipient_id for each in releases}), "claims": sorted({(each.recipient_id, each.attempt_id) for each in releases})},
        )
    }
    groups: dict[tuple[int, str, str | None], list[str]] = {}
    for each in releases:
        if each.recipient_id in held:
            groups.setdefault((int(each.due_at * US), each.waiting, each.reason), []).append(each.recipient_id)
    for (due_at, waiting, reason), recipient_ids in groups.items():
        txn.execute(
            "UPDATE recipients SET status = CASE WHEN status IN ('queued', 'deferred') THEN status WHEN attempts > 0 THEN 'deferred' ELSE 'queued' END, "
            "attempt_id = NULL, due_at = :due, waiting = :waiting, reason = COALESCE(:reason, reason), claims = 0, updated_at = :now WHERE id IN :ids",
            {"due": due_at, "waiting": waiting, "reason": reason and reason[:512], "now": micros(now), "ids": sorted(recipient_ids)},
        )
    released = [each for each in releases if each.recipient_id in held]
    bodies = {each.message_id: (each.message_id, each.tenant_id, each.body) for each in released if each.body is not None}
    keep_bodies_across_tenants(txn, [bodies[message_id] for message_id in sorted(bodies)])
    doubted = sorted({each.message_id for each in released if held[each.recipient_id] == "in_doubt"})
    if doubted:
        txn.execute("UPDATE messages SET status = 'queued' WHERE id IN :ids AND status = 'in_doubt'", {"ids": doubted})
    return set(held)


def lapsed(txn: Txn, tenant_id: str, due_before: float, most: int) -> list[Lapsed]:
    """The tenant's recipients whose moment has come: those due longest, and where these are not all, the latest for a quarter of `most`."""

    def due(order: str, count: int) -> list[Lapsed]:
        rows = txn.rows(
            "SELECT r.id, r.message_id, r.tenant_id, r.status, r.attempt_id, r.resends, m.has_body FROM recipients r "
            "JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id "
            f"WHERE r.tenant_id = :tenant_id AND r.due_at <= :due ORDER BY r.due_at {order} LIMIT :most",
            {"tenant_id": tenant_id, "due": micros(due_before), "most": count},
        )
        return [Lapsed(*(*row[:6], bool(row[6]))) for row in rows]

    return both_ends(due, most)


def lock_lapsed_across_tenants(txn: Txn, found: Sequence[Lapsed], now: float) -> list[Lapsed]:
    """Those whose moment still has come, as they are now, locked after their messages; what others are busy with is left to them."""
    if not found:
        return []
    has_body: dict[str, int] = dict(
        txn.rows(
            "SELECT id, has_body FROM messages WHERE id IN :ids ORDER BY id " + txn.dialect.skip_locked, {"ids": sorted({each.message_id for each in found})}
        )
    )
    rows = txn.rows(
        "SELECT id, message_id, tenant_id, status, attempt_id, resends FROM recipients WHERE id IN :ids AND due_at <= :now ORDER BY id "
        + txn.dialect.skip_locked,
        {"ids": sorted(each.id for each in found if each.message_id in has_body), "now": micros(now)},
    )
    return [Lapsed(*(*row, bool(has_body[row[1]]))) for row in rows]


def end_leases_across_tenants(txn: Txn, recipient_ids: Sequence[str], now: float) -> None:
    """Recipients whose lease is over, locked by the caller, are nobody's and due at once."""
    txn.execute(
        "UPDATE recipients SET attempt_id = NULL, due_at = :now, updated_at = :now WHERE id IN :ids AND status IN ('queued', 'deferred')",
        {"now": micros(now), "ids": recipient_ids},
    )


def render_again_across_tenants(
    txn: Txn, recipient_ids: Sequence[str], message_ids: Sequence[str], now: float, attempt_id: str | None = None
) -> None:
    """The messages are due for rendering at once; their recipients, which were this attempt's or nobody's, wait for that."""
    txn.execute(
        "UPDATE messages SET status = 'queued', due_at = :now, updated_at = :now WHERE id IN :ids AND due_at IS NULL", {"now": micros(now), "ids": message_ids}
    )
    txn.execute(
        "UPDATE recipients SET due_at = NULL, attempt_id = NULL, waiting = 'rendering', updated_at = :now "
        f"WHERE id IN :ids AND status IN ('queued', 'deferred') AND attempt_id {'IS NULL' if attempt_id is None else '= :attempt'}",
        {"ids": recipient_ids, "attempt": attempt_id, "now": micros(now)},
    )


def hold_across_tenants(txn: Txn, recipient_ids: Sequence[str], now: float) -> None:
    """Recipients in doubt stay so until an operator decides (SMTP_IN_DOUBT_POLICY=hold)."""
    txn.execute(
        "UPDATE recipients SET due_at = :held, waiting = 'held', updated_at = :now WHERE id IN :ids AND status = 'in_doubt'",
        {"ids": recipient_ids, "held": micros(HELD_AT), "now": micros(now)},
    )


def insert_dialogues_across_tenants(txn: Txn, dialogues: Sequence[Dialogue]) -> None:
    if dialogues:
        columns = ("id", "tenant_id", "recipient_id", "attempt_id", "destination", "source", "tls", "dialogue", "happened_at")
        txn.insert(
            "dialogues", columns,
            [(d.id, d.tenant_id, d.recipient_id, d.attempt_id, d.destination[:255], d.source, d.tls, d.dialogue, micros(d.happened_at)) for d in dialogues],
        )


def pool_addresses_across_tenants(txn: Txn, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The source addresses, a JSON array, of each known (tenant id, pool name)."""
    rows = txn.rows("SELECT tenant_id, name, addresses FROM ip_pools WHERE (tenant_id, name) IN :pairs", {"pairs": pairs})
    return {(row[0], row[1]): row[2] for row in rows}
