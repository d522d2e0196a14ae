"""Statistics by day and by month, one row for all metrics: what sums over years and all categories are read from.

The table `statistics` stays for programs before this one, which go on counting into it under marks of their own; nothing reads it any more.
"""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import an_id, big_number, short_text

revision = "0011"
down_revision = "0010"
oldest_program = "0.1.0"

METRICS = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed", "requests",
    "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes", "machine_clicks", "machine_opens",
)
_COLUMNS = ", ".join(METRICS)
_PIVOT = ", ".join(f"SUM(CASE WHEN metric = '{name}' THEN value ELSE 0 END)" for name in METRICS)
_SUMS = ", ".join(f"SUM({name})" for name in METRICS)
_INTO = f"INSERT INTO statistics_sums (tenant_id, span, kind, period, name, {_COLUMNS}) "


def upgrade() -> None:
    op.create_table(
        "statistics_sums",
        an_id("tenant_id", "the tenant that owns the row"),
        an_id("span", "day or month: how much the row sums up", length=8),
        an_id("kind", "all: all mail; category: mail of one category", length=16),
        an_id("period", "the span's first day, YYYY-MM-DD, UTC", length=10),
        short_text("name", "the category, empty for all mail", length=255, default=""),
        *[big_number(name, "how many") for name in METRICS],
        PrimaryKeyConstraint("tenant_id", "span", "kind", "period", "name"),
        comment="counts of events by day and month; a month's row is the sum of its days' rows, written in the same transaction",
    )
    # The first reads few names over many days, the second a day of all tenants.
    op.create_index("statistics_sums_name", "statistics_sums", ["tenant_id", "span", "kind", "name", "period"])
    op.create_index("statistics_sums_period", "statistics_sums", ["period", "span"])
    # From here on one transaction. The marks are locked first: whoever counts meanwhile has counted all of it, or nothing.
    op.execute("UPDATE statistics_marks SET updated_at = updated_at + 1")
    op.execute("DELETE FROM statistics_sums")
    op.execute("DELETE FROM statistics_marks WHERE id IN ('sums_counted', 'sums_recounted')")
    op.execute(
        f"{_INTO} SELECT tenant_id, 'day', CASE WHEN category = '' THEN 'all' ELSE 'category' END, day, category, {_PIVOT} "
        "FROM statistics GROUP BY tenant_id, day, category"
    )
    month = "SUBSTR(period, 1, 8) || '01'" if op.get_context().dialect.name == "sqlite" else "CONCAT(SUBSTR(period, 1, 8), '01')"
    op.execute(
        f"{_INTO} SELECT tenant_id, 'month', kind, {month} AS first, name, {_SUMS} FROM statistics_sums "
        "WHERE span = 'day' GROUP BY tenant_id, kind, first, name"
    )
    for old, new in (("counted", "sums_counted"), ("recounted", "sums_recounted")):
        op.execute(f"INSERT INTO statistics_marks (id, value, updated_at) SELECT '{new}', value, updated_at FROM statistics_marks WHERE id = '{old}'")
