"""SQL of erasing a recipient's address from the lists, where its name stands in its place."""

from scaisend.storage.database import Txn


def hide(txn: Txn, tenant_id: str, email: str, name: str) -> int:
    """The folded address stands on the tenant's lists, and among those who left its groups, as `name` alone; how many entries were changed."""
    changed = 0
    own = {"tenant_id": tenant_id, "email": email, "name": name}
    for table, key, blank in (("suppressions", "list", ", reason = NULL, ip = NULL"), ("asm_suppressions", "group_id", "")):
        for number, kept in txn.rows(f"SELECT number, {key} FROM {table} WHERE tenant_id = :tenant_id AND email = :email ORDER BY number {txn.dialect.for_update}", own):
            changed += 1
            row = own | {"number": number, "key": kept}
            if txn.row(f"SELECT number FROM {table} WHERE tenant_id = :tenant_id AND email = :name AND {key} = :key", row):
                txn.execute(f"DELETE FROM {table} WHERE number = :number AND tenant_id = :tenant_id", row)
            else:
                txn.execute(f"UPDATE {table} SET email = :name{blank} WHERE number = :number AND tenant_id = :tenant_id", row)
    return changed
