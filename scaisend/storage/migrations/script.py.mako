"""${message}."""

from alembic import op

from scaisend.storage.migrations.columns import an_id

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
oldest_program = ""  # the oldest ScaiSend that still works on the schema after this migration


def upgrade() -> None:
    op.add_column("", an_id("", ""))
