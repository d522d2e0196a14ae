"""SQL of erasing a recipient: what is left is that there was one, what became of the mail, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from scaisend.faults import Conflict
from scaisend.ids import IdMaker
from scaisend.messages.actions import FAIL
from scaisend.messages.actions_store import act_on
from scaisend.messages.status import ENDED
from scaisend.storage.database import Row, Txn

TOMBSTONE = "erased@erased.invalid"
PAGE = 100
# What may stay of an event's detail: what counts and says what happened, in words of ours.
KEPT_DETAIL = ("attempt", "bounce_type", "code", "group_id", "list", "machine", "rule", "stage", "status")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what is to be erased: mails that have ended, with the recipients to erase; their requests of which no other recipient is left;
    objects that those and returned mails named; how many mails were ended just now, how many recipients are left since a worker holds the mail
    or others wait for it; and after which recipient the next page begins, None after the last."""

    messages: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    ended: int = 0
    left: int = 0
    after: str | None = None


def spellings(txn: Txn, tenant_id: str, lowered: Sequence[str]) -> list[str]:
    """The tenant's recipients' addresses that are one of these in lower case, as they were given."""
    return [row[0] for row in txn.rows(
        "SELECT DISTINCT email FROM recipients WHERE tenant_id = :tenant_id AND LOWER(email) IN :lowered", {"tenant_id": tenant_id, "lowered": list(lowered)}
    )]


def end_page(txn: Txn, tenant_id: str, ids: IdMaker, emails: Sequence[str], after: str, now: float) -> Page:
    """Mail to up to PAGE recipients with these addresses is ended; what a worker holds is left for later."""
    rows = txn.rows(
        "SELECT id, message_id FROM recipients WHERE tenant_id = :tenant_id AND email IN :emails AND id > :after ORDER BY id LIMIT :most",
        {"tenant_id": tenant_id, "emails": list(emails), "after": after, "most": PAGE},
    )
    end_of_page = rows[-1][0] if len(rows) == PAGE else None
    rows = [*rows, *_forwards_of(txn, tenant_id, [row[0] for row in rows])]
    ended = sum(_end(txn, tenant_id, ids, message_id, recipient_id, now) for recipient_id, message_id in rows)
    waiting = _waiting(txn, tenant_id, sorted({row[1] for row in rows}))
    messages = tuple(sorted({row[1] for row in rows} - waiting))
    mine = tuple(row[0] for row in rows if row[1] not in waiting)
    requests = _alone(txn, tenant_id, messages, mine)
    objects = _objects_of(txn, tenant_id, requests, mine)
    return Page(messages, mine, requests, objects, ended, len(rows) - len(mine), end_of_page)


def blank_page(txn: Txn, tenant_id: str, page: Page) -> None:
    """The page's mails have no content and its recipients no address; a mail that was taken up again meanwhile stays for the next time."""
    waiting = _waiting(txn, tenant_id, page.messages)
    messages = [each for each in page.messages if each not in waiting]
    own = {
        "tenant_id": tenant_id, "messages": messages, "recipients": [each for each in page.recipients if each.rpartition(".")[0] not in waiting],
        "requests": [] if waiting else list(page.requests), "tombstone": TOMBSTONE,
    }
    txn.execute("UPDATE messages SET subject = NULL, personalization = '{}', reason = NULL, has_body = 0 WHERE tenant_id = :tenant_id AND id IN :messages", own)
    txn.execute("DELETE FROM bodies WHERE tenant_id = :tenant_id AND message_id IN :messages", own)
    txn.execute("DELETE FROM dialogues WHERE tenant_id = :tenant_id AND recipient_id IN :recipients", own)
    txn.execute("DELETE FROM inbound_mails WHERE tenant_id = :tenant_id AND recipient_id IN :recipients", own)
    txn.execute("UPDATE mail_requests SET payload = '{}' WHERE tenant_id = :tenant_id AND id IN :requests", own)
    for event_id, detail in txn.rows(
        "SELECT id, detail FROM events WHERE tenant_id = :tenant_id AND message_id IN :messages AND recipient_id IN :recipients AND detail IS NOT NULL", own
    ):
        kept = {name: value for name, value in orjson.loads(detail).items() if name in KEPT_DETAIL}
        txn.execute(
            "UPDATE events SET detail = :detail WHERE tenant_id = :tenant_id AND id = :id",
            {"tenant_id": tenant_id, "id": event_id, "detail": orjson.dumps(kept).decode() if kept else None},
        )
    # The last of all: by it the next run finds what is not done.
    txn.execute("UPDATE recipients SET email = :tombstone, name = NULL, reason = NULL WHERE tenant_id = :tenant_id AND id IN :recipients", own)


def named_elsewhere(txn: Txn, tenant_id: str, name: str, requests: Sequence[str]) -> bool:
    """Whether a request of the tenant besides these names the object."""
    pattern = "%" + name.replace("!", "!!").replace("_", "!_").replace("%", "!%") + "%"
    found = txn.rows(
        "SELECT id FROM mail_requests WHERE tenant_id = :tenant_id AND payload LIKE :pattern ESCAPE '!' LIMIT :most",
        {"tenant_id": tenant_id, "pattern": pattern, "most": len(requests) + 1},
    )
    return not {row[0] for row in found} <= set(requests)


