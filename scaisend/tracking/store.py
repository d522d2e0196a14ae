"""SQL of tracking: whom a token names."""

from dataclasses import dataclass

from scaisend.storage.database import Txn


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient as tracking knows it; `payload` is what its request shares, as JSON text."""

    tenant_id: str
    message_id: str
    recipient_id: str
    email: str
    payload: str


def recipient_across_tenants(txn: Txn, recipient_id: str) -> Recipient | None:
    """The recipient that a token names, whosever it is: the token is what finds the tenant. None once it is forgotten."""
    row = txn.row(
        "SELECT r.tenant_id, r.message_id, r.id, r.email, q.payload FROM recipients r JOIN messages m ON m.id = r.message_id AND m.tenant_id = r.tenant_id "
        "JOIN mail_requests q ON q.id = m.request_id AND q.tenant_id = m.tenant_id WHERE r.id = :id",
        {"id": recipient_id},
    )
    return Recipient(*row) if row else None
