from hypothesis import given
from hypothesis import strategies as some

from scaisend.delivery.shaping import (
    BOTH,
    CONNECTIONS,
    FORGOTTEN_S,
    GRACE_S,
    LEAST_RATE,
    NOTHING,
    RATE,
    START,
    START_EVERY,
    Learning,
    Shape,
    Use,
    cut,
    described,
    risen,
    share,
    started,
)
from tests.base import PlainTestCase

NOW = 1_000_000.0
LEARNING = Learning(step_s=60.0, most=5)


def shapes():
    """Any shape that is cut."""
    return some.builds(
        Shape, connections=some.integers(1, 200), rate=some.none() | some.floats(LEAST_RATE, 1e6), connections_knee=some.none() | some.integers(2, 200),
        rate_knee=some.none() | some.floats(LEAST_RATE, 1e6), cut_at=some.just(NOW), risen_at=some.just(NOW), reason=some.just("x"),
    )


def uses():
    return some.builds(Use, connections=some.integers(0, 200), per_minute=some.floats(0, 1e6), processes=some.integers(1, 20))


class StartTests(PlainTestCase):
    def test_a_safe_start(self):
        """Two connections, one more for ten mails that were judged, to the most of a process; then nothing changes."""
        shape = Shape()
        self.assertEqual((shape.connections, shape.rate), (START, None))
        self.assertIs(started(shape, START_EVERY - 1, LEARNING, NOW), shape)
        for expected in (3, 4, 5, 5):
            shape = started(shape, START_EVERY, LEARNING, NOW)
            self.assertEqual(shape.connections, expected)

    def test_a_cut_shape_does_not_start(self):
        """After a complaint only time raises it."""
        shape = Shape(connections=1, cut_at=NOW)
        self.assertIs(started(shape, 1_000, LEARNING, NOW), shape)


class CutTests(PlainTestCase):
    def test_what_is_cut(self):
        """Connections, the rate, or both: to half of what was in use; where one connection more was refused, to those that stand."""
        for what, use, refused, connections, rate in (
            (CONNECTIONS, Use(4, 600.0), False, 2, None), (CONNECTIONS, Use(4, 600.0), True, 4, None), (CONNECTIONS, Use(0, 0.0), True, 1, None),
            (RATE, Use(4, 600.0), False, 4, 300.0), (BOTH, Use(4, 600.0), False, 2, 300.0), (BOTH, Use(1, 1.0), False, 1, None), (RATE, Use(1, 1.0), False, 1, LEAST_RATE),
        ):
            shape = cut(Shape(connections=5), what, use, "421 no", NOW, refused=refused)
            self.assertEqual((shape.connections, shape.rate, shape.reason), (connections, rate, "421 no"), (what, use, refused))

    def test_greylisting_changes_nothing(self):
        """Nor does anything else that is no complaint."""
        shape = Shape(connections=5)
        self.assertIs(cut(shape, NOTHING, Use(5, 600.0), "450 greylisted", NOW), shape)

    def test_replies_to_what_was_under_way_cut_once(self):
        """Ten complaints at once are one; the next cut comes when they are past."""
        shape = cut(Shape(connections=5), BOTH, Use(4, 600.0), "first", NOW)
        self.assertIs(cut(shape, BOTH, Use(4, 600.0), "second", NOW + GRACE_S - 0.1), shape)
        self.assertEqual(cut(shape, BOTH, Use(2, 300.0), "third", NOW + GRACE_S).rate, 150.0)

    @given(shapes(), some.sampled_from((CONNECTIONS, RATE, BOTH)), uses(), some.booleans())
    def test_a_cut_never_raises(self, shape, what, use, refused):
        """No limit is higher after a cut, none falls under its least, and its reason is kept."""
        after = cut(shape, what, use, "said", NOW + GRACE_S, refused=refused)
        self.assertLessEqual(after.connections, shape.connections)
        self.assertGreaterEqual(after.connections, 1)
        if shape.rate is not None:
            self.assertIsNotNone(after.rate)
            self.assertLessEqual(after.rate, max(shape.rate, LEAST_RATE))
        if after.rate is not None:
            self.assertGreaterEqual(after.rate, LEAST_RATE)
        self.assertEqual((after.reason, after.cut_at), ("said", NOW + GRACE_S))


