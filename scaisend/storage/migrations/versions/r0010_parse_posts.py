"""What inbound parse needs: a post for each mail that a tenant's host took."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, long_text, moment, short_text, small_number

revision = "0010"
down_revision = "0009"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "parse_posts",
        an_id("mail_id", "its inbound_mails row", primary_key=True),
        an_id("tenant_id", "the tenant that owns the row"),
        an_id("hostname", "the host that took the mail", length=255),
        long_text("recipients", "JSON array: forward paths of the mail at this host", null=False),
        moment("due_at", "next attempt, or the end of the lease while it is posted; null when it failed for good", null=True),
        an_id("attempt_id", "the claim that posts it; a result is recorded only while it matches", null=True),
        small_number("attempts", "times it was claimed"),
        short_text("answer", "status of the last attempt, or why there was none", length=512, null=True),
        moment("created_at", "when"),
        comment="mails of parse_settings hosts on their way to the tenant's URL; gone when they were taken",
    )
    # The first finds which hosts have something due, the second what one host has due.
    op.create_index("parse_posts_due", "parse_posts", ["due_at", "hostname"])
    op.create_index("parse_posts_hostname", "parse_posts", ["hostname", "due_at"])
