"""SQL of verified senders. Addresses stand folded in `from_email` and as they were given in the profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from scaisend.address import fold
from scaisend.faults import Invalid
from scaisend.storage.database import DuplicateKey, Row, Txn

MOST_SENDERS = 100
FIRST_ID_AT = 1_577_836_800  # 2020: ids begin with the seconds since, so that the id of a deleted sender never comes back
_COLUMNS = "id, from_email, profile, verified, created_at, updated_at"
_ONE = f"SELECT {_COLUMNS} FROM verified_senders WHERE tenant_id = :tenant_id AND id = :id"


@dataclass(frozen=True, slots=True)
class VerifiedSender:
    """A sender of a tenant. `email` is folded; `profile` holds the fields as they were given."""

    id: int
    email: str
    profile: Mapping[str, object]
    is_verified: bool
    created_at: float
    updated_at: float


def senders(txn: Txn, tenant_id: str, *, after: int = 0, most: int = MOST_SENDERS) -> list[VerifiedSender]:
    """The tenant's senders by id, at most `most` with ids above `after`."""
    found = txn.rows(
        f"SELECT {_COLUMNS} FROM verified_senders WHERE tenant_id = :tenant_id AND id > :after ORDER BY id LIMIT :most",
        {"tenant_id": tenant_id, "after": after, "most": most},
    )
    return [_sender(row) for row in found]


def sender(txn: Txn, tenant_id: str, sender_id: int, *, lock: bool = False) -> VerifiedSender | None:
    """The tenant's sender; locked until the end of the transaction if so wished."""
    row = txn.row(f"{_ONE} {txn.dialect.for_update if lock else ''}", {"tenant_id": tenant_id, "id": sender_id})
    return _sender(row) if row else None


def add_sender(txn: Txn, tenant_id: str, profile: Mapping[str, str], *, now_s: float) -> VerifiedSender:
    """The sender, not verified. Raises: Invalid when the tenant has the address, or MOST_SENDERS."""
    txn.row(f"SELECT id FROM tenants WHERE id = :tenant_id {txn.dialect.for_update}", {"tenant_id": tenant_id})
    others = senders(txn, tenant_id)
    if len(others) >= MOST_SENDERS:
        raise Invalid(f"An account may have {MOST_SENDERS} verified senders.", None, "Delete senders that are not used.")
    sender_id = max(int(now_s) - FIRST_ID_AT, max((each.id for each in others), default=0) + 1)
    email, at = fold(profile["from_email"]), int(now_s * 1_000_000)
    try:
        txn.insert(
            "verified_senders", ("id", "tenant_id", "from_email", "profile", "verified", "created_at", "updated_at"),
            [(sender_id, tenant_id, email, orjson.dumps(profile).decode(), 0, at, at)],
        )
    except DuplicateKey:
        raise _taken() from None
    return VerifiedSender(sender_id, email, profile, False, now_s, now_s)


def change_sender(txn: Txn, tenant_id: str, sender_id: int, fields: Mapping[str, str], *, now_s: float) -> VerifiedSender | None:
    """The sender with its new fields; with another address it is not verified any more. None when there is no such sender.

    Raises: Invalid when the tenant has the address already.
    """
    before = sender(txn, tenant_id, sender_id, lock=True)
    if before is None:
        return None
    profile = {**before.profile, **fields}
    email = fold(str(profile["from_email"]))
    is_verified = before.is_verified and email == before.email
    try:
        txn.execute(
            "UPDATE verified_senders SET from_email = :email, profile = :profile, verified = :verified, updated_at = :now "
            "WHERE tenant_id = :tenant_id AND id = :id",
            {
                "email": email, "profile": orjson.dumps(profile).decode(), "verified": int(is_verified), "now": int(now_s * 1_000_000),
                "tenant_id": tenant_id, "id": sender_id,
            },
        )
    except DuplicateKey:
        raise _taken() from None
    return VerifiedSender(sender_id, email, profile, is_verified, before.created_at, now_s)


def verify_sender(txn: Txn, tenant_id: str, sender_id: int, email: str, *, now_s: float) -> bool:
    """Whether the tenant still has this sender with this address; then it is verified."""
    found = sender(txn, tenant_id, sender_id, lock=True)
    if found is None or found.email != email:
        return False
    if not found.is_verified:
        txn.execute(
            "UPDATE verified_senders SET verified = 1, updated_at = :now WHERE tenant_id = :tenant_id AND id = :id",
            {"now": int(now_s * 1_000_000), "tenant_id": tenant_id, "id": sender_id},
        )
    return True


def delete_sender(txn: Txn, tenant_id: str, sender_id: int) -> bool:
    """Whether there was such a sender; it is gone."""
    wanted = {"tenant_id": tenant_id, "id": sender_id}
    return txn.execute("DELETE FROM verified_senders WHERE tenant_id = :tenant_id AND id = :id", wanted) > 0


def verified_across_tenants(txn: Txn, emails: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """Those of the folded addresses, given by tenant, that are verified senders of that tenant: (tenant id, address)."""
    found: set[tuple[str, str]] = set()
    for tenant_id, addresses in emails.items():
        found.update((tenant_id, row[0]) for row in txn.rows(
            "SELECT from_email FROM verified_senders WHERE tenant_id = :tenant_id AND from_email IN :addresses AND verified = 1",
            {"tenant_id": tenant_id, "addresses": list(addresses)},
        ))
    return found


def _taken() -> Invalid:
    return Invalid("already exists", "from_email", "This address is among your verified senders already.")


def _sender(row: Row) -> VerifiedSender:
    return VerifiedSender(row[0], row[1], orjson.loads(row[2] or "{}"), bool(row[3]), row[4] / 1_000_000, row[5] / 1_000_000)
