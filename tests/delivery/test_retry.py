from scaisend.delivery.retry import retry_delay_s
from tests.base import PlainTestCase


class RetryTests(PlainTestCase):
    def test_the_delay_doubles_with_each_try(self):
        """And jitter adds up to as much again."""
        self.assertEqual([retry_delay_s(tries, 5, 60.0, 0.0) for tries in range(1, 6)], [60.0, 120.0, 240.0, 480.0, 960.0])
        self.assertEqual(retry_delay_s(1, 5, 60.0, 0.5), 90.0)

    def test_retries_are_used_up(self):
        """After `limit` tries there is no other; a limit of 0 means none at all; many tries do not overflow."""
        self.assertIsNone(retry_delay_s(6, 5, 60.0, 0.0))
        self.assertIsNone(retry_delay_s(1, 0, 60.0, 0.0))
        self.assertIsNotNone(retry_delay_s(10**6, 10**7, 60.0, 0.0))
