"""What a partner says of its tenants: whether one is disabled, and the source addresses of its mail."""

from alembic import op

from scaisend.storage.migrations.columns import long_text, moment

revision = "0021"
down_revision = "0020"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("tenants", moment("disabled_at", "since when it is suspended by its partner, whatever its status is; null: it is not", null=True))
    op.add_column("tenants", long_text("addresses", "JSON array: source addresses that its mail leaves by; null for any"))
