from scaisend.delivery.lanes import ALONE, Lanes, Others, Override
from scaisend.delivery.shaping import CONNECTIONS, NOTHING, RATE, Learning, Shape
from scaisend.delivery.sources import Source
from tests.base import PlainTestCase

FIRST, SECOND = Source("192.0.2.1", "a.test"), Source("192.0.2.2", "b.test")
MX = "mx.test"


class LanesTests(PlainTestCase):
    def setUp(self):
        super().setUp()
        self.now = 1_000_000.0
        self.lanes = Lanes(clock=lambda: self.now, learning=Learning(step_s=60.0, most=5))
        self.lane = self.lanes.lane(FIRST, MX)

    def minutes(self, count, per_minute, connections=None):
        """So long so many mails go a minute."""
        for second in range(count * 60):
            self.now += 1
            self.lane.sent += per_minute * (second % 60 + 1) // 60 - per_minute * (second % 60) // 60
            if connections is not None:
                self.lane.connections = connections
            self.lanes.tick()

    def test_an_open_lane_takes_all(self):
        """Without a complaint nothing holds a mail, and all are counted."""
        self.assertTrue(all(self.lanes.take(self.lane) for _ in range(10_000)))
        self.assertEqual((self.lane.sent, self.lanes.budget([FIRST], MX)), (10_000, float("inf")))

    def test_a_rate_is_kept(self):
        """Mails go evenly, at most two seconds' worth at once."""
        self.lanes.override_all({MX: Override(rate=60.0)})
        gone = 0
        for _ in range(600):
            self.now += 0.1
            while self.lanes.take(self.lane):
                gone += 1
        self.assertIn(gone, range(59, 63))
        self.now += 3_600
        self.assertEqual(sum(self.lanes.take(self.lane) for _ in range(100)), 2)

    def test_a_slow_rate_still_moves(self):
        """Two mails a minute are one in thirty seconds, not none."""
        self.lanes.override_all({"*": Override(rate=2.0)})
        gone = []
        for second in range(120):
            self.now += 1
            if self.lanes.take(self.lane):
                gone.append(second)
        self.assertIn(len(gone), (4, 5))

    def test_complaints_cut_and_are_told(self):
        """The limit falls at once, with the reply as its reason, and waits to be told to others."""
        self.minutes(1, 100, connections=2)
        self.assertEqual(self.lanes.complained(self.lane, 421, "4.7.28", "unusual rate of unsolicited mail"), RATE)
        self.assertEqual(self.lane.shape.rate, 50.0)
        change = self.lanes.changes[-1]
        self.assertEqual((change.before, change.after), ("2 connections, any rate", "2 connections, 50 mails a minute"))
        self.assertIn("unusual rate", change.reason)
        self.assertEqual(list(self.lanes.proposed), [("192.0.2.1", MX)])

    def test_greylisting_lowers_nothing(self):
        """Nor a 5xx, nor silence."""
        for code, text in ((451, "greylisted, try again in 300 seconds"), (550, "too many connections"), (None, "connection lost")):
            self.assertEqual(self.lanes.complained(self.lane, code, None, text), NOTHING)
        self.assertEqual((self.lane.shape, list(self.lanes.changes)), (Shape(), []))

    def test_a_refused_connection_tells_the_number(self):
        """With three open ones, the fourth that is refused says: three."""
        self.lane.shape = Shape(connections=5)
        self.lane.connections = 3
        self.assertEqual(self.lanes.complained(self.lane, 421, None, "too many connections from your host", refused=True), CONNECTIONS)
        self.assertEqual((self.lane.most, self.lanes.room([FIRST], MX)), (3, 0))

    def test_it_rises_when_used(self):
        """Step by step, as long as it is used."""
        self.minutes(1, 100, connections=2)
        self.lanes.complained(self.lane, 451, "4.7.28", "rate")
        rates = []
        for _ in range(4):
            self.minutes(1, int(self.lane.shape.rate), connections=2)
            rates.append(round(self.lane.shape.rate, 1))
        self.assertEqual(rates, sorted(rates))
        self.assertGreater(rates[-1], 80)

    def test_mails_that_go_well_open_connections(self):
        """Ten for each, to the most of this process."""
        for _ in range(100):
            self.lanes.judged(self.lane)
        self.assertEqual((self.lane.most, len(self.lanes.changes)), (5, 3))

    def test_processes_share(self):
        """A cut limit is divided; an uncut one is each process's own."""
        self.lanes.adopt(self.lane, Shape(connections=3, rate=90.0, cut_at=self.now), Others(2, 60.0, 2, 1))
        self.assertEqual((self.lane.most, self.lane.rate), (1, 45.0))
        self.lanes.adopt(self.lane, Shape(connections=3), Others(2, 60.0, 2, 1))
        self.assertEqual((self.lane.most, self.lane.is_limited), (3, False))
        self.lanes.adopt(self.lane, Shape(connections=3, rate=90.0, cut_at=self.now), ALONE)
        self.assertEqual((self.lane.most, self.lane.rate), (3, 90.0))

    def test_the_operator_goes_before(self):
        """An override stands before what is learned, also where nothing is."""
        self.lanes.adopt(self.lane, Shape(connections=1, rate=5.0, cut_at=self.now), ALONE)
        self.lanes.override_all({MX: Override(4, 600.0), "*": Override(1)})
        self.assertEqual((self.lane.most, self.lane.rate), (4, 600.0))
        self.assertEqual(self.lanes.lane(FIRST, "other.test").most, 1)
        off = Lanes(clock=lambda: self.now, learning=None)
        self.assertEqual(off.complained(off.lane(FIRST, MX), 421, None, "too many connections"), CONNECTIONS)
        self.assertGreater(off.lane(FIRST, MX).most, 1_000)
        off.override_all({MX: Override(2, None)})
        self.assertEqual(off.lane(FIRST, MX).most, 2)

    def test_warming_addresses_overflow(self):
        """A warming address takes what its plan leaves, and then the warm one all."""
        self.lanes.warming["192.0.2.1"] = 2
        self.assertEqual([self.lanes.take(self.lane) for _ in range(3)], [True, True, False])
        self.assertFalse(self.lanes.may_take(self.lane))
        for chance in (0.0, 0.5, 0.99):
            self.assertEqual(self.lanes.best([FIRST, SECOND], MX, chance)[1], SECOND)
        self.assertEqual((self.lanes.room([FIRST], MX), self.lanes.budget([FIRST], MX)), (0, 0))
        self.assertEqual(self.lanes.room([FIRST, SECOND], MX), 2)

    def test_what_was_learned_outlives_the_lane(self):
        """A lane unused for a minute goes, what it learned stays; a restored shape is the start of a new one."""
        self.minutes(1, 100, connections=2)
        self.lanes.complained(self.lane, 451, "4.7.28", "rate")
        self.lane.connections = 0
        self.lanes.proposed.clear()
        self.minutes(3, 0)
        self.assertEqual(self.lanes.active(), [])
        self.assertEqual(self.lanes.lane(FIRST, MX).shape.rate, 50.0)
        self.lanes.restore({("192.0.2.2", MX): Shape(1, 10.0, cut_at=self.now)})
        self.assertEqual(self.lanes.lane(SECOND, MX).rate, 10.0)

    def test_the_best_source_has_room(self):
        """Full lanes come last, at random among the others."""
        self.lane.connections = 2
        self.assertEqual(self.lanes.best([FIRST, SECOND], MX, 0.0)[1], SECOND)
        self.lanes.lane(SECOND, MX).connections = 1
        self.assertEqual(self.lanes.best([FIRST, SECOND], MX, 0.99)[1], SECOND)
