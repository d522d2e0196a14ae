"""Requests, messages, recipients, their timeline, and what a stage leaves for the next."""

from alembic import op

from scaisend.storage.migrations.columns import (
    an_id,
    blob,
    flag,
    long_text,
    moment,
    number,
    row_number,
    short_text,
    small_number,
)

revision = "0004"
down_revision = "0003"
oldest_program = "0.1.0"

TENANT = "the tenant that owns the row"
ATTEMPT = "the claim that works on the row; a result is recorded only while it matches"


def upgrade() -> None:
    op.create_table(
        "mail_requests",
        an_id("id", "X-Message-Id, 22 base64url characters", primary_key=True, length=22),
        an_id("tenant_id", TENANT),
        an_id("credential_id", "the API key or user that sent it"),
        long_text("payload", "JSON object: all that its messages share (sending/request.py: shared)", null=False),
        moment("accepted_at", "when it was accepted"),
        comment="one POST /v3/mail/send each; its messages share the payload",
    )
    op.create_index("mail_requests_tenant", "mail_requests", ["tenant_id", "id"])
    op.create_table(
        "messages",
        an_id("id", "msg_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("request_id", "its mail_requests row", length=22),
        number("number", "which personalization of the request, from 0"),
        short_text("from_email", "sender", length=320),
        short_text("subject", "subject as given; a template's is rendered later", length=998, null=True),
        long_text("personalization", "JSON object: what is this message's own (sending/request.py: own)", null=False),
        short_text("status", "stage (messages/status.py); while it is being delivered the recipients' rows say more", length=16),
        short_text("reason", "why it failed, was dropped, or waits", length=512, null=True),
        small_number("recipient_count", "recipients, dropped ones included"),
        number("event_seq", "number of its last event"),
        number("size_bytes", "estimated size of the rendered mail"),
        flag("has_body", "a bodies row exists"),
        an_id("batch_id", "batch it may be paused or cancelled by", null=True),
        an_id("template_id", "template it is rendered from", null=True),
        long_text("categories", "JSON array of categories"),
        short_text("ip_pool", "ip_pool_name", length=64, null=True),
        moment("send_at", "not before this moment", null=True),
        moment("due_at", "when a worker should look at it: due for rendering, or the end of the lease; null when nothing is to be done", null=True),
        an_id("attempt_id", ATTEMPT, null=True),
        small_number("tries", "times it was claimed for rendering"),
        moment("accepted_at", "when it was accepted"),
        moment("updated_at", "when it last changed"),
        comment="one message a personalization",
    )
    op.create_index("messages_due", "messages", ["tenant_id", "due_at"])
    op.create_index("messages_tenant", "messages", ["tenant_id", "id"])
    op.create_index("messages_request", "messages", ["request_id"])
    op.create_index("messages_batch", "messages", ["batch_id"])
    op.create_table(
        "recipients",
        an_id("id", "message id, a dot, and the number", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("message_id", "its message"),
        small_number("number", "place in the message: to, then cc, then bcc, from 0"),
        short_text("kind", "to, cc or bcc", length=3),
        short_text("email", "address as given", length=320),
        short_text("name", "display name", length=255, null=True),
        short_text("status", "state (messages/status.py)", length=16),
        short_text("waiting", "why it waits (messages/waiting.py)", length=32, null=True),
        short_text("reason", "last reply, or why it ended so", length=512, null=True),
        moment("due_at", "when a worker should look at it: next attempt, end of the lease, or end of the doubt; null when nothing is to be done", null=True),
        an_id("attempt_id", ATTEMPT, null=True),
        small_number("claims", "claims since the last recorded outcome"),
        small_number("tries", "attempts that the destination answered 4xx for this recipient"),
        small_number("attempts", "attempts of any kind"),
        small_number("resends", "times it was sent again out of doubt: possible copies"),
        moment("updated_at", "when it last changed"),
        comment="one SMTP transaction each; the truth about delivery",
    )
    op.create_index("recipients_due", "recipients", ["tenant_id", "due_at"])
    op.create_index("recipients_email", "recipients", ["tenant_id", "email"], mysql_length={"email": 64})
    op.create_index("recipients_message", "recipients", ["message_id"])
    op.create_table(
        "bodies",
        an_id("message_id", "its message", primary_key=True),
        an_id("tenant_id", TENANT),
        blob("content", "the rendered mail without signature: MIME bytes with CRLF, attachments above the limit as references", null=False),
        comment="rendered mails on their way to another process or waiting for a retry; gone when the message ends",
    )
    op.create_table(
        "events",
        an_id("id", "evt_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("message_id", "its message"),
        an_id("recipient_id", "its recipient", null=True),
        number("seq", "place in the message's timeline, from 1"),
        short_text("type", "messages/event.py", length=24),
        moment("happened_at", "when"),
        long_text("detail", "JSON object: fields of the event"),
        comment="the timeline: only messages/record.py writes it",
    )
    op.create_index("events_message", "events", ["message_id", "seq"], unique=True)
    op.create_table(
        "outbox",
        row_number(),
        an_id("tenant_id", TENANT),
        an_id("event_id", "the event that the tenant's webhooks are to be told"),
        moment("created_at", "when it was recorded"),
        comment="events not yet handed to the tenant's webhooks, written in the transaction that records them",
    )
    op.create_index("outbox_tenant", "outbox", ["tenant_id", "number"])
    op.create_table(
        "dialogues",
        an_id("id", "dlg_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("recipient_id", "whose attempt it was"),
        an_id("attempt_id", "the attempt", null=True),
        short_text("destination", "host, address and port"),
        short_text("source", "address it was sent from", length=64, null=True),
        short_text("tls", "TLS version and cipher, or why none", null=True),
        long_text("dialogue", "commands and replies, bounded, without the body", null=False),
        moment("happened_at", "when"),
        comment="the SMTP dialogue of failed and deferred attempts",
    )
    op.create_index("dialogues_recipient", "dialogues", ["recipient_id"])
    op.create_table(
        "idempotency_keys",
        row_number(),
        an_id("tenant_id", TENANT),
        short_text("idempotency_key", "the header's value", length=255),
        blob("digest", "SHA-256 of the body", null=False),
        long_text("answer", "JSON object: status, headers and body of the first answer", null=False),
        moment("created_at", "when"),
        comment="answers remembered for 24 hours",
    )
    op.create_index("idempotency_keys_key", "idempotency_keys", ["tenant_id", "idempotency_key"], unique=True)
    op.create_table(
        "batches",
        an_id("id", "batch id", primary_key=True, length=64),
        an_id("tenant_id", TENANT),
        short_text("status", "open, pause or cancel", length=16, default="open"),
        moment("created_at", "when"),
        moment("updated_at", "when its status last changed"),
        comment="mail batches (`batch_id`) and their scheduled-send status",
    )
    op.create_index("batches_tenant", "batches", ["tenant_id", "id"])
