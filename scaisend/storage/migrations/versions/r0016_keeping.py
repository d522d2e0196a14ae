"""What keeps tenants apart and acts on record: chains of the audit log, limits of a tenant, and what it has used of its quotas."""

from alembic import op
from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects import mysql

from scaisend.storage.migrations.columns import an_id, big_number, long_text, moment

revision = "0016"
down_revision = "0015"
oldest_program = "0.1.0"

HASH = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column("audit_log", big_number("place", "which row of its chain it is, from 1; null for rows older than the chain", null=True, default=None))
    op.create_table(
        "audit_chains",
        an_id("chain", "tenant whose acts it holds, `installation` for those of no single tenant", primary_key=True),
        big_number("places", "rows in the chain"),
        Column("last_hash", HASH, nullable=False, comment="hash of its last row, or of what was before"),
        big_number("older_rows", "rows that are older than the chain"),
        big_number("older_number", "number of the last of them"),
        Column("older_hash", HASH, nullable=False, comment="hash over all of them, which the first row of the chain follows"),
        moment("created_at", "when the chain began"),
        comment="ends of the chains that the rows of audit_log form",
    )
    op.create_table(
        "tenant_limits",
        an_id("tenant_id", "the tenant that owns the row", primary_key=True),
        long_text("limits", "JSON object: rates by name (`50/s`, `off`), quotas `mails_per_day` and `mails_per_month`", null=False),
        moment("updated_at", "when they were set"),
        comment="limits of single tenants, in place of the installation's",
    )
    op.create_table(
        "mail_usage",
        an_id("tenant_id", "the tenant that owns the row", primary_key=True),
        an_id("period", "day `2026-11-24` or month `2026-11`, UTC", primary_key=True, length=10),
        big_number("recipients", "recipients accepted in it, since the tenant has a quota"),
        comment="what tenants with a quota have used of it",
    )
