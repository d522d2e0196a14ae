"""API keys in the database, and the question whether a caller still is who it was."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scaisend.caller import Caller
from scaisend.faults import Forbidden, ScaiSendError, Unauthenticated
from scaisend.identity.api_key import Credential, caller_of, hash_of, shown_prefix
from scaisend.identity.disabling_store import STATUS
from scaisend.identity.instance_store import bump_identity_epoch, identity_epoch
from scaisend.identity.person import caller_of_person
from scaisend.identity.standing_store import standing_across_tenants
from scaisend.storage.database import Row, Txn

_COLUMNS = "id, tenant_id, name, prefix, scopes, is_test, created_by, created_at, expires_at, last_used_at"
_CREDENTIALS = (
    f"SELECT k.id, k.key_hash, k.tenant_id, t.partner_id, k.scopes, k.is_test, k.expires_at, k.revoked_at, {STATUS}, p.status,"
    " COALESCE((SELECT e.value FROM epochs e WHERE e.name = 'identity'), 0)"
    " FROM api_keys k JOIN tenants t ON t.id = k.tenant_id JOIN partners p ON p.id = t.partner_id WHERE k.key_hash IN :hashes"
)
_SEND = frozenset(("mail.send",))


@dataclass(frozen=True, slots=True)
class Key:
    """One API key that is not revoked, as its tenant may see it."""

    id: str
    tenant_id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    is_test: bool
    created_by: str | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None


def create_key(
    txn: Txn, tenant_id: str, *, key_id: str, key: str, name: str, scopes: Sequence[str], is_test: bool, created_by: str,
    created_at: float, expires_at: float | None = None,
) -> Key:
    """The key works from the commit on; only its hash is stored."""
    made = Key(key_id, tenant_id, name, shown_prefix(key), tuple(scopes), is_test, created_by, created_at, expires_at, None)
    columns = ("id", "tenant_id", "name", "prefix", "key_hash", "scopes", "is_test", "created_by", "created_at", "expires_at")
    txn.insert("api_keys", columns, [(
        key_id, tenant_id, name, made.prefix, hash_of(key), json.dumps(list(scopes)), int(is_test), created_by[:64],
        _column(created_at), None if expires_at is None else _column(expires_at),
    )])
    bump_identity_epoch(txn)
    return made


def keys(txn: Txn, tenant_id: str, *, most: int) -> list[Key]:
    """The tenant's keys, oldest first, expired ones included and revoked ones not."""
    found = txn.rows(
        f"SELECT {_COLUMNS} FROM api_keys WHERE tenant_id = :tenant_id AND revoked_at IS NULL ORDER BY id LIMIT :most",
        {"tenant_id": tenant_id, "most": most},
    )
    return [_key(row) for row in found]


def key(txn: Txn, tenant_id: str, key_id: str, *, for_update: bool = False) -> Key | None:
    """The tenant's key of this id, unless there is none or it is revoked; with `for_update` it stays so until the commit."""
    if not key_id.isascii():  # MySQL refuses to compare an ASCII column with other text
        return None
    row = txn.row(
        f"SELECT {_COLUMNS} FROM api_keys WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL"
        f" {txn.dialect.for_update if for_update else ''}",
        {"tenant_id": tenant_id, "id": key_id},
    )
    return _key(row) if row else None


