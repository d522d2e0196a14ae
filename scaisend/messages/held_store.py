"""SQL of mail that an operator holds: after a restore nobody knows what went out since the backup, so it is in doubt until somebody decides."""

from collections.abc import Sequence

from scaisend.faults import Conflict
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages import waiting
from scaisend.messages.actions import Act
from scaisend.messages.actions_store import Acted, act_on
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.messages.status import IN_DOUBT
from scaisend.messages.store import HELD_AT, lock_messages_across_tenants, micros
from scaisend.storage.database import Txn, Value

# Recipients that are not held: all that has no end, but for what is held already.
_OPEN = "r.status IN ('queued', 'deferred', 'sending', 'in_doubt') AND NOT (r.status = 'in_doubt' AND COALESCE(r.waiting, '') = 'held')"
RELEASE = Act(events.RETRIED, frozenset((IN_DOUBT,)), "released")
GIVE_UP = Act(events.FAILED, frozenset((IN_DOUBT,)), "failed")
WHY_HELD = "held by an operator: it may have been sent after the backup"


def to_hold_across_tenants(txn: Txn, before: float, tenant_id: str | None, after: str, most: int) -> list[str]:
    """Up to `most` messages above the id `after`, by id, that were accepted and might have been sent before the moment, and have an open recipient."""
    of_tenant, parameters = _of_tenant("m.tenant_id", tenant_id)
    rows = txn.rows(
        "SELECT m.id FROM messages m WHERE m.id > :after AND m.accepted_at < :before AND (m.send_at IS NULL OR m.send_at < :before) "
        f"{of_tenant} AND EXISTS (SELECT 1 FROM recipients r WHERE r.message_id = m.id AND {_OPEN}) ORDER BY m.id LIMIT :most",
        {**parameters, "after": after, "before": micros(before), "most": most},
    )
    return [row[0] for row in rows]


def hold_messages_across_tenants(txn: Txn, ids: IdMaker, message_ids: Sequence[str], now: float) -> int:
    """Every open recipient of the messages is in doubt and held; no worker comes to it. How many there were."""
    messages = lock_messages_across_tenants(txn, message_ids)
    rows = txn.rows(
        f"SELECT r.id, r.message_id FROM recipients r WHERE r.message_id IN :ids AND {_OPEN} ORDER BY r.id {txn.dialect.for_update}", {"ids": message_ids}
    )
    found = [(row[0], row[1]) for row in rows]
    record(
        txn, ids,
        [
            Change(
                Event(events.IN_DOUBT, messages[message_id].tenant_id, message_id, recipient_id, now, {"reason": WHY_HELD}),
                due_at=HELD_AT, waiting=waiting.HELD, reason=WHY_HELD,
            )
            for recipient_id, message_id in found
        ],
        now,
    )
    if found:
        # Whoever had claimed one before the backup was made is gone, and so is the rendering that was to come.
        txn.execute("UPDATE recipients SET attempt_id = NULL WHERE id IN :ids", {"ids": [each for each, _ in found]})
        txn.execute("UPDATE messages SET due_at = NULL, attempt_id = NULL WHERE id IN :ids", {"ids": message_ids})
    return len(found)


def held_across_tenants(txn: Txn, tenant_id: str | None, after: str, most: int) -> list[tuple[str, str]]:
    """Up to `most` (message id, tenant) above the id `after`, by id, with a recipient that is held."""
    of_tenant, parameters = _of_tenant("tenant_id", tenant_id)
    rows = txn.rows(
        "SELECT DISTINCT message_id, tenant_id FROM recipients WHERE due_at = :held AND status = 'in_doubt' AND waiting = 'held' "
        f"AND message_id > :after {of_tenant} ORDER BY message_id LIMIT :most",
        {**parameters, "held": micros(HELD_AT), "after": after, "most": most},
    )
    return [(row[0], row[1]) for row in rows]


def decide_across_tenants(txn: Txn, ids: IdMaker, found: Sequence[tuple[str, str]], act: Act, reason: str, by: str, now: float) -> Acted:
    """The act was done to what is in doubt of the messages, each (id, tenant); those that have nothing in doubt any more are passed over."""
    count, render, deliver = 0, list[str](), list[str]()
    for message_id, tenant_id in found:
        try:
            acted = act_on(txn, tenant_id, ids, message_id, act, reason=reason, by=by, now=now)
        except Conflict:
            continue
        if acted is not None:
            count += acted.count
            render += acted.render
            deliver += acted.deliver
    return Acted(count, tuple(render), tuple(deliver))


def _of_tenant(column: str, tenant_id: str | None) -> tuple[str, dict[str, Value]]:
    return ("", {}) if tenant_id is None else (f"AND {column} = :tenant_id", {"tenant_id": tenant_id})
