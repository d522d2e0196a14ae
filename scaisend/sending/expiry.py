"""Mails that were held too long: a batch may be paused, but not for ever."""

from collections.abc import Sequence

from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.sending.batches_store import Held, held_too_long_across_tenants
from scaisend.storage.database import Txn

REASON = "expired: its batch was paused until 72 hours after its send_at"
BATCH = 500


def discard_expired(txn: Txn, ids: IdMaker, now_s: float, batch_id: str | None = None) -> int:
    """Up to BATCH mails that paused batches (or this one) held too long are discarded, as SendGrid does; how many."""
    held = held_too_long_across_tenants(txn, now_s, BATCH, batch_id)
    changes = _changes(held, now_s)
    if changes:
        record(txn, ids, changes, now_s)
    return sum(1 for each in held if each.recipient_ids)


def _changes(held: Sequence[Held], now_s: float) -> list[Change]:
    return [
        Change(Event(events.CANCELLED, each.tenant_id, each.message_id, recipient_id, now_s, {"reason": REASON}), reason=REASON)
        for each in held for recipient_id in each.recipient_ids
    ]
