"""Makers of messages in any state, written straight into the tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from scaisend.ids import IdMaker, short_form
from scaisend.messages import event as events
from scaisend.messages.record import first_events
from scaisend.messages.store import insert_events_across_tenants, micros
from scaisend.storage.database import Txn
from tests.world.tenants import NOW


@dataclass
class To:
    """A recipient to be made; `event` is what its state would have left on the timeline."""

    email: str = "ann@example.net"
    status: str = "queued"
    waiting: str | None = "rendering"
    reason: str | None = None
    due_at: float | None = None
    attempt_id: str | None = None
    event: str | None = None
    kind: str = "to"
    resends: int = 0


@dataclass
class Made:
    """A message that was made."""

    id: str
    request_id: str
    recipients: list[str] = field(default_factory=list)

    def msg_id(self, number: int = 0) -> str:
        """SendGrid's id of one recipient."""
        return f"{self.request_id}.{self.id[4:]}-{number}"


ENDS = {"delivered": events.DELIVERED, "bounced": events.BOUNCE, "failed": events.FAILED, "cancelled": events.CANCELLED, "dropped": events.DROPPED}


def insert_message(
    txn: Txn, ids: IdMaker, tenant_id: str, recipients: Sequence[To] = (), *, status: str = "queued", request_id: str | None = None, number: int = 0,
    subject: str | None = "Your order", from_email: str = "shop@acme.test", categories: Sequence[str] = (), batch_id: str | None = None,
    accepted_at: float = NOW, due_at: float | None = None, send_at: float | None = None, body: bytes | None = None, template_id: str | None = None,
) -> Made:
    """The message is there with its recipients and their first events."""
    made = Made(ids.new("msg", tenant_id), request_id or short_form(ids.number(tenant_id)))
    told = []
    recipients = list(recipients) or [To()]
    at = micros(accepted_at)
    rows = []
    for place, to in enumerate(recipients):
        recipient_id = f"{made.id}.{place}"
        made.recipients.append(recipient_id)
        end = to.event or ENDS.get(to.status)
        if to.status not in ("sandbox", "dropped"):
            told.append((recipient_id, events.PROCESSED, {}))
        if end:
            told.append((recipient_id, end, {"reason": to.reason} if to.reason else {}))
        rows.append((
            recipient_id, tenant_id, made.id, place, to.kind, to.email, to.status, to.waiting, to.reason, micros(to.due_at), to.attempt_id, to.resends, at,
        ))
    if request_id is None or number == 0:
        txn.insert("mail_requests", ("id", "tenant_id", "credential_id", "payload", "accepted_at"), [(made.request_id, tenant_id, "key_maker", "{}", at)])
    columns = (
        "id", "tenant_id", "request_id", "number", "from_email", "subject", "personalization", "status", "recipient_count", "event_seq", "has_body",
        "batch_id", "template_id", "categories", "send_at", "due_at", "accepted_at", "updated_at",
    )
    shown = orjson.dumps(list(categories)).decode() if categories else None
    txn.insert("messages", columns, [(
        made.id, tenant_id, made.request_id, number, from_email, subject, "{}", status, len(recipients), len(told), int(body is not None), batch_id,
        template_id, shown, micros(send_at), micros(due_at), at, at,
    )])
    names = (
        "id", "tenant_id", "message_id", "number", "kind", "email", "status", "waiting", "reason", "due_at", "attempt_id", "resends", "updated_at",
    )
    txn.insert("recipients", names, rows)
    insert_events_across_tenants(txn, first_events(ids, tenant_id, made.id, told, accepted_at))
    if body is not None:
        txn.insert("bodies", ("message_id", "tenant_id", "content"), [(made.id, tenant_id, body)])
    return made
