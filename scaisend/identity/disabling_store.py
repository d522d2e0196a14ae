"""Tenants that their partner disabled: suspended here, whatever the identity provider says of them meanwhile."""

from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.storage.database import Txn

# The status of the tenant `t`: of both words the stricter one counts.
STATUS = "CASE WHEN t.disabled_at IS NOT NULL AND t.status = 'active' THEN 'suspended' ELSE t.status END"


def set_disabled(txn: Txn, tenant_id: str, is_disabled: bool, *, now_s: float) -> bool:
    """The tenant is suspended, or no more unless its status says so, for every request after the commit. False when it was so before."""
    before, since = ("IS NULL", int(now_s * 1_000_000)) if is_disabled else ("IS NOT NULL", None)
    done = txn.execute(
        f"UPDATE tenants SET disabled_at = :since, updated_at = :at WHERE id = :id AND disabled_at {before}",
        {"since": since, "at": int(now_s * 1_000_000), "id": tenant_id},
    )
    if done:
        bump_identity_epoch(txn)
    return bool(done)
