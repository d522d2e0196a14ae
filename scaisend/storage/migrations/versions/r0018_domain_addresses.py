"""Source addresses of a domain, and mails that parse hosts received, by day."""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import an_id, big_number, long_text

revision = "0018"
down_revision = "0017"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("domains", long_text("addresses", "JSON array: source addresses of mail from the domain that names no pool; null for any"))
    op.create_table(
        "parse_counts",
        an_id("tenant_id", "the tenant that owns the row"),
        an_id("day", "YYYY-MM-DD, UTC", length=10),
        big_number("received", "mails that its parse hosts took"),
        PrimaryKeyConstraint("tenant_id", "day"),
        comment="mails of parse_settings hosts by day",
    )
