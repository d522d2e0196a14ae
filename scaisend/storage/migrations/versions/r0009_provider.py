"""What mirroring the identity provider needs: when the provider last changed each thing, and the ways from people to their groups."""

from alembic import op

from scaisend.storage.migrations.columns import moment

revision = "0009"
down_revision = "0008"
oldest_program = "0.1.0"


def upgrade() -> None:
    for table in ("partners", "tenants", "users", "user_groups"):
        op.add_column(table, moment("provider_at", "when the identity provider changed it, as far as is known here; null for what it never told of", null=True))
    op.create_index("user_groups_external", "user_groups", ["external_id"], unique=True)
    op.create_index("group_members_user", "group_members", ["tenant_id", "user_id"])
    op.create_index("users_partner", "users", ["partner_id", "id"])
