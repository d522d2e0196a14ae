"""Partners, tenants, people, roles, API keys, the audit log."""

from alembic import op
from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects import mysql

from scaisend.storage.migrations.columns import an_id, flag, long_text, moment, row_number, short_text, small_number

revision = "0002"
down_revision = "0001"
oldest_program = "0.1.0"

STATUS = "active, suspended or deactivated"
TENANT = "the tenant that owns the row"
HASH = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "partners",
        an_id("id", "prt_…", primary_key=True),
        short_text("name", "display name"),
        an_id("external_id", "the identity provider's id", null=True, length=128),
        short_text("status", STATUS, length=16, default="active"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="who runs tenants: an agency, a reseller, or the operator",
    )
    op.create_index("partners_external", "partners", ["external_id"], unique=True)
    op.create_table(
        "tenants",
        an_id("id", "tnt_…", primary_key=True),
        an_id("partner_id", "its partner"),
        short_text("name", "display name"),
        an_id("slug", "short name for the command line", null=True, length=64),
        an_id("external_id", "the identity provider's id", null=True, length=128),
        short_text("status", STATUS, length=16, default="active"),
        long_text("settings", "JSON object: tracking and mail settings of the tenant by name"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="who sends: every other row belongs to exactly one tenant",
    )
    op.create_index("tenants_external", "tenants", ["external_id"], unique=True)
    op.create_index("tenants_partner", "tenants", ["partner_id"])
    op.create_table(
        "users",
        an_id("id", "usr_…", primary_key=True),
        an_id("tenant_id", TENANT, null=True),
        an_id("partner_id", "its partner, for partner admins", null=True),
        an_id("external_id", "the identity provider's subject", null=True, length=128),
        short_text("email", "address"),
        short_text("name", "display name", null=True),
        short_text("role", "super_admin, partner_admin or tenant_admin, if any", length=32, null=True),
        short_text("status", STATUS, length=16, default="active"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="people, mirrored from the identity provider",
    )
    op.create_index("users_external", "users", ["external_id"], unique=True)
    op.create_index("users_tenant", "users", ["tenant_id", "id"])
    op.create_table(
        "roles",
        an_id("id", "rol_…", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("name", "name, unique in the tenant", length=64),
        short_text("description", "what it is for", null=True),
        long_text("permissions", "JSON array of permissions", null=False),
        flag("is_default", "made with the tenant"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="named sets of permissions of a tenant",
    )
    op.create_index("roles_name", "roles", ["tenant_id", "name"], unique=True)
    op.create_table(
        "user_roles",
        an_id("tenant_id", TENANT, primary_key=True),
        an_id("user_id", "the user", primary_key=True),
        an_id("role_id", "the role", primary_key=True),
        moment("created_at", "when it was given"),
        comment="roles given to a user directly",
    )
    op.create_table(
        "user_groups",
        an_id("id", "grp_…", primary_key=True),
        an_id("tenant_id", TENANT),
        an_id("external_id", "the identity provider's id", null=True, length=128),
        an_id("parent_id", "the group it is nested in", null=True),
        short_text("name", "display name"),
        short_text("status", STATUS, length=16, default="active"),
        moment("created_at", "when it was made"),
        moment("updated_at", "when it last changed"),
        comment="groups of people, mirrored from the identity provider",
    )
    op.create_index("user_groups_tenant", "user_groups", ["tenant_id", "id"])
    op.create_table(
        "group_members",
        an_id("tenant_id", TENANT, primary_key=True),
        an_id("group_id", "the group", primary_key=True),
        an_id("user_id", "the user", primary_key=True),
        comment="who is in which group",
    )
    op.create_table(
        "group_mappings",
        an_id("tenant_id", TENANT, primary_key=True),
        an_id("group_id", "the group", primary_key=True),
        an_id("role_id", "the role its members have", primary_key=True),
        moment("created_at", "when it was made"),
        comment="roles given to whole groups",
    )
    op.create_table(
        "api_keys",
        an_id("id", "the public api_key_id", primary_key=True),
        an_id("tenant_id", TENANT),
        short_text("name", "name given by its maker"),
        short_text("prefix", "the first characters of the key, to recognise it by", length=16),
        Column("key_hash", HASH, nullable=False, comment="SHA-256 of the whole key"),
        long_text("scopes", "JSON array of scope names as they were given", null=False),
        flag("is_test", "validates everything, delivers nothing"),
        short_text("created_by", "credential or user that made it, or `cli`", length=64, null=True),
        moment("created_at", "when it was made"),
        moment("expires_at", "from when it is refused", null=True),
        moment("revoked_at", "since when it is refused", null=True),
        moment("last_used_at", "last request, to the minute", null=True),
        comment="API keys; the key itself is shown once and never stored",
    )
    op.create_index("api_keys_hash", "api_keys", ["key_hash"], unique=True)
    op.create_index("api_keys_tenant", "api_keys", ["tenant_id", "id"])
    op.create_table(
        "audit_log",
        row_number(),
        an_id("tenant_id", TENANT, null=True),
        an_id("partner_id", "its partner", null=True),
        short_text("actor", "credential, user, or `cli`", length=128),
        short_text("action", "what was done, such as `api_key.create`", length=64),
        short_text("resource", "id of the thing it was done to", length=128, null=True),
        long_text("change", "JSON object: before and after, without secrets"),
        short_text("source", "address it came from", length=64, null=True),
        short_text("request_id", "id of the request", length=64, null=True),
        moment("happened_at", "when"),
        Column("previous_hash", HASH, nullable=True, comment="hash of the row before (set when the chain is sealed)"),
        Column("row_hash", HASH, nullable=True, comment="hash over this row and the one before"),
        comment="who did what to the installation",
    )
    op.create_index("audit_log_tenant", "audit_log", ["tenant_id", "number"])
    op.create_table(
        "login_failures",
        an_id("source", "address the failures came from", primary_key=True, length=64),
        small_number("failures", "failures in a row"),
        moment("blocked_until", "until when it is refused", null=True),
        moment("updated_at", "last failure"),
        comment="failed credentials by source address",
    )
