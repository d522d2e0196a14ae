from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.storage.pausing import pause, until
from tests.base import PlainTestCase


class PausingTests(PlainTestCase):
    def test_pause(self) -> None:
        """A pause takes its time."""
        clock = Clock()
        over = Deferred.fromCoroutine(pause(clock, 2.0))
        clock.advance(1.9)
        self.assertNoResult(over)
        clock.advance(0.1)
        self.assertIsNone(self.successResultOf(over))

    def test_until(self) -> None:
        """It waits until it is so, or the limit is over, and says which; what is so already is not waited for."""
        clock, is_so = Clock(), [False]
        first = Deferred.fromCoroutine(until(clock, lambda: is_so[0], 1.0))
        second = Deferred.fromCoroutine(until(clock, lambda: False, 1.0))
        clock.pump([0.05] * 4)
        self.assertNoResult(first)
        is_so[0] = True
        clock.pump([0.05] * 2)
        self.assertTrue(self.successResultOf(first))
        clock.pump([0.05] * 20)
        self.assertFalse(self.successResultOf(second))
        self.assertTrue(self.successResultOf(Deferred.fromCoroutine(until(clock, lambda: True, 0.0))))
