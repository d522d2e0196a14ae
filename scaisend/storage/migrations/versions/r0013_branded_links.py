"""Branded links: hosts of tenants that lead to the tracking host."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, flag, long_text, moment, row_number, short_text

revision = "0013"
down_revision = "0012"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "branded_links",
        row_number(),
        an_id("tenant_id", "the tenant that owns the row"),
        short_text("domain", "the sender domain whose mails the links stand in, A-labels"),
        short_text("subdomain", "the label before the domain; both are the host of the links", length=63),
        flag("is_default", "also for mails from domains that have no branded link"),
        flag("valid", "both records were seen in DNS"),
        long_text("check_result", "JSON object: what the last validation said of each record"),
        moment("checked_at", "when it was last validated", null=True),
        moment("created_at", "when"),
        comment="hosts of tenants' own for tracked links",
    )
    op.create_index("branded_links_host", "branded_links", ["tenant_id", "domain", "subdomain"], unique=True)
