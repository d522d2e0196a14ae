"""What operators order of destinations, what was learned of them, warm-up plans, and bulk jobs over queued mail."""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import (
    an_id,
    big_number,
    flag,
    long_text,
    moment,
    number,
    ratio,
    row_number,
    short_text,
)

revision = "0015"
down_revision = "0014"
oldest_program = "0.1.0"


def upgrade() -> None:
    _orders()
    _shapes()
    _warmups()
    _bulk()
    # Who paused a destination before there were orders did it so.
    op.execute(
        "INSERT INTO destination_orders (name, is_paused, route, most_connections, most_per_minute, flushed_at, reason, ordered_by, updated_at) "
        "SELECT name, 1, NULL, NULL, NULL, NULL, 'paused before the upgrade', 'migration', updated_at FROM destinations WHERE state = 'paused'"
    )


def _orders() -> None:
    op.create_table(
        "destination_orders",
        short_text("name", "a domain (A-label), or a destination: its MX set; `*` for limits of all"),
        flag("is_paused", "nothing is begun for it"),
        short_text("route", "host:port that mail of the domain goes to instead of its MX", null=True),
        number("most_connections", "connections of all processes, in place of what is learned", null=True, default=None),
        ratio("most_per_minute", "mails a minute of all processes, in place of what is learned"),
        moment("flushed_at", "what was known against it before is forgotten", null=True),
        short_text("reason", "why, in the operator's words", length=512, null=True),
        short_text("ordered_by", "who", length=128),
        moment("updated_at", "when it last changed"),
        PrimaryKeyConstraint("name"),
        comment="what operators order of destinations; every process that delivers follows within seconds",
    )
    op.create_table(
        "destination_domains",
        an_id("domain", "a recipient domain (A-label)", primary_key=True, length=255),
        short_text("destination", "its destination: its MX set"),
        moment("seen_at", "when that was looked up"),
        comment="which domains lead to which destination, as last seen by a process that delivers",
    )
    op.create_index("destination_domains_destination", "destination_domains", ["destination"])
    op.create_table(
        "delivery_reports",
        an_id("worker_id", "the process", primary_key=True, length=128),
        long_text("report", "JSON array: its destinations and lanes in use", null=False),
        moment("updated_at", "when it said so; a report older than half a minute is of a process that ended"),
        comment="what each process that delivers has in use",
    )


def _shapes() -> None:
    op.create_table(
        "shapes",
        an_id("source", "source address, empty where the system chooses"),
        short_text("destination", "the MX set"),
        number("connections", "connections at a time"),
        ratio("rate", "mails a minute; null: any"),
        number("connections_knee", "the number that was too much", null=True, default=None),
        ratio("rate_knee", "the rate that was too much"),
        moment("cut_at", "last complaint", null=True),
        moment("risen_at", "last rise", null=True),
        short_text("reason", "why the limits are what they are", length=512),
        moment("updated_at", "when it last changed"),
        PrimaryKeyConstraint("source", "destination"),
        comment="what was learned of each source address at each destination",
    )
    op.create_index("shapes_destination", "shapes", ["destination"])
    op.create_table(
        "shape_changes",
        row_number(),
        an_id("source", "source address, empty where the system chooses"),
        short_text("destination", "the MX set"),
        short_text("was", "limits before, in words"),
        short_text("became", "limits after"),
        short_text("reason", "the reply, or what else changed them", length=512),
        moment("happened_at", "when"),
        comment="each change of a learned limit, kept for a week",
    )
    op.create_index("shape_changes_destination", "shape_changes", ["destination", "number"])
    op.create_index("shape_changes_happened", "shape_changes", ["happened_at"])


def _warmups() -> None:
    op.create_table(
        "warmups",
        an_id("source", "source address", primary_key=True),
        moment("started_at", "midnight (UTC) of its first day"),
        long_text("ceilings", "JSON array: mails a day, first day first; after the last the address is warm", null=False),
        moment("updated_at", "when it last changed"),
        comment="warm-up plans of source addresses",
    )
    op.create_table(
        "warmup_hours",
        an_id("source", "source address"),
        big_number("hour", "hours since the epoch"),
        number("taken", "mails that processes took out of the ceiling for this hour"),
        PrimaryKeyConstraint("source", "hour"),
        comment="what warming addresses have used of their plans, kept for a week",
    )


def _bulk() -> None:
    op.create_table(
        "bulk_jobs",
        an_id("id", "blk_…", primary_key=True),
        an_id("tenant_id", "the tenant whose mail it concerns; null: that of all", null=True),
        short_text("action", "fail, hold, requeue, delay", length=16),
        long_text("wanted", "JSON object: which mail (delivery/bulk.py)", null=False),
        moment("delay_until", "a delay's end", null=True),
        short_text("status", "gathering, waiting, running, done, undoing, undone", length=16),
        long_text("place", "JSON array: how far it has come", null=True),
        number("gathered", "recipients that it took"),
        number("done", "of them, those that were acted on or released"),
        moment("begins_at", "the action begins; until then it can be undone"),
        short_text("reason", "why, in the words of who ordered it", length=512),
        short_text("ordered_by", "who", length=128),
        moment("created_at", "when"),
        moment("updated_at", "when it last changed"),
        comment="operations over many queued mails",
    )
    op.create_index("bulk_jobs_tenant", "bulk_jobs", ["tenant_id", "id"])
    op.create_index("bulk_jobs_status", "bulk_jobs", ["status"])
    op.create_table(
        "bulk_items",
        an_id("job_id", "its bulk_jobs row"),
        an_id("recipient_id", "the recipient"),
        an_id("tenant_id", "the tenant that owns the row"),
        an_id("message_id", "the recipient's message"),
        moment("due_at", "the recipient's moment before it was held", null=True),
        short_text("waiting", "why it waited before", length=32, null=True),
        moment("message_due_at", "the message's moment before, where it was not rendered yet", null=True),
        flag("is_open", "neither acted on nor released"),
        PrimaryKeyConstraint("job_id", "recipient_id"),
        comment="what a bulk job took, and how it was before; gone a week after its end",
    )
    op.create_index("bulk_items_open", "bulk_items", ["job_id", "is_open", "recipient_id"])
