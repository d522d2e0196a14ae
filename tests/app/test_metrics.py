"""The exposition of metrics."""

import re

from scaisend.app.metrics import COUNTERS, GAUGES, Metrics
from tests.base import PlainTestCase


def sample(metrics: Metrics, name: str) -> str | None:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.text().decode(), re.MULTILINE)
    return found[1] if found else None


class Exposition(PlainTestCase):
    def test_every_row_of_the_table_is_exposed(self) -> None:
        """Name and sentence of each metric stand in the text, from the start."""
        text = Metrics().text().decode()
        for name, (sentence, _) in {**{f"{name}_total": row for name, row in COUNTERS.items()}, **GAUGES}.items():
            self.assertIn(f"# HELP {name} {sentence}\n", text)

    def test_requests_count_by_method_route_and_status(self) -> None:
        """The second request takes the way that the first one bound."""
        metrics = Metrics()
        for status in (202, 202, 400):
            metrics.answered("/v3/mail/send", "POST", status, 0.004)
        name = 'scaisend_http_requests_total{method="POST",route="/v3/mail/send",status="%d"}'
        self.assertEqual([sample(metrics, name % status) for status in (202, 400)], ["2.0", "1.0"])
        self.assertEqual(sample(metrics, 'scaisend_http_seconds_bucket{le="0.005",route="/v3/mail/send"}'), "3.0")
        self.assertEqual(sample(metrics, 'scaisend_http_seconds_bucket{le="0.002",route="/v3/mail/send"}'), "0.0")

    def test_rooms_count_what_they_did(self) -> None:
        """Each door of the table moves its own counter."""
        metrics = Metrics()
        metrics.accepted(3)
        metrics.rendered(2)
        metrics.failed(1)
        metrics.settled("delivered")
        metrics.settled("delivered")
        metrics.received("250")
        for name, value in {
            "scaisend_messages_accepted_total": "3.0", "scaisend_mails_rendered_total": "2.0", "scaisend_mails_unrendered_total": "1.0",
            'scaisend_deliveries_total{kind="delivered"}': "2.0", 'scaisend_inbound_mails_total{verdict="250"}': "1.0",
        }.items():
            self.assertEqual(sample(metrics, name), value, name)

    def test_failed_sweeps_are_totals(self) -> None:
        """Telling the same total twice counts once."""
        metrics = Metrics()
        for total in (0, 2, 2, 5):
            metrics.sweeps_failed("rendering-sweep", total)
        self.assertEqual(sample(metrics, 'scaisend_sweep_failures_total{name="rendering-sweep"}'), "5.0")

    def test_gauges_say_what_is_now(self) -> None:
        """A gauge is set, not added to."""
        metrics = Metrics()
        for value in (7, 4):
            metrics.gauge("scaisend_queue_waiting", value, "smtp:deliver")
        metrics.gauge("scaisend_pool_connections", 2)
        self.assertEqual(sample(metrics, 'scaisend_queue_waiting{queue="smtp:deliver"}'), "4.0")
        self.assertEqual(sample(metrics, "scaisend_pool_connections"), "2.0")

    def test_processes_in_one_program_do_not_share_counts(self) -> None:
        """Each registry is its own: a test or a second daemon starts at zero."""
        one, other = Metrics(), Metrics()
        one.accepted(1)
        self.assertEqual(sample(other, "scaisend_messages_accepted_total"), "0.0")
