from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.faults import Unavailable
from scaisend.storage.sweeping import Sweeping
from tests.base import PlainTestCase


class SweepingTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.turns = 0
        self.fault: Exception | None = None
        self.wait: Deferred[None] | None = None
        self.sweeping = Sweeping("a sweep", self.turn, interval_s=2.0, reactor=self.clock)

    async def turn(self) -> None:
        self.turns += 1
        if self.fault:
            raise self.fault
        if self.wait:
            await self.wait

    def test_turns(self) -> None:
        """The first turn comes at once, then one an interval, none after the stop."""
        self.sweeping.startService()
        self.assertEqual(self.turns, 1)
        self.clock.pump([2, 2])
        self.assertEqual(self.turns, 3)
        self.sweeping.stopService()
        self.clock.advance(10)
        self.assertEqual(self.turns, 3)
        self.sweeping.stopService()

    def test_faults(self) -> None:
        """A turn that fails is counted, a bug is logged, and the next turn comes."""
        self.fault = Unavailable("database")
        self.sweeping.startService()
        self.fault = ValueError("a bug")
        self.clock.advance(2)
        self.fault = None
        self.clock.advance(2)
        self.assertEqual((self.turns, self.sweeping.failures, len(self.flushLoggedErrors(ValueError))), (3, 2, 1))

    def test_a_slow_turn(self) -> None:
        """A turn that takes longer than the interval is not overtaken."""
        self.wait = Deferred()
        self.sweeping.startService()
        self.clock.pump([2, 2, 2])
        self.assertEqual(self.turns, 1)
        self.wait.callback(None)
        self.wait = None
        self.clock.advance(2)
        self.assertEqual(self.turns, 2)