class RiseTests(PlainTestCase):
    def test_only_what_was_used_rises(self):
        """A limit that nothing came near to is not known to be too low."""
        shape = Shape(connections=2, rate=100.0, rate_knee=200.0, cut_at=NOW, risen_at=NOW)
        self.assertIs(risen(shape, Use(2, 90.0), LEARNING, NOW + 59), shape)
        self.assertIs(risen(shape, Use(1, 70.0), LEARNING, NOW + 60), shape)
        after = risen(shape, Use(2, 90.0), LEARNING, NOW + 60)
        self.assertEqual((after.connections, after.rate), (3, 125.0))

    def test_the_first_complaint_is_no_measure(self):
        """Little was seen of a host that complains at once: the rate rises by halves until it complains again, and that is the knee."""
        shape = cut(Shape(), RATE, Use(2, 24.0), "451 rate", NOW)
        self.assertEqual((shape.rate, shape.rate_knee), (12.0, None))
        shape = risen(shape, Use(2, 12.0), LEARNING, NOW + 60)
        self.assertEqual(shape.rate, 18.0)
        again = cut(shape, RATE, Use(2, 18.0), "451 rate", NOW + 61)
        self.assertEqual((again.rate, again.rate_knee), (9.0, 18.0))

    def test_slowly_past_the_knee(self):
        """Near where it was too much the steps are small, behind it larger again."""
        steps = {}
        for rate in (100.0, 195.0, 230.0):
            shape = Shape(connections=2, rate=rate, rate_knee=200.0, cut_at=NOW, risen_at=NOW)
            steps[rate] = round(risen(shape, Use(2, rate), LEARNING, NOW + 60).rate / rate, 4)
        self.assertEqual(steps, {100.0: 1.25, 195.0: 1.025, 230.0: 1.1})

    def test_the_number_that_was_too_much_is_tried_late(self):
        """Ten steps after the cut."""
        shape = Shape(connections=3, connections_knee=4, cut_at=NOW, risen_at=NOW)
        self.assertIs(risen(shape, Use(3, 10.0), LEARNING, NOW + 540), shape)
        self.assertEqual(risen(shape, Use(3, 10.0), LEARNING, NOW + 600).connections, 4)

    def test_what_is_long_past_is_forgotten(self):
        """A day without complaint opens the rate; a rate far over its knee is none."""
        shape = Shape(connections=3, rate=50.0, rate_knee=50.0, cut_at=NOW, risen_at=NOW)
        self.assertEqual(risen(shape, Use(0, 0.0), LEARNING, NOW + FORGOTTEN_S), Shape(3, risen_at=NOW + FORGOTTEN_S, reason="no complaint for a day"))
        far = Shape(connections=3, rate=1_000.0, rate_knee=50.0, cut_at=NOW, risen_at=NOW)
        self.assertIsNone(risen(far, Use(0, 1_000.0), LEARNING, NOW + 60).rate)

    @given(shapes(), uses(), some.floats(0, 2 * FORGOTTEN_S))
    def test_a_rise_is_one_step(self, shape, use, passed):
        """At most one connection and a quarter of the rate, half of it before the knee is known, and nothing ever falls."""
        after = risen(shape, use, LEARNING, NOW + passed)
        self.assertIn(after.connections - shape.connections, (0, 1))
        if shape.rate is not None and after.rate is not None:
            self.assertGreaterEqual(after.rate, shape.rate)
            self.assertLessEqual(after.rate, shape.rate * (1.5 if shape.rate_knee is None else 1.25))

    @given(some.floats(5.0, 5_000.0), some.integers(1, 20))
    def test_it_converges(self, host_rate, host_connections):
        """Against a host with limits of its own: after some hours the rate stays within 40 % to 120 % of them, with few complaints."""
        learning = Learning(step_s=60.0, most=20)
        shape, complaints, last = Shape(connections=20), 0, []
        for minute in range(900):
            now = NOW + minute * 60
            rate = min(shape.rate if shape.rate is not None else 1e5, 1e5)
            if shape.connections > host_connections:
                shape = cut(shape, CONNECTIONS, Use(host_connections, rate), "421 too many connections", now, refused=True)
                complaints += minute > 600
            elif rate > host_rate:
                shape = cut(shape, RATE, Use(shape.connections, rate), "451 rate", now)
                complaints += minute > 600
            else:
                shape = risen(shape, Use(shape.connections, rate), learning, now)
            if minute > 600:
                last.append(shape.rate if shape.rate is not None else 1e5)
        self.assertLessEqual(shape.connections, host_connections + 1)
        self.assertTrue(all(0.4 * host_rate <= rate <= 1.26 * host_rate for rate in last), (host_rate, min(last), max(last)))
        self.assertLessEqual(complaints, 60)


class ShareTests(PlainTestCase):
    @given(some.integers(0, 500), some.integers(1, 50))
    def test_shares_are_the_whole(self, total, processes):
        """However many processes share, together they have what there is, and no two differ by more than one."""
        shares = [share(total, processes, rank) for rank in range(processes)]
        self.assertEqual(sum(shares), total)
        self.assertLessEqual(max(shares) - min(shares), 1)

    def test_words(self):
        """What a person reads."""
        self.assertEqual(described(Shape(2, 12.34567)), "2 connections, 12.35 mails a minute")
        self.assertEqual(described(Shape(5)), "5 connections, any rate")
