"""Refresh tokens that are being exchanged at the identity provider."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, blob, moment

revision = "0019"
down_revision = "0018"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "refresh_exchanges",
        an_id("token_hash", "SHA-256 of the refresh token, in hex", primary_key=True, length=64),
        blob("answer", "the tokens that were got for it, sealed; null while somebody is at it"),
        moment("begun_at", "when it was begun"),
        comment="refresh tokens exchanged within the last minutes, so that each is exchanged once by all processes",
    )
    op.create_index("refresh_exchanges_begun", "refresh_exchanges", ["begun_at"])
