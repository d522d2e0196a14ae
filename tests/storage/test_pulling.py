from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from scaisend.faults import Unavailable
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.pulling import AWAY_S, WAIT_S, Pulled, Pulling
from tests.base import PlainTestCase
from tests.world.tenants import now


class AwayQueue(MemoryQueue):
    """A queue in memory whose server can be away."""

    is_away = False

    async def claim(self, name: str, worker: str, most: int, wait_s: float) -> list[str]:
        self.check()
        return await super().claim(name, worker, most, wait_s)

    async def acknowledge(self, name: str, worker: str, ids) -> None:  # type: ignore[no-untyped-def]
        self.check()
        await super().acknowledge(name, worker, ids)

    def check(self) -> None:
        if self.is_away:
            raise Unavailable("redis")


class PullingTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.queue = AwayQueue(reactor=self.clock, new_mark=lambda: "m")
        self.rows: list[str] | None = []
        self.pulling = Pulling(queue=self.queue, name="q", worker_id="w1", due_ids=self.due_ids, reactor=self.clock)

    async def due_ids(self, most: int) -> list[str]:
        if self.rows is None:
            raise Unavailable("database")
        return self.rows[:most]

    def pull(self, most: int = 9) -> Pulled:
        return now(self, self.pulling.pull(most))

    def in_flight(self) -> int:
        return now(self, self.queue.depth("q")).in_flight

    def test_from_the_queue(self) -> None:
        """At most as many as asked; they are in flight until they are acknowledged, and the table is not asked."""
        self.rows = None
        now(self, self.queue.push("q", ["msg_a", "msg_b", "msg_c"]))
        pulled = self.pull(2)
        self.assertEqual((list(pulled.ids), pulled.is_in_flight, self.in_flight()), (["msg_a", "msg_b"], True, 2))
        now(self, self.queue.push("q", ["msg_a"]))
        now(self, self.pulling.acknowledge(pulled))
        self.assertEqual((self.in_flight(), list(self.pull().ids)), (0, ["msg_c"]))
        now(self, self.queue.push("q", ["msg_a"]))
        self.assertEqual(list(self.pull().ids), ["msg_a"])

    def test_waits_for_the_first(self) -> None:
        """A pull from an empty queue ends with the first id, or with none when it has waited."""
        pull = ensureDeferred(self.pulling.pull(9))
        self.clock.advance(WAIT_S / 2)
        self.assertNoResult(pull)
        now(self, self.queue.push("q", ["msg_a"]))
        self.clock.advance(0)
        self.assertEqual(list(self.successResultOf(pull).ids), ["msg_a"])
        pull = ensureDeferred(self.pulling.pull(9))
        self.clock.advance(WAIT_S)
        self.assertEqual(list(self.successResultOf(pull).ids), [])

    def test_from_the_table(self) -> None:
        """While the queue is away the table says what is due; there is nothing to acknowledge then, though the queue is back."""
        self.queue.is_away, self.rows = True, ["msg_a", "msg_b", "msg_c"]
        pulled = self.pull(2)
        self.assertEqual(pulled, Pulled(["msg_a", "msg_b"], False))
        self.queue.is_away = False
        now(self, self.queue.push("q", ["msg_a"]))
        self.pull()
        now(self, self.pulling.acknowledge(pulled))
        self.assertEqual(self.in_flight(), 1)

    def test_nothing_due_without_a_queue(self) -> None:
        """The table is not asked without a pause; a database that is away is the caller's to know."""
        self.queue.is_away = True
        pull = ensureDeferred(self.pulling.pull(9))
        self.clock.advance(AWAY_S / 2)
        self.assertNoResult(pull)
        self.clock.advance(AWAY_S / 2)
        self.assertEqual(self.successResultOf(pull), Pulled([], False))
        self.rows = None
        self.failureResultOf(ensureDeferred(self.pulling.pull(9)), Unavailable)

    def test_acknowledging_to_a_queue_that_is_away(self) -> None:
        """It is no fault of the worker's: the rows were claimed."""
        now(self, self.queue.push("q", ["msg_a"]))
        pulled = self.pull()
        self.queue.is_away = True
        now(self, self.pulling.acknowledge(pulled))
        self.assertEqual(self.in_flight(), 1)
