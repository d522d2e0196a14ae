"""TLS of outgoing mail: the MTA-STS policies of domains, and what TLS reports count."""

from alembic import op
from sqlalchemy import PrimaryKeyConstraint

from scaisend.storage.migrations.columns import an_id, big_number, long_text, moment, number, short_text, small_number

revision = "0014"
down_revision = "0013"
oldest_program = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "mta_sts_policies",
        an_id("domain", "recipients' domain, A-labels", primary_key=True, length=255),
        an_id("policy_id", "id that the policy was published under; null while none was fetched", null=True),
        an_id("mode", "enforce, testing or none", null=True),
        long_text("hosts", "JSON array of the policy's mx patterns"),
        number("max_age_s", "seconds that the policy holds after it was fetched"),
        moment("fetched_at", "when it was fetched last", null=True),
        moment("expires_at", "from when it does not hold any more", null=True),
        an_id("tried_id", "id of the last fetch that failed", null=True),
        moment("retry_at", "before this no process fetches the failed one again", null=True),
        short_text("fault", "why the last fetch failed", length=512, null=True),
        moment("updated_at", "when"),
        comment="what recipients' domains publish by MTA-STS (RFC 8461), shared by all processes",
    )
    op.create_index("mta_sts_policies_expires", "mta_sts_policies", ["expires_at"])
    op.create_table(
        "tls_results",
        number("day", "days since 1970-01-01, UTC", default=None),
        an_id("domain", "recipients' domain, A-labels", length=255),
        an_id("digest", "of the detail"),
        long_text("detail", "JSON object: kind and lines of the policy, host, addresses, failure", null=False),
        big_number("sessions", "how many ended so"),
        PrimaryKeyConstraint("day", "domain", "digest"),
        comment="sessions with TLS or without, of domains that ask for TLS reports (RFC 8460)",
    )
    op.create_table(
        "tls_reports",
        number("day", "days since 1970-01-01, UTC", default=None),
        an_id("domain", "recipients' domain, A-labels", length=255),
        moment("due_at", "next attempt, or the end of the lease while it is sent; null when it was sent or given up", null=True),
        an_id("attempt_id", "the claim that sends it; a result is recorded only while it matches", null=True),
        small_number("attempts", "times it was claimed"),
        short_text("answer", "what came of the last attempt", length=512, null=True),
        moment("created_at", "when"),
        PrimaryKeyConstraint("day", "domain"),
        comment="TLS reports to domains: one a day and domain",
    )
    op.create_index("tls_reports_due", "tls_reports", ["due_at"])
