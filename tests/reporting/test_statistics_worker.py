from collections import Counter
from datetime import date

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.messages import event as events
from scaisend.messages.store import EventRow, insert_events_across_tenants
from scaisend.reporting import statistics_worker
from scaisend.reporting.counts import ALL, CATEGORY, COLUMNS, Counts
from scaisend.reporting.periods import DAY, MONTH, day_of, start_of
from scaisend.reporting.statistics_store import live_counts
from scaisend.reporting.statistics_worker import LAG_S, REST_S, StatisticsWorker, count_next
from scaisend.reporting.sums_store import replace_day_across_tenants
from scaisend.storage.database import Txn
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, World
from tests.world.messages import Made, To
from tests.world.tenants import now

DAY_S = 86_400
KINDS = (events.PROCESSED, events.DELIVERED, events.DEFERRED, events.BOUNCE, events.BLOCKED, events.OPEN, events.CLICK, events.SPAM_REPORT, events.DROPPED)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.sampled_from(KINDS), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("late"), st.sampled_from(KINDS), st.integers(0, 3), st.integers(1, 400)),
        st.tuples(st.just("wait"), st.sampled_from([1, 15, 25, 300, 3_600, 40_000])),
        st.sampled_from([("turn",), ("crash",), ("lost",), ("recount",), ("torn",)]),
    ),
    min_size=5, max_size=40,
)


class Statistics(World):
    """A world whose events are written straight into their table, at any moment, with ids as old as one likes."""

    def __init__(self) -> None:
        super().__init__()
        self.worker = StatisticsWorker(database=self.database, now_s=lambda: self.now, reached=self.reached)
        self.fails_at = ""
        self.seq = 100
        self.mails: list[Made] = [
            self.mail(To(), categories=["a", "b"]), self.mail(To(), To(email="b@example.net")), self.mail(To(), categories=["a"]),
            self.mail(To(), tenant_id=self.other.id, categories=["a"]),
        ]

    def reached(self, point: str) -> None:
        if point == self.fails_at:
            raise ZeroDivisionError

    def write(self, kind: str, place: int, *, age_s: float = 0.0, machine: bool = False, detail: str | None = None) -> None:
        """An event that is committed now and has an id that was made so long ago."""
        made, tenant_id = self.mails[place], self.other.id if place == 3 else self.tenant.id
        self.seq += 1
        shown, self.now = self.now, self.now - age_s
        event_id = self.ids.new("evt", tenant_id)
        happened_at, self.now = self.now, shown
        text = detail or ('{"machine":true}' if machine and kind in (events.OPEN, events.CLICK) else '{"list":"bounces"}' if kind == events.DROPPED else None)
        row = EventRow(event_id, tenant_id, made.id, made.recipients[0], self.seq, kind, happened_at, text)
        self.database.now(insert_events_across_tenants, [row])

    def counted(self, tenant_id: str, *, before: str = "9999-99-99") -> dict[tuple[str, str, str], int]:
        """What the API would say of all mail and of every category; whole months say the same."""
        days: Counter[tuple[str, str, str]] = Counter()
        months: Counter[tuple[str, str, str]] = Counter()
        for kind in (ALL, CATEGORY):
            for by, sums in ((DAY, days), (MONTH, months)):
                for each in self.database.now(live_counts, tenant_id, date(1970, 1, 1), date(9998, 12, 31), kind, None, self.now, by=by):
                    for metric, value in zip(COLUMNS, each.values, strict=True):
                        sums[(each.period if by == DAY else each.period[:7], each.name, metric)] += value
        by_month: Counter[tuple[str, str, str]] = Counter()
        for (day, name, metric), value in days.items():
            by_month[(day[:7], name, metric)] += value
        assert +by_month == +months, (by_month, months)
        return {key: value for key, value in days.items() if value and key[0] < before}

    def expected(self, tenant_id: str, *, before: str = "9999-99-99") -> dict[tuple[str, str, str], int]:
        """The same, counted one by one."""
        rows = self.database.rows(
            "SELECT e.type, e.happened_at, e.detail, e.recipient_id, m.categories FROM events e JOIN messages m ON m.id = e.message_id "
            "WHERE e.tenant_id = ? ORDER BY e.message_id, e.seq", tenant_id,
        )
        names = {"delivered": "delivered", "deferred": "deferred", "bounce": "bounces", "blocked": "blocks", "spam_report": "spam_reports"}
        counts: Counter[tuple[str, str, str]] = Counter()
        seen: set[tuple[str, str]] = set()
        for kind, at, detail, recipient, categories in rows:
            day = day_of(at / 1e6).isoformat()
            machine = bool(detail) and orjson.loads(detail).get("machine") is True
            metrics = [names[kind]] if kind in names else []
            if kind == "processed":
                metrics = ["processed", "requests"]
            elif kind == "dropped":
                metrics = ["bounce_drops"] + ([] if (recipient, "processed") in seen else ["requests"])
            elif kind in ("open", "click"):
                metrics = [f"machine_{kind}s"] if machine else [f"{kind}s"] + ([] if (recipient, kind) in seen else [f"unique_{kind}s"])
            if not machine:
                seen.add((recipient, kind))
            for category in ["", *(orjson.loads(categories) if categories else [])]:
                for metric in metrics:
                    counts[(day, category, metric)] += 1
        return {key: value for key, value in counts.items() if key[0] < before}