def _forwards_of(txn: Txn, tenant_id: str, recipients: Sequence[str]) -> list[Row]:
    """(Recipient id, message id) of the mails that told the tenant of bounces and spam reports of these recipients: they name them."""
    return txn.rows(
        "SELECT r.id, r.message_id FROM forwards f JOIN messages m ON m.request_id = f.request_id AND m.tenant_id = f.tenant_id "
        "JOIN recipients r ON r.message_id = m.id AND r.tenant_id = m.tenant_id WHERE f.tenant_id = :tenant_id AND f.recipient_id IN :recipients ORDER BY r.id",
        {"tenant_id": tenant_id, "recipients": list(recipients)},
    ) if recipients else []


def _end(txn: Txn, tenant_id: str, ids: IdMaker, message_id: str, recipient_id: str, now: float) -> int:
    """1 when mail to the recipient was on its way and is not any more."""
    try:
        acted = act_on(txn, tenant_id, ids, message_id, FAIL, reason="the recipient was erased", by="erasure", now=now, recipient_id=recipient_id)
    except Conflict:
        return 0
    return acted.count if acted else 0


def _waiting(txn: Txn, tenant_id: str, messages: Sequence[str]) -> set[str]:
    """The mails that a recipient still waits for, locked, and those of which the tenant is being told (reporting/forward_worker.py) by a mail that names the recipient."""
    rows = txn.rows(
        f"SELECT message_id FROM recipients WHERE tenant_id = :tenant_id AND message_id IN :messages AND status NOT IN :ended ORDER BY id {txn.dialect.for_update}",
        {"tenant_id": tenant_id, "messages": list(messages), "ended": sorted(ENDED)},
    )
    recipients = [row[0] for row in txn.rows("SELECT id FROM recipients WHERE tenant_id = :tenant_id AND message_id IN :messages", {"tenant_id": tenant_id, "messages": list(messages)})]
    return {row[0] for row in rows} | {each.rpartition(".")[0] for each in _being_told(txn, tenant_id, recipients)}


def _being_told(txn: Txn, tenant_id: str, recipients: Sequence[str]) -> set[str]:
    """Those of the recipients of whom a mail to the tenant was written and has not ended; no further one is written until the transaction ends."""
    own = {"tenant_id": tenant_id, "recipients": list(recipients)}
    chosen = txn.rows(
        "SELECT recipient_id, request_id, due_at FROM forwards WHERE tenant_id = :tenant_id AND recipient_id IN :recipients "
        f"ORDER BY event_id {txn.dialect.for_update}", own,
    ) if recipients else []
    requests = sorted({row[1] for row in chosen if row[1]})
    moving = {row[0] for row in txn.rows(
        "SELECT m.request_id FROM messages m JOIN recipients r ON r.message_id = m.id AND r.tenant_id = m.tenant_id "
        "WHERE m.tenant_id = :tenant_id AND m.request_id IN :requests AND r.status NOT IN :ended",
        {"tenant_id": tenant_id, "requests": requests, "ended": sorted(ENDED)},
    )} if requests else set()
    return {row[0] for row in chosen if row[1] and (row[2] is not None or row[1] in moving)}


def _alone(txn: Txn, tenant_id: str, messages: Sequence[str], recipients: Sequence[str]) -> tuple[str, ...]:
    """The messages' requests that had no recipients but these and those erased before."""
    own = {"tenant_id": tenant_id, "messages": list(messages), "recipients": list(recipients), "tombstone": TOMBSTONE}
    requests = [row[0] for row in txn.rows("SELECT DISTINCT request_id FROM messages WHERE tenant_id = :tenant_id AND id IN :messages", own)]
    shared = {row[0] for row in txn.rows(
        "SELECT DISTINCT m.request_id FROM messages m JOIN recipients r ON r.message_id = m.id AND r.tenant_id = m.tenant_id "
        "WHERE m.tenant_id = :tenant_id AND m.request_id IN :requests AND r.email <> :tombstone AND r.id NOT IN :recipients", own | {"requests": requests},
    )} if recipients else set(requests)
    return tuple(sorted(set(requests) - shared))


def _objects_of(txn: Txn, tenant_id: str, requests: Sequence[str], recipients: Sequence[str]) -> tuple[str, ...]:
    own = {"tenant_id": tenant_id, "requests": list(requests), "recipients": list(recipients)}
    payloads = txn.rows("SELECT payload FROM mail_requests WHERE tenant_id = :tenant_id AND id IN :requests", own)
    returned = txn.rows("SELECT object_key FROM inbound_mails WHERE tenant_id = :tenant_id AND recipient_id IN :recipients AND object_key IS NOT NULL", own)
    return tuple(sorted({name for row in payloads for name in _objects(orjson.loads(row[0]))} | {row[0] for row in returned}))


def _objects(payload: dict[str, object]) -> list[str]:
    """The objects that a payload names: attachments and large texts."""
    parts = [part for name in ("attachments", "content") if isinstance(listed := payload.get(name), list) for part in listed]
    return [part["object"] for part in parts if isinstance(part, dict) and isinstance(part.get("object"), str)]
