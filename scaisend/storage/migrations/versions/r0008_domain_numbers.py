"""What SendGrid's view of domains needs: an integer id for each."""

from alembic import op

from scaisend.storage.migrations.columns import number

revision = "0008"
down_revision = "0007"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("domains", number("number", "SendGrid's integer id; null until it was asked for", null=True, default=None))
    op.create_index("domains_number", "domains", ["tenant_id", "number"], unique=True)
