"""SQL of `inbound_mails`. A mail belongs to a tenant only if its return path named a recipient; so all of it crosses tenants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scaisend.storage.database import Row, Txn

US = 1_000_000
# Kinds of rows: not yet read; read, and of no use to the program. What was read and settled has no row any more.
UNPARSED = "unparsed"
UNREAD = "other"
PARSE = "parse"  # on its way to a tenant's URL (parse_posts_store.py)
KEPT_KINDS = ("other", "bounce", "delay", "success", "arf", "autoreply", "unsubscribe", "parse_failed")
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


@dataclass(frozen=True, slots=True)
class KnownRecipient:
    """A recipient that a mail may speak of."""

    recipient_id: str
    message_id: str
    tenant_id: str
    email: str
    status: str


def keep_across_tenants(txn: Txn, mails: Sequence[KeptMail]) -> None:
    """The mails are kept, each with its tenant, or that of the recipient that its return path named, if that one still exists."""
    named = sorted({mail.recipient_id for mail in mails if mail.recipient_id is not None})
    owners: dict[str | None, str] = dict(txn.rows("SELECT id, tenant_id FROM recipients WHERE id IN :named", {"named": named})) if named else {}
    owned = [mail if mail.tenant_id is not None else replace(mail, tenant_id=owners.get(mail.recipient_id)) for mail in mails]
    txn.insert("inbound_mails", COLUMNS, [_values(mail) for mail in owned])


def kept_across_tenants(txn: Txn, *, kind: str | None = None, before: str | None = None, most: int = 100) -> list[KeptMail]:
    """Up to `most` mails, newest first, of one kind or of all, older than the id `before`; without their content."""
    conditions = ["kind = :kind"] * (kind is not None) + ["id < :before"] * (before is not None)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    sql = f"SELECT {', '.join(COLUMNS[:-1])} FROM inbound_mails {where}ORDER BY id DESC LIMIT :most"
    return [_mail(row) for row in txn.rows(sql, {"kind": kind, "before": before, "most": most})]


def kept_mail_across_tenants(txn: Txn, mail_id: str) -> KeptMail | None:
    """The mail with its content, or None."""
    return kept_mail(txn, None, mail_id)


def kept_mail(txn: Txn, tenant_id: str | None, mail_id: str) -> KeptMail | None:
    """The mail with its content, if it is the tenant's, or anybody's (None); else None."""
    if not mail_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    within = "" if tenant_id is None else " AND tenant_id = :tenant_id"
    row = txn.row(f"SELECT {', '.join(COLUMNS)} FROM inbound_mails WHERE id = :id{within}", {"id": mail_id, "tenant_id": tenant_id})
    return None if row is None else _mail(row)


def kept_read(txn: Txn, tenant_id: str | None, *, kinds: Sequence[str], before: str | None, most: int) -> list[KeptMail]:
    """Up to `most` mails of the kinds, newest first, older than the id `before`, without their content: the tenant's, or everybody's (None)."""
    if before is not None and not before.isascii():  # MySQL refuses to compare an ASCII column with other text
        return []
    conditions = ["kind IN :kinds"] + ["tenant_id = :tenant_id"] * (tenant_id is not None) + ["id < :before"] * (before is not None)
    sql = f"SELECT {', '.join(COLUMNS[:-1])} FROM inbound_mails WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :most"
    return [_mail(row) for row in txn.rows(sql, {"kinds": list(kinds), "tenant_id": tenant_id, "before": before, "most": most})]


def unparsed_across_tenants(txn: Txn, most: int) -> list[KeptMail]:
    """Up to `most` mails that nobody has read yet, oldest first, with their content."""
    sql = f"SELECT {', '.join(COLUMNS)} FROM inbound_mails WHERE kind = :kind ORDER BY id LIMIT :most"
    return [_mail(row) for row in txn.rows(sql, {"kind": UNPARSED, "most": most})]


def lock_unparsed_across_tenants(txn: Txn, mail_ids: Sequence[str]) -> set[str]:
    """Those of the mails that still wait to be read, locked."""
    sql = "SELECT id FROM inbound_mails WHERE id IN :ids AND kind = :kind ORDER BY id " + txn.dialect.for_update
    return {row[0] for row in txn.rows(sql, {"ids": sorted(mail_ids), "kind": UNPARSED})}


def set_kinds_across_tenants(txn: Txn, kinds: Mapping[str, Sequence[str]]) -> None:
    """The mails (kind → ids) are read, and kept."""
    for kind, mail_ids in kinds.items():
        txn.execute("UPDATE inbound_mails SET kind = :kind WHERE id IN :ids", {"kind": kind, "ids": list(mail_ids)})


def drop_across_tenants(txn: Txn, mail_ids: Sequence[str]) -> None:
    """The mails are kept no longer."""
    if mail_ids:
        txn.execute("DELETE FROM inbound_mails WHERE id IN :ids", {"ids": list(mail_ids)})


def unnamed_objects_across_tenants(txn: Txn, keys: Sequence[str]) -> list[str]:
    """Those of the object keys that no mail names."""
    named = {row[0] for row in txn.rows("SELECT DISTINCT object_key FROM inbound_mails WHERE object_key IN :keys", {"keys": list(keys)})}
    return [key for key in keys if key not in named]


def read_before_across_tenants(txn: Txn, received_before: float, most: int) -> list[KeptMail]:
    """Up to `most` mails that were read and kept, received before the moment, oldest first, without their content."""
    sql = f"SELECT {', '.join(COLUMNS[:-1])} FROM inbound_mails WHERE kind NOT IN :kinds AND received_at < :before ORDER BY id LIMIT :most"
    return [_mail(row) for row in txn.rows(sql, {"kinds": [UNPARSED, PARSE], "before": int(received_before * US), "most": most})]


def kept_counts_across_tenants(txn: Txn) -> dict[str, int]:
    """How many mails are kept of each kind."""
    return dict(txn.rows("SELECT kind, COUNT(*) FROM inbound_mails GROUP BY kind"))


def recipients_across_tenants(txn: Txn, recipient_ids: Sequence[str], message_ids: Sequence[str]) -> list[KnownRecipient]:
    """The recipients with these ids, and all recipients of these messages."""
    rows: list[Row] = []
    for column, wanted in (("id", recipient_ids), ("message_id", message_ids)):
        if wanted:
            rows += txn.rows(
                f"SELECT id, message_id, tenant_id, email, status FROM recipients WHERE {column} IN :wanted", {"wanted": sorted(set(wanted))}
            )
    return [KnownRecipient(*row) for row in {row[0]: row for row in rows}.values()]


def complained_across_tenants(txn: Txn, recipients: Sequence[KnownRecipient], event_type: str) -> set[str]:
    """Ids of those of the recipients that have an event of the type already."""
    if not recipients:
        return set()
    rows = txn.rows(
        "SELECT DISTINCT recipient_id FROM events WHERE message_id IN :messages AND type = :type",
        {"messages": sorted({each.message_id for each in recipients}), "type": event_type},
    )
    return {row[0] for row in rows} & {each.recipient_id for each in recipients}


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