def key_count(txn: Txn, tenant_id: str) -> int:
    """How many keys the tenant has; others who ask for it wait until this transaction ends."""
    txn.row(f"SELECT id FROM tenants WHERE id = :tenant_id {txn.dialect.for_update}", {"tenant_id": tenant_id})
    row = txn.row("SELECT COUNT(*) FROM api_keys WHERE tenant_id = :tenant_id AND revoked_at IS NULL", {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def change_key(txn: Txn, tenant_id: str, key_id: str, *, name: str, scopes: Sequence[str]) -> None:
    """The key has this name and these scopes, for every request after the commit."""
    txn.execute(
        "UPDATE api_keys SET name = :name, scopes = :scopes WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL",
        {"name": name, "scopes": json.dumps(list(scopes)), "tenant_id": tenant_id, "id": key_id},
    )
    bump_identity_epoch(txn)


def revoke_key(txn: Txn, tenant_id: str, key_id: str, *, revoked_at: float) -> bool:
    """The key is refused from the commit on, everywhere. False when there was no such key, or it was revoked before."""
    done = txn.execute(
        "UPDATE api_keys SET revoked_at = :at WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL",
        {"at": _column(revoked_at), "tenant_id": tenant_id, "id": key_id},
    )
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def note_keys_used(txn: Txn, pairs: Sequence[tuple[str, str]], used_at: float) -> None:
    """The keys, as (tenant id, key id), were last used at this moment. Sorted pairs keep two such statements from a deadlock."""
    txn.execute(
        "UPDATE api_keys SET last_used_at = :at WHERE (tenant_id, id) IN :pairs", {"at": _column(used_at), "pairs": list(pairs)},
    )


def find_credential(txn: Txn, key_hash: bytes) -> Credential | None:
    """What is known of the key with this hash, whosever it is: authentication is what finds the tenant."""
    return credentials_across_tenants(txn, (key_hash,)).get(key_hash)


def credentials_across_tenants(txn: Txn, hashes: Collection[bytes]) -> dict[bytes, Credential]:
    """The keys with these hashes, by hash, by one query: so each one's epoch is that of its other columns."""
    return {bytes(row[1]): _credential(row) for row in txn.rows(_CREDENTIALS, {"hashes": list(hashes)})}


def check_callers(
    txn: Txn, callers: Sequence[Caller], now_s: float, needed: Sequence[Collection[str]] | None = None,
) -> list[ScaiSendError | None]:
    """For each caller None, or the refusal that it gets as identity stands in this transaction.

    `needed` are the permissions that each caller's request needs, `mail.send` when it is not given. Costs one small query,
    and a second one for all callers whose epoch is not the present one; a person among those costs some of its own.
    """
    epoch = identity_epoch(txn)
    stale = {caller.key_hash for caller in callers if caller.epoch != epoch and caller.key_hash}
    found = credentials_across_tenants(txn, stale) if stale else {}
    needs = needed if needed is not None else [_SEND] * len(callers)
    refusals: list[ScaiSendError | None] = []
    for caller, permissions in zip(callers, needs, strict=True):
        try:
            present = caller if caller.epoch == epoch else _present(txn, caller, found.get(caller.key_hash), now_s)
            refusals.append(None if present.permissions.issuperset(permissions) else Forbidden("access forbidden"))
        except (Unauthenticated, Forbidden) as refusal:
            refusals.append(refusal)
    return refusals


def _present(txn: Txn, caller: Caller, found: Credential | None, now_s: float) -> Caller:
    """The caller as it is now: of its key, or of its person acting for the same tenant. Raises: Unauthenticated, Forbidden."""
    if caller.user_id is None or caller.key_hash:
        return caller_of(found, now_s)
    return caller_of_person(standing_across_tenants(txn, caller.user_id, caller.tenant_id), on_behalf=True)


def _credential(row: Row) -> Credential:
    key_id, key_hash, tenant_id, partner_id, scopes, is_test, expires_at, revoked_at, tenant_status, partner_status, epoch = row
    return Credential(
        key_id, bytes(key_hash), tenant_id, partner_id, tuple(json.loads(scopes)), bool(is_test), _moment(expires_at),
        _moment(revoked_at), tenant_status, partner_status, int(epoch),
    )


def _key(row: Row) -> Key:
    key_id, tenant_id, name, prefix, scopes, is_test, created_by, created_at, expires_at, last_used_at = row
    return Key(
        key_id, tenant_id, name, prefix, tuple(json.loads(scopes)), bool(is_test), created_by, created_at / 1_000_000,
        _moment(expires_at), _moment(last_used_at),
    )


def _column(at: float) -> int:
    return int(at * 1_000_000)


def _moment(column: int | None) -> float | None:
    return None if column is None else column / 1_000_000
