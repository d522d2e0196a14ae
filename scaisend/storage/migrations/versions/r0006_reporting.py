"""Webhooks, statistics, inbound mail."""

from alembic import op

from scaisend.storage.migrations.columns import (
    an_id,
    big_number,
    blob,
    flag,
    long_text,
    moment,
    number,
    row_number,
    short_text,
    small_number,
)

revision = "0006"
down_revision = "0005"
oldest_program = "0.1.0"

TENANT = "the tenant that owns the row"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        an_id("id", "wh_…", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("model", "sendgrid (flat arrays, ECDSA) or endpoint (ours, HMAC)", length=16),
        short_text("url", "where events are posted", length=2048),
        flag("enabled", "events are posted", default=True),
        long_text("events", "JSON array of event types", null=False),
        short_text("friendly_name", "name", null=True),
        blob("sealed_secret", "signing key and OAuth secret, sealed with SECRET_KEY"),
        long_text("oauth", "JSON object: client id and token URL"),
        small_number("failures", "deliveries failed in a row"),
        short_text("disabled_reason", "why it was switched off", null=True),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="where a tenant's application is told of events",
    )
    op.create_index("webhooks_tenant", "webhooks", ["tenant_id", "id"])
    op.create_table(
        "webhook_deliveries",
        an_id("id", "whd_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("webhook_id", "its webhook"),
        long_text("event_ids", "JSON array of the events in it", null=False),
        short_text("status", "queued, delivered or failed", length=16),
        small_number("attempts", "attempts so far"),
        short_text("last_answer", "status and reason of the last answer", length=512, null=True),
        moment("due_at", "next attempt; null when done", null=True),
        an_id("attempt_id", "the claim that works on it", null=True),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="batches of events posted to a webhook",
    )
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["tenant_id", "due_at"])
    op.create_index("webhook_deliveries_webhook", "webhook_deliveries", ["tenant_id", "webhook_id", "id"])
    op.create_table(
        "statistics",
        row_number(),
        an_id("tenant_id", TENANT),
        an_id("day", "YYYY-MM-DD, UTC", length=10),
        short_text("category", "category, empty for all mail", length=255, default=""),
        an_id("metric", "SendGrid's metric name", length=32),
        big_number("value", "how many"),
        comment="counts by day and category",
    )
    op.create_index("statistics_key", "statistics", ["tenant_id", "day", "category", "metric"], unique=True)
    op.create_table(
        "parse_settings",
        row_number(),
        an_id("tenant_id", TENANT),
        short_text("hostname", "host whose mail is posted to the URL"),
        short_text("url", "where", length=2048),
        flag("spam_check", "kept and echoed"),
        flag("send_raw", "the whole mail in one field"),
        moment("created_at", "when"),
        comment="inbound parse settings",
    )
    op.create_index("parse_settings_hostname", "parse_settings", ["hostname"], unique=True)
    op.create_table(
        "inbound_mails",
        an_id("id", "inb_…", primary_key=True),
        an_id("tenant_id", "the tenant, once known", null=True),
        short_text("kind", "unparsed, bounce, arf, autoreply, unsubscribe, parse or other", length=16, default="unparsed"),
        short_text("mail_from", "reverse path", length=320),
        short_text("rcpt_to", "forward path", length=320),
        an_id("recipient_id", "the recipient that a valid VERP token named", null=True),
        short_text("peer", "address and HELO name of the client", length=320),
        number("size_bytes", "size"),
        blob("content", "the mail, up to 256 KB"),
        short_text("object_key", "where a larger mail is", null=True),
        moment("received_at", "when"),
        comment="mail that came back and was not yet read, or could not be",
    )
    op.create_index("inbound_mails_kind", "inbound_mails", ["kind", "id"])
    op.create_index("inbound_mails_recipient", "inbound_mails", ["recipient_id"])
