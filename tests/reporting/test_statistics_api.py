import json

from twisted.internet.defer import maybeDeferred

from scaisend.faults import Invalid
from scaisend.messages import event as events
from scaisend.reporting import statistics_api
from scaisend.reporting.counts import METRICS
from scaisend.reporting.periods import day_of
from scaisend.reporting.statistics_api import StatisticsApi
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, ask
from tests.reporting.test_statistics_worker import Statistics
from tests.world.messages import Made, To
from tests.world.tenants import now

TODAY = day_of(NOW).isoformat()  # 2027-01-15, a Friday


class StatisticsApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = Statistics()
        self.api = StatisticsApi(database=self.world.database, in_thread=lambda fn: maybeDeferred(fn))
        for kind, place in ((events.DELIVERED, 0), (events.DELIVERED, 2), (events.OPEN, 0), (events.OPEN, 0), (events.CLICK, 1)):
            self.world.write(kind, place)
        self.world.write(events.OPEN, 2, machine=True)

    def ask(self, what, who=None, **query):  # type: ignore[no-untyped-def]
        lists = {name: value if isinstance(value, list) else [str(value)] for name, value in query.items()}
        return json.loads(ask(self, what, who or self.world.caller, query=lists, now_s=self.world.now).body)

    def refused(self, field: str, what, **query) -> None:  # type: ignore[no-untyped-def]
        error = self.assertRaises(Invalid, self.ask, what, **query)
        self.assertEqual(error.faults[0].field, field)

    def test_totals(self) -> None:
        """One element a day, the empty ones too, with all sixteen metrics, live before anything was counted and the same after."""
        before = self.ask(self.api.totals, start_date="2027-01-14", end_date="2027-01-16")
        self.assertEqual([each["date"] for each in before], ["2027-01-14", "2027-01-15", "2027-01-16"])
        for each in before:
            self.assertEqual((set(each), [set(stat) for stat in each["stats"]], list(each["stats"][0]["metrics"])), ({"date", "stats"}, [{"metrics"}], list(METRICS)))
        metrics = before[1]["stats"][0]["metrics"]
        self.assertEqual(
            [metrics[name] for name in ("requests", "processed", "delivered", "opens", "unique_opens", "clicks", "unique_clicks")], [4, 4, 2, 2, 1, 1, 1]
        )
        self.assertEqual(sum(before[0]["stats"][0]["metrics"].values()), 0)
        self.world.now += 60
        now(self, self.world.worker.turn())
        self.assertEqual(self.ask(self.api.totals, start_date="2027-01-14", end_date="2027-01-16"), before)

    def test_weeks_months_pages(self) -> None:
        """Days add up to weeks that begin on Monday and to months; limit and offset choose among the periods; the end is today."""
        week = self.ask(self.api.totals, start_date="2027-01-12", aggregated_by="week")
        self.assertEqual([(each["date"], each["stats"][0]["metrics"]["delivered"]) for each in week], [("2027-01-11", 2)])
        month = self.ask(self.api.totals, start_date="2026-11-20", aggregated_by="month")
        self.assertEqual([(each["date"], each["stats"][0]["metrics"]["delivered"]) for each in month], [("2026-11-01", 0), ("2026-12-01", 0), ("2027-01-01", 2)])
        self.assertEqual([each["date"] for each in self.ask(self.api.totals, start_date="2027-01-10", limit=2, offset=1)], ["2027-01-11", "2027-01-12"])
        self.assertEqual(self.ask(self.api.totals, start_date="2027-01-16", end_date="2027-01-16")[0]["stats"][0]["metrics"]["delivered"], 0)

    def test_by_category(self) -> None:
        """Categories by name, each with type and name, zero where there is nothing; at most ten."""
        found = self.ask(self.api.by_category, start_date=TODAY, categories=["a", "none"])
        self.assertEqual([(stat["type"], stat["name"], stat["metrics"]["delivered"]) for stat in found[0]["stats"]], [("category", "a", 2), ("category", "none", 0)])
        self.refused("categories", self.api.by_category, start_date=TODAY)
        self.refused("categories", self.api.by_category, start_date=TODAY, categories=[str(n) for n in range(11)])

    def test_by_provider(self) -> None:
        """By the recipient's domain, or by the host that took mail for it; named ones with zeros, without names all that had mail; live and counted alike."""
        made = self.world.mail(To(email="ann@gmail.com"), To(email="bob@Shop.example"), To(email="cy@odd.example"))
        for place, host in enumerate(("gmail-smtp-in.l.google.com", "aspmx.l.google.com", "mx.odd.example")):
            self.world.mails[0] = Made(made.id, made.request_id, [made.recipients[place]])
            self.world.write(events.DELIVERED, 0, detail=json.dumps({"host": host}, separators=(",", ":")))
        self.world.write(events.DROPPED, 0)
        query = {"start_date": TODAY, "end_date": "2027-01-16"}
        before = self.ask(self.api.by_provider, **query)
        self.assertEqual([each["date"] for each in before], [TODAY, "2027-01-16"])
        self.assertEqual([(each["type"], each["name"], each["metrics"]["delivered"]) for each in before[0]["stats"]], [("mailbox_provider", "Gmail", 1), ("mailbox_provider", "Other", 4)])
        self.world.now += 60
        now(self, self.world.worker.turn())
        counted = self.ask(self.api.by_provider, **query)
        self.assertEqual([(each["name"], each["metrics"]["delivered"], each["metrics"]["drops"]) for each in counted[0]["stats"]], [("Gmail", 1, 0), ("Google Workspace", 1, 0), ("Other", 3, 1)])
        self.assertEqual({sum(each["metrics"].values()) for each in counted[1]["stats"]}, {0})
        named = self.ask(self.api.by_provider, **query, mailbox_providers=["Yahoo", "Gmail"])
        self.assertEqual([(each["name"], each["metrics"]["delivered"], len(each["metrics"])) for each in named[0]["stats"]], [("Yahoo", 0, 12), ("Gmail", 1, 12)])
        now(self, self.world.worker.recount(day_of(NOW)))
        self.assertEqual(self.ask(self.api.by_provider, **query), counted)
        self.assertEqual(self.ask(self.api.by_provider, start_date=TODAY, aggregated_by="month")[0]["stats"], counted[0]["stats"])
        theirs = self.ask(self.api.by_provider, who=self.world.stranger, start_date=TODAY)
        self.assertEqual([each["name"] for each in theirs[0]["stats"]], ["Other"])
        self.refused("mailbox_providers", self.api.by_provider, start_date=TODAY, mailbox_providers=[str(n) for n in range(11)])
        self.refused("start_date", self.api.by_provider)

    def test_large_answers(self) -> None:
        """What is made beside the reactor, because it is large, says the same."""
        few = self.ask(self.api.all_categories, start_date=TODAY)
        self.patch(statistics_api, "FEW", 0)
        self.assertEqual(self.ask(self.api.all_categories, start_date=TODAY), few)

    def test_sums(self) -> None:
        """One object with the categories sorted by a metric."""
        found = self.ask(self.api.sums, start_date="2027-01-01")
        self.assertEqual((found["date"], [stat["name"] for stat in found["stats"]]), ("2027-01-01", ["a", "b"]))
        self.assertEqual([stat["name"] for stat in self.ask(self.api.sums, start_date=TODAY, sort_by_direction="asc", limit=1)["stats"]], ["b"])
        self.refused("sort_by_metric", self.api.sums, start_date=TODAY, sort_by_metric="odd")
        self.refused("sort_by_direction", self.api.sums, start_date=TODAY, sort_by_direction="up")

    def test_categories(self) -> None:
        """The names in order, by prefix and pages; a sort that is none is refused in SendGrid's words."""
        self.assertEqual(self.ask(self.api.categories), [{"category": "a"}, {"category": "b"}])
        self.world.now += 60
        now(self, self.world.worker.turn())
        self.assertEqual(self.ask(self.api.categories, category="b"), [{"category": "b"}])
        self.assertEqual(self.ask(self.api.categories, limit=1, offset=1), [{"category": "b"}])
        error = self.assertRaises(Invalid, self.ask, self.api.categories, sort_by="odd")
        self.assertEqual((error.faults[0].message, error.faults[0].field), ("invalid sort value", "sort_by"))

    def test_ours(self) -> None:
        """The sum, the summary with rates and what machines did, and every category, of the last 30 days."""
        total = self.ask(self.api.sum)
        self.assertEqual((total["date"], total["stats"][0]["metrics"]["delivered"]), ("2026-12-17", 2))
        summary = self.ask(self.api.summary, start_date=TODAY)
        self.assertEqual((summary["metrics"]["machine_opens"], summary["rates"]["delivered"], summary["rates"]["opened"]), (1, 0.5, 0.5))
        self.assertIsNone(self.ask(self.api.summary, start_date="2027-01-16", end_date="2027-01-16")["rates"]["delivered"])
        self.assertEqual([stat["name"] for stat in self.ask(self.api.all_categories, start_date=TODAY)[0]["stats"]], ["a", "b"])

    def test_refusals(self) -> None:
        """Spans that are none, or too long, with their fields."""
        for field, query in (
            ("start_date", {}), ("start_date", {"start_date": "15.01.2027"}), ("end_date", {"start_date": TODAY, "end_date": "2027-01-14"}),
            ("aggregated_by", {"start_date": TODAY, "aggregated_by": "year"}), ("start_date", {"start_date": "1999-01-01"}), ("end_date", {"start_date": TODAY, "end_date": "x"}),
            ("limit", {"start_date": TODAY, "limit": "x"}),
        ):
            self.refused(field, self.api.totals, **query)

    def test_another_tenant(self) -> None:
        """A tenant sees its own numbers and categories alone."""
        (theirs,) = self.ask(self.api.totals, who=self.world.stranger, start_date=TODAY)
        self.assertEqual((theirs["stats"][0]["metrics"]["requests"], theirs["stats"][0]["metrics"]["delivered"]), (1, 0))
        self.assertEqual(self.ask(self.api.categories, who=self.world.stranger), [{"category": "a"}])
