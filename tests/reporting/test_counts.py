from dataclasses import replace

from scaisend.messages.event import KINDS
from scaisend.reporting.counts import (
    COLUMNS,
    METRICS,
    PROVIDER,
    PROVIDER_METRICS,
    Tally,
    counted,
    full,
    metrics_of,
    of_provider,
)
from scaisend.reporting.providers import OTHER
from scaisend.suppressions.lists import GROUP, STOPPING
from tests.base import PlainTestCase


def tally(kind: str, *, is_machine: bool = False, is_repeated: bool = False, detail: str | None = None, categories: str | None = None, events: int = 1) -> Tally:
    return Tally("tnt_a", "2027-01-15", kind, categories, is_machine, is_repeated, detail, events)


class CountsTests(PlainTestCase):
    def test_names(self) -> None:
        """Every event counts under SendGrid's names, or not at all."""
        for kind in KINDS:
            self.assertLessEqual(set(metrics_of(tally(kind))), set(METRICS), kind)
        self.assertEqual(metrics_of(tally("processed")), ("processed", "requests"))
        self.assertEqual(metrics_of(tally("blocked")), ("blocks",))

    def test_drops(self) -> None:
        """A drop counts by the list that stopped it, and as a request unless it had been processed before."""
        expected = {"bounces": "bounce_drops", "spam_reports": "spam_report_drops", "unsubscribes": "unsubscribe_drops", "invalid_emails": "invalid_emails"}
        for name in (*STOPPING, GROUP):
            metric = expected.get(name, "unsubscribe_drops")
            self.assertEqual(metrics_of(tally("dropped", detail=f'{{"list":"{name}"}}')), (metric, "requests"))
            self.assertEqual(metrics_of(tally("dropped", detail=f'{{"list":"{name}"}}', is_repeated=True)), (metric,))
        self.assertEqual(metrics_of(tally("dropped")), ("requests",))

    def test_opens_and_clicks(self) -> None:
        """The first of a recipient is unique; what a machine did is kept apart."""
        self.assertEqual(metrics_of(tally("open")), ("opens", "unique_opens"))
        self.assertEqual(metrics_of(tally("click", is_repeated=True)), ("clicks",))
        self.assertEqual(metrics_of(tally("open", is_machine=True)), ("machine_opens",))

    def test_categories(self) -> None:
        """An event counts once for all mail and once for each category, a category that stands twice once."""
        counts = counted([tally("delivered", categories='["a","b","a"]', events=3), tally("delivered", events=2)])
        self.assertEqual({key[3]: value for key, value in counts.items()}, {"": 5, "a": 3, "b": 3})

    def test_full(self) -> None:
        """Every metric is there, in SendGrid's alphabetical order, and no other."""
        self.assertEqual(list(full(range(len(COLUMNS)))), sorted(METRICS))
        self.assertEqual(full(()), dict.fromkeys(METRICS, 0))
        self.assertEqual(len(METRICS), 16)

    def test_providers(self) -> None:
        """Where domains are known an event counts for their provider too, others for Other; a provider's drops are all drops."""
        tallies = [replace(tally("delivered", events=2), domain="gmail.com"), replace(tally("bounce"), domain="x.test"), tally("delivered")]
        counts = counted(tallies, {"gmail.com": "Gmail"})
        self.assertEqual({key[3:]: value for key, value in counts.items() if key[2] == PROVIDER}, {("Gmail", "delivered"): 2, (OTHER, "bounces"): 1})
        self.assertEqual(list(of_provider(())), sorted(PROVIDER_METRICS))
        dropped = dict.fromkeys(COLUMNS, 0) | {"bounce_drops": 1, "unsubscribe_drops": 2, "delivered": 5}
        self.assertEqual({name: value for name, value in of_provider(list(dropped.values())).items() if value}, {"drops": 3, "delivered": 5})
