from twisted.internet.task import Clock

from scaisend.faults import Unavailable
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.pushing import MOST_AT_ONCE, Pushing
from tests.base import PlainTestCase
from tests.world.tenants import now


class PushingTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.queue = MemoryQueue(reactor=self.clock, new_mark=lambda: "m")
        self.calls: list[int] = []
        self.fault: Exception | None = None
        push = self.queue.push

        async def watched(name: str, ids) -> None:  # type: ignore[no-untyped-def]
            self.calls.append(len(ids))
            if self.fault:
                raise self.fault
            await push(name, ids)

        self.queue.push = watched  # type: ignore[method-assign]
        self.pushing = Pushing(queue=self.queue, name="q", reactor=self.clock)

    def waiting(self) -> int:
        return now(self, self.queue.depth("q")).waiting

    def test_gathered(self) -> None:
        """Pushes of one moment are one command, in portions; the next moment's are another."""
        self.pushing.push([])
        for number in range(MOST_AT_ONCE + 5):
            self.pushing.push([f"msg_{number:026}"])
        self.assertEqual(self.calls, [])
        self.clock.advance(0.01)
        self.assertEqual((self.calls, self.waiting()), ([MOST_AT_ONCE, 5], MOST_AT_ONCE + 5))
        self.pushing.push(["msg_x"])
        self.clock.advance(0.01)
        self.assertEqual(self.calls[2:], [1])

    def test_a_queue_that_is_away(self) -> None:
        """A push that fails is counted and forgotten, and the next one is tried."""
        self.fault = Unavailable("redis")
        self.pushing.push(["a", "b"])
        self.clock.advance(0.01)
        self.assertEqual((self.pushing.failed, self.waiting()), (2, 0))
        self.fault = ValueError("a bug")
        self.pushing.push(["c"])
        self.clock.advance(0.01)
        self.assertEqual((self.pushing.failed, len(self.flushLoggedErrors(ValueError))), (3, 1))
        self.fault = None
        self.pushing.push(["d"])
        self.clock.advance(0.01)
        self.assertEqual(self.waiting(), 1)

    def test_flush(self) -> None:
        """At the end what was gathered is pushed at once."""
        self.pushing.push(["a"])
        now(self, self.pushing.flush())
        self.assertEqual(self.waiting(), 1)
        self.clock.advance(1)
        self.assertEqual(self.calls, [1])
