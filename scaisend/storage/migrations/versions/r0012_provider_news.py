"""What the identity provider's events and lists need: which were taken, how far a sync came, and when people came, left and were assigned."""

from alembic import op

from scaisend.storage.migrations.columns import an_id, flag, long_text, moment

revision = "0012"
down_revision = "0011"
oldest_program = "0.1.0"


def upgrade() -> None:
    for table in ("partners", "tenants", "users", "user_groups"):
        op.add_column(table, an_id("synced_in", "the full sync that saw it last", null=True))
    op.add_column("users", moment("unassigned_at", "since when the provider does not give this application to the user", null=True))
    op.add_column("users", moment("assignment_at", "when the provider last changed that", null=True))
    op.add_column("group_members", moment("provider_at", "when the provider added the member, as far as is known here", null=True))
    op.create_table(
        "group_departures",
        an_id("tenant_id", "the tenant that owns the row", primary_key=True),
        an_id("group_id", "the group", primary_key=True),
        an_id("user_id", "who left it", primary_key=True),
        moment("provider_at", "when the provider removed the member: what is older does not bring it back"),
        comment="who left which group",
    )
    op.create_table(
        "provider_events",
        an_id("event_id", "the provider's id of the event", primary_key=True, length=128),
        moment("received_at", "when it was taken"),
        comment="events of the identity provider that were taken; kept for thirty days, so that none counts twice",
    )
    op.create_index("provider_events_received", "provider_events", ["received_at"])
    op.create_table(
        "provider_syncs",
        an_id("id", "the sync", primary_key=True),
        an_id("owner", "the process that carries it on; another one that took it over has changed this"),
        flag("is_full", "whether everything is read, and what was not seen is deactivated"),
        moment("since", "changes since then are read; null for everything", null=True),
        an_id("noun", "partners, tenants, users or groups: what is read next, or `end`", length=16),
        long_text("place", "the provider's word for the page to go on with; null for the first"),
        long_text("counts", "JSON object: what was done so far", null=False),
        moment("began_at", "when it began"),
        moment("moved_at", "when its last page was kept"),
        moment("completed_at", "when it ended; null while it runs or was interrupted", null=True),
        comment="syncs with the identity provider",
    )
