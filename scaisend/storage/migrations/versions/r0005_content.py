"""Templates, images, suppressions, unsubscribe groups."""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import an_id, flag, long_text, moment, number, row_number, short_text

revision = "0005"
down_revision = "0004"
oldest_program = "0.1.0"

TENANT = "the tenant that owns the row"


def upgrade() -> None:
    op.create_table(
        "templates",
        an_id("id", "d- and 32 hex digits, or a UUID for legacy ones", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("name", "name", length=100),
        short_text("generation", "dynamic or legacy", length=16),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="mail templates",
    )
    op.create_index("templates_tenant", "templates", ["tenant_id", "id"])
    op.create_table(
        "template_versions",
        an_id("id", "UUID", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("template_id", "its template"),
        flag("active", "the version that is sent; at most one a template"),
        short_text("name", "name", length=100),
        short_text("subject", "subject, may hold Handlebars"),
        long_text("html_content", "HTML part"),
        long_text("plain_content", "text part"),
        flag("generate_plain_content", "the text part is made from the HTML", default=True),
        short_text("editor", "code or design", length=16, default="code"),
        long_text("test_data", "JSON text for the preview"),
        moment("updated_at", "when it last changed"),
        comment="versions of a template",
    )
    op.create_index("template_versions_template", "template_versions", ["tenant_id", "template_id"])
    op.create_table(
        "images",
        an_id("id", "img_…", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("folder", "folder, empty for the top", default=""),
        short_text("filename", "name it came with"),
        short_text("alt_text", "alternative text", null=True),
        short_text("media_type", "sniffed from the content", length=32),
        number("size_bytes", "size"),
        number("width", "pixels", null=True, default=None),
        number("height", "pixels", null=True, default=None),
        short_text("object_key", "where the bytes are"),
        moment("created_at", "when it was uploaded"),
        moment("deleted_at", "since when it answers 410", null=True),
        comment="the image library",
    )
    op.create_index("images_tenant", "images", ["tenant_id", "id"])
    op.create_table(
        "suppressions",
        row_number(),
        an_id("tenant_id", TENANT),
        short_text("list", "bounces, blocks, invalid_emails, spam_reports or unsubscribes", length=16),
        short_text("email", "address, lower case", length=320),
        short_text("reason", "the reply or the report", length=512, null=True),
        short_text("status", "enhanced status code", length=16, null=True),
        short_text("ip", "address a report came from", length=64, null=True),
        an_id("event_id", "the event that caused it", null=True),
        short_text("rule", "the rule that decided", length=64, null=True),
        moment("created_at", "when"),
        comment="addresses that are not mailed, by list",
    )
    op.create_index("suppressions_email", "suppressions", ["tenant_id", "email", "list"], unique=True)
    op.create_index("suppressions_list", "suppressions", ["tenant_id", "list", "created_at"])
    op.create_table(
        "asm_groups",
        number("id", "SendGrid's integer id", default=None),
        an_id("tenant_id", TENANT),
        short_text("name", "up to 30 characters", length=64),
        short_text("description", "up to 100 characters", null=True),
        flag("is_default", "the group of mails that name none"),
        moment("created_at", "when"),
        moment("updated_at", "when it last changed"),
        PrimaryKeyConstraint("tenant_id", "id"),
        comment="unsubscribe groups (ASM)",
    )
    op.create_table(
        "asm_suppressions",
        row_number(),
        an_id("tenant_id", TENANT),
        number("group_id", "the group", default=None),
        short_text("email", "address, lower case", length=320),
        moment("created_at", "when"),
        comment="who left which group",
    )
    op.create_index("asm_suppressions_email", "asm_suppressions", ["tenant_id", "email", "group_id"], unique=True)
