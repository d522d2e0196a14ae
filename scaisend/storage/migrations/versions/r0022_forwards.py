"""Bounces and spam reports that their tenant wants mailed to an address."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, moment

revision = "0022"
down_revision = "0021"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "forwards",
        an_id("event_id", "the bounce or spam report", primary_key=True),
        an_id("tenant_id", "the tenant that owns the row"),
        an_id("recipient_id", "the recipient that it speaks of"),
        an_id("setting", "forward_bounce or forward_spam"),
        an_id("request_id", "mail_requests row of the mail that tells of it, chosen before that is written; null: not yet", null=True, length=22),
        moment("due_at", "when the mail is to be written; null: it was", null=True),
        moment("created_at", "when the event was recorded"),
        comment="events that are mailed to their tenant (mail_settings forward_bounce and forward_spam); a mailed one stays, so that erasing its recipient finds the mail",
    )
    op.create_index("forwards_hour", "forwards", ["tenant_id", "setting", "created_at"])
    op.create_index("forwards_due", "forwards", ["due_at"])
    op.create_index("forwards_recipient", "forwards", ["recipient_id"])
