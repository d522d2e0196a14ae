"""Limits of one process."""

from twisted.internet.task import Clock

from scaisend.storage import memory_limiter
from scaisend.storage.limiter import Limit
from scaisend.storage.memory_limiter import MemoryLimiter
from tests.base import PlainTestCase, ReactorTestCase
from tests.storage.contract_limiter import LimiterContract


class MemoryLimiterContractTests(LimiterContract, ReactorTestCase):
    """The contract."""

    async def open(self) -> None:
        self.limiter = MemoryLimiter(clock=self.now_s)

    def now_s(self) -> float:
        return 1_800_000_000.0


class WindowTests(PlainTestCase):
    """Windows in time, and the bound of memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.limiter = MemoryLimiter(clock=self.clock.seconds)

    def test_a_new_window(self) -> None:
        """When the window ends all is allowed again."""
        limit = Limit(1, 60)
        self.clock.advance(59.5)
        self.assertTrue(self.limiter.take_now("a", limit).allowed)
        refused = self.limiter.take_now("a", limit)
        self.assertEqual((refused.allowed, refused.reset_at, refused.retry_after_s), (False, 60.0, 1))
        self.clock.advance(0.5)
        self.assertTrue(self.limiter.take_now("a", limit).allowed)

    def test_memory_is_bounded(self) -> None:
        """Ended windows are forgotten, then the oldest."""
        limit = Limit(1, 60)
        for each in range(memory_limiter.MOST_KEYS + 10):
            self.limiter.take_now(f"key{each}", limit)
        self.assertLessEqual(len(self.limiter._windows), memory_limiter.MOST_KEYS)
        self.assertFalse(self.limiter.take_now(f"key{memory_limiter.MOST_KEYS}", limit).allowed)
