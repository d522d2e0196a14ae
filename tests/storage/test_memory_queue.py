"""The queue of one process."""

from twisted.internet import reactor

from scaisend.ids import IdMaker, lane_in
from scaisend.storage.memory_queue import MOST_DELAYED, MOST_WAITING, MemoryQueue
from scaisend.storage.queue import HEARTBEAT_TTL_S, SMTP_DELIVER
from tests.base import PlainTestCase, ReactorTestCase
from tests.storage.contract_queue import QueueContract


class ShiftedReactor:
    """The reactor, some seconds later."""

    def __init__(self) -> None:
        self.shift_s = 0.0
        self.callLater = reactor.callLater

    def seconds(self) -> float:
        return reactor.seconds() + self.shift_s


class MemoryQueueContractTests(QueueContract, ReactorTestCase):
    """The contract."""

    async def open(self) -> None:
        self.time = ShiftedReactor()
        self.queue = MemoryQueue(reactor=self.time, new_mark=lambda: "mark")

    async def worker_dies(self, worker: str) -> None:
        self.time.shift_s += HEARTBEAT_TTL_S + 1


class BoundTests(PlainTestCase):
    """The bounds of memory."""

    def setUp(self) -> None:
        self.maker = IdMaker(now_s=lambda: 0.0, random_bits=self._count)
        self.counter = 0
        self.queue = MemoryQueue(reactor=ShiftedReactor(), new_mark=lambda: "mark")

    def _count(self, bits: int) -> int:
        self.counter += 1
        return self.counter

    def _push(self, count: int, tenant: str) -> None:
        self.successResultOf(self.queue.push(SMTP_DELIVER, [self.maker.new("msg", tenant) for _ in range(count)]))

    def _waiting(self) -> int:
        return self.successResultOf(self.queue.depth(SMTP_DELIVER)).waiting

    def test_full(self) -> None:
        """Beyond the bound ids are not taken in, and the depth says so."""
        self._push(MOST_WAITING + 500, "tnt_a")
        self.assertEqual(self._waiting(), MOST_WAITING)

    def test_a_full_queue_still_takes_small_lanes(self) -> None:
        """When one tenant fills the queue, another tenant's mail comes in at its cost."""
        self._push(MOST_WAITING + 500, "tnt_a")
        self._push(1, "tnt_b")
        self.assertEqual(self._waiting(), MOST_WAITING)
        claimed = self.successResultOf(self.queue.claim(SMTP_DELIVER, "w", 1_001, 0))
        self.assertEqual(lane_in(claimed[-1]), lane_in(self.maker.new("msg", "tnt_b")))
        self._push(MOST_WAITING, "tnt_a")
        self.assertEqual(self._waiting(), MOST_WAITING)

    def test_a_full_queue_still_takes_new_mail(self) -> None:
        """The tenant that fills the queue gets its new mail in, at the cost of the one that came before it."""
        self._push(MOST_WAITING, "tnt_a")
        new = self.maker.new("msg", "tnt_a")
        self.successResultOf(self.queue.push(SMTP_DELIVER, [new]))
        self.assertEqual(self._waiting(), MOST_WAITING)
        claimed = [an_id for _ in range(3) for an_id in self.successResultOf(self.queue.claim(SMTP_DELIVER, "w", 50, 0))]
        self.assertIn(new, claimed)

    def test_delayed_bound(self) -> None:
        """Beyond their bound delayed ids are left to the sweep."""
        self.successResultOf(self.queue.defer(SMTP_DELIVER, [(f"msg_{each}", 1.0) for each in range(MOST_DELAYED + 5)]))
        self.assertEqual(self.successResultOf(self.queue.depth(SMTP_DELIVER)).delayed, MOST_DELAYED)
