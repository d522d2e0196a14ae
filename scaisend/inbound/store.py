"""SQL of `inbound_mails`. A mail belongs to a tenant only if its return path named a recipient; so all of it crosses tenants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scaisend.storage.database import Row, Txn

US = 1_000_000
COLUMNS = ("id", "tenant_id", "kind", "mail_from", "rcpt_to", "recipient_id", "peer", "size_bytes", "object_key", "received_at", "content")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail for one recipient. The octets are in `content` or, when large, in the object store under `object_key`.

    Mails of one transaction share the object. `tenant_id` is None while nobody knows whose it is.
    """

    id: str
    kind: str
    mail_from: str
    rcpt_to: str
    peer: str
    size_bytes: int
    received_at: float
    tenant_id: str | None = None
    recipient_id: str | None = None
    object_key: str | None = None
    content: bytes | None = None


def keep_across_tenants(txn: Txn, mails: Sequence[KeptMail]) -> None:
    """The mails are kept, each with the tenant of the recipient that its return path named, if that one still exists."""
    named = sorted({mail.recipient_id for mail in mails if mail.recipient_id is not None})
    owners: dict[str | None, str] = dict(txn.rows("SELECT id, tenant_id FROM recipients WHERE id IN :named", {"named": named})) if named else {}
    owned = [replace(mail, tenant_id=owners.get(mail.recipient_id)) for mail in mails]
    txn.insert("inbound_mails", COLUMNS, [_values(mail) for mail in owned])


def kept_across_tenants(txn: Txn, *, kind: str | None = None, before: str | None = None, most: int = 100) -> list[KeptMail]:
    """Up to `most` mails, newest first, of one kind or of all, older than the id `before`; without their content."""
    conditions = ["kind = :kind"] * (kind is not None) + ["id < :before"] * (before is not None)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    sql = f"SELECT {', '.join(COLUMNS[:-1])} FROM inbound_mails {where}ORDER BY id DESC LIMIT :most"
    return [_mail(row) for row in txn.rows(sql, {"kind": kind, "before": before, "most": most})]


def kept_mail_across_tenants(txn: Txn, mail_id: str) -> KeptMail | None:
    """The mail with its content, or None."""
    row = txn.row(f"SELECT {', '.join(COLUMNS)} FROM inbound_mails WHERE id = :id", {"id": mail_id})
    return None if row is None else _mail(row)


def is_sender_domain_across_tenants(txn: Txn, domain: str) -> bool:
    """Whether any tenant has added the domain."""
    return txn.row("SELECT 1 FROM domains WHERE domain = :domain LIMIT 1", {"domain": domain}) is not None


def _values(mail: KeptMail) -> tuple[str | int | bytes | None, ...]:
    return (
        mail.id, mail.tenant_id, mail.kind, mail.mail_from, mail.rcpt_to, mail.recipient_id, mail.peer, mail.size_bytes, mail.object_key,
        int(mail.received_at * US), mail.content,
    )


def _mail(row: Row) -> KeptMail:
    return KeptMail(
        id=row[0], tenant_id=row[1], kind=row[2], mail_from=row[3], rcpt_to=row[4], recipient_id=row[5], peer=row[6], size_bytes=row[7],
        object_key=row[8], received_at=row[9] / US, content=row[10] if len(row) > 10 else None,
    )
