"""Domains that one tenant has from another of its partner, with the same keys."""

from alembic import op

from scaisend.storage.migrations.columns import an_id

revision = "0023"
down_revision = "0022"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("domains", an_id("associated_from", "the owner's domain whose keys these are; null for one of the tenant's own", null=True))
    op.create_index("domains_associated_from", "domains", ["associated_from"])
