"""Which provider keeps the mailboxes of a domain, learned from the hosts that took its mail."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, moment, short_text

revision = "0017"
down_revision = "0016"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "mailbox_domains",
        an_id("domain", "a recipient domain", primary_key=True, length=255),
        short_text("provider", "who keeps its mailboxes (reporting/providers.py)", length=64),
        moment("seen_at", "when one of its hosts took mail and was looked at"),
        comment="providers of domains that are not known by their names",
    )
