"""Hosts that bulk jobs lead queued mail to."""

from alembic import op

from scaisend.storage.migrations.columns import short_text

revision = "0020"
down_revision = "0019"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("recipients", short_text("route", "host:port that its mail goes to instead of its domain's hosts, by a bulk job's order", null=True))
    op.add_column("bulk_jobs", short_text("route", "host:port that a reroute leads to; null: to the domains' own hosts again", null=True))
