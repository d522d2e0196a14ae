"""SQL of cancel, retry and fail: which recipients the act takes is decided under the locks of the message and of all its recipients."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.faults import Conflict
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages import waiting
from scaisend.messages.actions import Act, takes, why_not
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.messages.status import ENDED, FAILED, IN_DOUBT, PAUSED, SCHEDULED
from scaisend.messages.store import micros
from scaisend.storage.database import Txn


@dataclass(frozen=True, slots=True)
class Acted:
    """How many recipients the act took; ids that can be worked on now: messages to render, recipients to deliver."""

    count: int
    render: tuple[str, ...] = ()
    deliver: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """A locked recipient."""

    id: str
    status: str
    is_claimed: bool


def act_on(
    txn: Txn, tenant_id: str, ids: IdMaker, message_id: str, act: Act, *, reason: str, by: str, now: float, recipient_id: str | None = None
) -> Acted | None:
    """The act was done to the message's recipients that it takes (or to the one named); None when the tenant has no such one.

    Raises: Conflict when it takes none of them.
    """
    message = txn.row(
        f"SELECT has_body, status FROM messages WHERE tenant_id = :tenant_id AND id = :id {txn.dialect.for_update}",
        {"tenant_id": tenant_id, "id": message_id},
    )
    if message is None:
        return None
    rows = txn.rows(
        "SELECT id, status, attempt_id FROM recipients WHERE message_id = :id AND tenant_id = :tenant_id ORDER BY id " + txn.dialect.for_update,
        {"id": message_id, "tenant_id": tenant_id},
    )
    held = [_Held(row[0], row[1], row[2] is not None) for row in rows]
    is_again = act.event == events.RETRIED
    asked = [each for each in held if recipient_id is None or each.id == recipient_id]
    if not asked:
        return None
    is_to_come = message[1] in (SCHEDULED, PAUSED)
    taken = [each for each in asked if takes(act, each.status, each.is_claimed) and not (is_to_come and is_again and each.status != FAILED)]
    if not taken:
        raise Conflict(why_not(act, [(each.status, each.is_claimed) for each in asked]), "message_id")
    has_body = bool(message[0]) and is_again and not is_to_come
    changes = [_change(each, tenant_id, message_id, act, reason, by, now, has_body) for each in taken]
    record(txn, ids, changes, now)
    if is_again:
        return Acted(len(taken)) if is_to_come else _again(txn, tenant_id, message_id, taken, has_body, now)
    _rest(txn, tenant_id, message_id, now)
    return Acted(len(taken))


def _change(each: _Held, tenant_id: str, message_id: str, act: Act, reason: str, by: str, now: float, has_body: bool) -> Change:
    kind = events.RESENT if act.event == events.RETRIED and each.status == IN_DOUBT else act.event
    event = Event(kind, tenant_id, message_id, each.id, now, {"reason": reason, "by": by})
    if act.event != events.RETRIED:
        return Change(event, reason=reason)
    why = waiting.DELIVERY if has_body else waiting.RENDERING
    return Change(event, due_at=now if has_body else None, waiting=why, reason=reason)


def _again(txn: Txn, tenant_id: str, message_id: str, taken: Sequence[_Held], has_body: bool, now: float) -> Acted:
    """Those without a body are rendered first. A rendering that was given up before counts no more."""
    if has_body:
        return Acted(len(taken), deliver=tuple(each.id for each in taken))
    txn.execute(
        "UPDATE messages SET due_at = CASE WHEN due_at < :now THEN due_at ELSE :now END, tries = 0, updated_at = :now "
        "WHERE tenant_id = :tenant_id AND id = :id",
        {"now": micros(now), "tenant_id": tenant_id, "id": message_id},
    )
    return Acted(len(taken), render=(message_id,))


def _rest(txn: Txn, tenant_id: str, message_id: str, now: float) -> None:
    """A message that no recipient waits for is not rendered any more."""
    left = txn.row(
        "SELECT COUNT(*) FROM recipients WHERE message_id = :id AND tenant_id = :tenant_id AND status NOT IN :ended",
        {"id": message_id, "tenant_id": tenant_id, "ended": sorted(ENDED)},
    )
    if left is not None and not left[0]:
        txn.execute(
            "UPDATE messages SET due_at = NULL, reason = NULL, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
            {"now": micros(now), "tenant_id": tenant_id, "id": message_id},
        )
