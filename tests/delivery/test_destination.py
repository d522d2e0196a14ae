from scaisend.delivery.destination import LONGEST_DELAY_S, Backoff
from tests.base import PlainTestCase


class BackoffTests(PlainTestCase):
    def test_the_delay_doubles_up_to_its_end(self):
        """10 to 30 s first, about a quarter of an hour at most."""
        backoff, now, delays = Backoff(), 1000.0, []
        for _ in range(12):
            self.assertTrue(backoff.failed(now, "421 busy", 0.5))
            delays.append(backoff.retry_at - now)
            now = backoff.retry_at
            self.assertFalse(backoff.holds(now))
        self.assertEqual(delays[:4], [15.0, 30.0, 60.0, 120.0])
        self.assertEqual(delays[-1], LONGEST_DELAY_S)
        for jitter in (0.0, 0.999):
            first = Backoff()
            first.failed(0.0, "x", jitter)
            self.assertTrue(10.0 <= first.retry_at <= 30.0)

    def test_failures_at_the_same_time_are_one(self):
        """Five connections that meet the same trouble do not make it five times worse."""
        backoff = Backoff()
        self.assertEqual([backoff.failed(0.0, "x", 0.0) for _ in range(5)], [True, False, False, False, False])
        self.assertEqual(backoff.failures, 1)

    def test_a_host_that_is_full_of_us_is_not_left_alone_for_long(self):
        """However often it refuses one more connection beside those of our other processes; other failures go on counting."""
        backoff, now, delays = Backoff(), 1000.0, []
        for crowded in (True, True, True, False, True, False):
            backoff.failed(now, "421 too many", 0.5, crowded=crowded)
            delays.append(backoff.retry_at - now)
            now = backoff.retry_at
        self.assertEqual(delays, [15.0, 15.0, 15.0, 30.0, 15.0, 60.0])
        self.assertTrue(backoff.succeeded(now))

    def test_success_counts_only_when_the_time_has_come(self):
        """A mail that was under way while others failed proves nothing."""
        backoff = Backoff()
        backoff.failed(0.0, "x", 0.5)
        self.assertFalse(backoff.succeeded(1.0))
        self.assertTrue(backoff.succeeded(16.0))
        self.assertEqual((backoff.failures, backoff.last_reply), (0, None))
        self.assertFalse(backoff.succeeded(17.0))

    def test_a_fault_of_ours_is_not_counted(self):
        """It only holds."""
        backoff = Backoff()
        backoff.hold(30.0, "cannot bind")
        self.assertEqual((backoff.holds(29.0), backoff.holds(30.0), backoff.failures), (True, False, 0))

    def test_only_a_throttle_stops_open_connections(self):
        """And only until its time is over; a later failure of another kind does not."""
        backoff = Backoff()
        backoff.failed(0.0, "connection refused", 0.0)
        self.assertFalse(backoff.stops(1.0))
        backoff.failed(1.0, "450 4.7.28 slow down", 0.0, throttled=True)
        self.assertEqual((backoff.stops(1.0), backoff.stops(100.0)), (True, False))
        backoff.failed(100.0, "connection refused", 0.0)
        self.assertFalse(backoff.stops(101.0))
