"""Sender domains and their keys, source addresses and their pools, destinations."""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import an_id, blob, flag, long_text, moment, number, short_text

revision = "0003"
down_revision = "0002"
oldest_program = "0.1.0"

TENANT = "the tenant that owns the row"


def upgrade() -> None:
    op.create_table(
        "domains",
        an_id("id", "dom_…", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("domain", "A-label form, lower case"),
        flag("verified", "its DKIM record in DNS is ours"),
        flag("return_path_ready", "MX and SPF of its own return-path host were seen"),
        flag("is_default", "the tenant's default domain"),
        long_text("check_result", "JSON array: the records of the last verification with found and valid"),
        moment("checked_at", "last verification", null=True),
        moment("verified_at", "when the DKIM record was first seen", null=True),
        moment("created_at", "when it was added"),
        moment("updated_at", "when it last changed"),
        comment="domains a tenant may send from",
    )
    op.create_index("domains_name", "domains", ["tenant_id", "domain"], unique=True)
    op.create_index("domains_domain", "domains", ["domain"])
    op.create_table(
        "domain_keys",
        an_id("id", "dky_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("domain_id", "its domain"),
        an_id("selector", "DKIM selector (RFC 6376 3.1)", length=63),
        short_text("algorithm", "rsa-sha256 or ed25519-sha256", length=16),
        blob("sealed_private", "PKCS8 DER of the private key, sealed with SECRET_KEY", null=False),
        blob("public", "SubjectPublicKeyInfo DER of the public key (Ed25519: the 32 raw bytes)", null=False),
        short_text("status", "pending: not yet seen in DNS; active: signs; retired: signs no more", length=16, default="pending"),
        moment("created_at", "when it was made"),
        moment("seen_at", "when its record was first seen in DNS", null=True),
        moment("retired_at", "when it stopped signing", null=True),
        comment="DKIM keys; a key signs only after its record was seen",
    )
    op.create_index("domain_keys_domain", "domain_keys", ["tenant_id", "domain_id"])
    op.create_table(
        "verified_senders",
        number("id", "SendGrid's integer id", default=None),
        an_id("tenant_id", TENANT),
        short_text("from_email", "address"),
        long_text("profile", "JSON object: nickname, from_name, reply_to, address"),
        flag("verified", "the link in the mail was followed"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        PrimaryKeyConstraint("tenant_id", "id"),
        comment="single addresses a tenant may send from",
    )
    op.create_index("verified_senders_email", "verified_senders", ["tenant_id", "from_email"], unique=True)
    op.create_table(
        "ip_pools",
        an_id("id", "ipp_…", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("name", "2 to 64 characters, unique in the tenant", length=64),
        long_text("addresses", "JSON array of source addresses, each configured in SMTP_SOURCE_IPS", null=False),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="named sets of source addresses (`ip_pool_name`)",
    )
    op.create_index("ip_pools_name", "ip_pools", ["tenant_id", "name"], unique=True)
    op.create_table(
        "destinations",
        short_text("name", "the destination: its MX set, or the domain", length=255),
        short_text("state", "open, backing_off or paused", length=16, default="open"),
        moment("retry_at", "when it is tried again", null=True),
        number("failures", "failed connections in a row"),
        short_text("last_reply", "the last thing it said, or why it could not be reached", length=512, null=True),
        moment("updated_at", "when it last changed"),
        PrimaryKeyConstraint("name"),
        comment="hosts that take mail, kept only while something is to be said of them",
    )
