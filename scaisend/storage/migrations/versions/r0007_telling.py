"""What telling applications needs: signing keys of webhooks, due deliveries by webhook, a tenant's events in order, counting marks."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, long_text, moment, short_text

revision = "0007"
down_revision = "0006"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.add_column("webhooks", short_text("public_key", "base64 of the DER key that verifies signed posts; null while they are not signed", null=True))
    # The first finds which webhooks have something due, the second what one webhook has due.
    op.create_index("webhook_deliveries_ready", "webhook_deliveries", ["due_at", "webhook_id"])
    op.create_index("webhook_deliveries_pull", "webhook_deliveries", ["webhook_id", "due_at"])
    op.create_index("events_tenant", "events", ["tenant_id", "id"])
    op.create_index("statistics_category", "statistics", ["tenant_id", "category", "day", "metric", "value"])
    op.create_table(
        "statistics_marks",
        an_id("id", "counted: the last event that is in the statistics; recounted: the last day that was counted again when it was over", primary_key=True),
        long_text("value", "an event id, or YYYY-MM-DD", null=False),
        moment("updated_at", "when it last changed"),
        comment="how far the statistics have come",
    )