class CountingTests(PlainTestCase):
    @settings(deadline=None, max_examples=60)
    @given(STEPS)
    def test_exact_whatever_happens(self, steps: list[tuple]) -> None:  # type: ignore[type-arg]
        """Through crashes before and after commits, at any moment, the live numbers equal a recount; late commits are in once their day is over."""
        world = Statistics()
        late = False
        self.patch(statistics_worker, "EVENTS_A_ROUND", 4)
        for step in steps:
            if step[0] == "event":
                world.write(step[1], step[2], machine=step[3])
            elif step[0] == "late":
                world.write(step[1], step[2], age_s=float(step[3]))
                late = late or step[3] >= LAG_S
            elif step[0] == "wait":
                world.now += step[1]
            else:
                self.step(world, step[0])
            if not late:
                for tenant in (world.tenant, world.other):
                    self.assertEqual(world.counted(tenant.id), world.expected(tenant.id))
        world.now += LAG_S + 1
        now(self, world.worker.turn())
        # Two days later every day before yesterday is exact, whatever came late.
        world.now += 2 * DAY_S + REST_S
        for _ in range(5):
            now(self, world.worker.turn())
        today = day_of(world.now).isoformat()
        for tenant in (world.tenant, world.other):
            self.assertEqual(world.counted(tenant.id, before=today), world.expected(tenant.id, before=today))
        world.database.close()

    def step(self, world: Statistics, name: str) -> None:
        if name == "turn":
            now(self, world.worker.turn())
        elif name == "crash":
            self.assertRaises(ZeroDivisionError, world.database.now, crash, world.now)
        elif name == "lost":
            world.database.lost_commits = 1
            try:
                now(self, world.worker.turn())
            except Exception as error:
                self.assertEqual(type(error).__name__, "Unavailable")
            world.database.lost_commits = 0
        elif name == "torn":
            world.fails_at = "statistics.recounted"
            self.assertRaises(ZeroDivisionError, now, self, world.worker.recount(day_of(world.now)))
            world.fails_at = ""
            self.assertRaises(ZeroDivisionError, world.database.now, torn, day_of(world.now))
        else:
            now(self, world.worker.recount(day_of(world.now)))

    def test_a_day_is_put_right(self) -> None:
        """A day whose numbers were spoiled, or missed a late commit, is right after it was counted again; other days are not touched."""
        world = Statistics()
        world.now = start_of(day_of(NOW)) + 1000
        world.write(events.DELIVERED, 0)
        world.now += LAG_S + 1
        now(self, world.worker.turn())
        world.write(events.DELIVERED, 0, age_s=LAG_S + 5)
        now(self, world.worker.turn())
        self.assertNotEqual(world.counted(world.tenant.id), world.expected(world.tenant.id))
        world.database.connection.execute("UPDATE statistics_sums SET processed = processed + 7")
        for span, period in (("day", day_of(world.now)), ("month", day_of(world.now).replace(day=1))):
            world.database.connection.execute(
                "INSERT INTO statistics_sums (tenant_id, span, kind, period, name, opens) VALUES (?, ?, 'category', ?, 'ghost', 3)",
                (world.tenant.id, span, period.isoformat()),
            )
        self.assertGreater(now(self, world.worker.recount(day_of(world.now))), 0)
        self.assertEqual(world.counted(world.tenant.id), world.expected(world.tenant.id))
        self.assertEqual(now(self, world.worker.recount(day_of(world.now))), 0)

    def test_days_in_line(self) -> None:
        """A new installation counts nothing again; after three days at rest each is counted again, oldest first, one a turn."""
        world = Statistics()
        world.now = start_of(day_of(NOW)) + 2 * REST_S
        now(self, world.worker.turn())
        marks = []
        world.now += 3 * DAY_S
        for _ in range(4):
            now(self, world.worker.turn())
            marks.append(world.database.rows("SELECT value FROM statistics_marks WHERE id = 'sums_recounted'")[0][0])
        first = day_of(NOW)
        self.assertEqual(marks, [first.isoformat(), *[day_of(NOW + n * DAY_S).isoformat() for n in (1, 2, 2)]])

    def test_a_first_turn_that_is_lost(self) -> None:
        """The day on which counting began is counted again too, though the first turn died behind its first numbers."""
        world = Statistics()
        world.now += LAG_S + 5
        self.step(world, "lost")
        world.write(events.DELIVERED, 0, age_s=LAG_S + 6)
        world.now += DAY_S + REST_S
        for _ in range(2):
            now(self, world.worker.turn())
        self.assertEqual(world.counted(world.tenant.id), world.expected(world.tenant.id))

    def test_fresh_events_are_live(self) -> None:
        """An event is in the numbers at once, and counted only when it is old enough."""
        world = Statistics()
        world.write(events.DELIVERED, 0)
        now(self, world.worker.turn())
        self.assertEqual(world.database.rows("SELECT COUNT(*) FROM statistics_sums"), [(0,)])
        self.assertEqual(world.counted(world.tenant.id)[(day_of(world.now).isoformat(), "a", "delivered")], 1)


def torn(txn: Txn, day: date) -> None:
    """The process dies when it has put a day and its month right, before it commits."""
    replace_day_across_tenants(txn, day.isoformat(), Counts())
    raise ZeroDivisionError


def crash(txn: Txn, at: float) -> None:
    """The process dies when it has counted, before it commits."""
    count_next(txn, at)
    raise ZeroDivisionError
