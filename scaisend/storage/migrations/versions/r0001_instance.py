"""The instance itself: what this database is, and which programs it serves."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, big_number, long_text, moment, short_text

revision = "0001"
down_revision = None
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "schema_serves",
        an_id("revision", "a migration that was applied", primary_key=True),
        short_text("oldest_program", "the oldest ScaiSend that still works on the schema after this migration", length=32),
        moment("applied_at", "when it was applied"),
        comment="one row a migration: which programs the schema still serves",
    )
    op.create_table(
        "instance",
        an_id("name", "name of the fact", primary_key=True, length=64),
        long_text("value", "the fact", null=False),
        comment="facts of this installation, such as the fingerprint of SECRET_KEY",
    )
    op.create_table(
        "epochs",
        an_id("name", "what the epoch counts: `identity` moves with each change of a credential, tenant, role or permission", primary_key=True),
        big_number("value", "counts up within the transaction that changes the thing"),
        comment="counters that tell a process that what it remembers is out of date",
    )
