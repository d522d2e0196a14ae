"""What every queue does, whatever it is made of."""

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.task import deferLater

from scaisend.ids import IdMaker
from scaisend.storage.queue import EMAIL_PROCESS, LANE_WINDOW, SMTP_DELIVER, Depth

NAME = EMAIL_PROCESS


class QueueContract:
    """Mixed into a ReactorTestCase whose `open()` makes `self.queue`, and whose `worker_dies(worker)` ends its heartbeat."""

    async def setUp(self) -> None:
        super().setUp()
        self._counter = 0
        self._maker = IdMaker(now_s=lambda: 1_800_000_000.0, random_bits=self._count)
        await self.open()

    def _count(self, bits: int) -> int:
        self._counter += 1
        return self._counter

    def ids(self, count: int, tenant: str = "tnt_a") -> list[str]:
        return [self._maker.new("msg", tenant) for _ in range(count)]

    async def test_first_in_first_out(self) -> None:
        """Ids are claimed in the order in which they were pushed, at most as many as asked for."""
        ids = self.ids(5)
        await self.queue.push(NAME, ids[:2])
        await self.queue.push(NAME, ids[2:])
        self.assertEqual(await self.queue.claim(NAME, "w1", 3, 0), ids[:3])
        self.assertEqual(await self.queue.claim(NAME, "w2", 10, 0), ids[3:])
        self.assertEqual(await self.queue.claim(NAME, "w2", 10, 0), [])

    async def test_push_twice(self) -> None:
        """An id that waits, or is claimed, is not added again, also when it stands twice in one push."""
        ids = self.ids(2)
        await self.queue.push(NAME, [ids[0], ids[0]])
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(2, 0, 0))
        self.assertEqual(await self.queue.claim(NAME, "w1", 1, 0), ids[:1])
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(1, 0, 1))

    async def test_acknowledged_ids_may_come_again(self) -> None:
        """After its acknowledgement an id is forgotten, and a push makes it wait again."""
        ids = self.ids(3)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 3, 0)
        await self.queue.acknowledge(NAME, "w1", ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 0, 0))
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.claim(NAME, "w1", 3, 0), ids)

    async def test_only_the_holder_acknowledges(self) -> None:
        """A worker cannot acknowledge what another has claimed: it came too late."""
        ids = self.ids(1)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 1, 0)
        await self.queue.acknowledge(NAME, "w2", ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 0, 1))

    async def test_queues_are_apart(self) -> None:
        """The same id may wait in two queues."""
        ids = self.ids(1)
        await self.queue.push(NAME, ids)
        await self.queue.push(SMTP_DELIVER, ids)
        self.assertEqual(await self.queue.claim(SMTP_DELIVER, "w1", 9, 0), ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(1, 0, 0))

    async def test_a_claim_waits_for_a_push(self) -> None:
        """A claim on an empty queue is answered soon after a push, long before its wait ends."""
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        ids = self.ids(2)
        await self.queue.push(NAME, ids)
        self.assertEqual(await claim, ids)

    async def test_each_waiting_claim_gets_its_share(self) -> None:
        """Two waiting claims are both answered when there is enough for both."""
        claims = [ensureDeferred(self.queue.claim(NAME, f"w{each}", 2, 20)) for each in range(2)]
        await self.rest()
        ids = self.ids(4)
        await self.queue.push(NAME, ids)
        self.assertEqual(sorted(await claims[0] + await claims[1]), ids)

    async def test_a_claim_gives_up(self) -> None:
        """A claim whose wait has ended answers with no ids, and what comes later is for others."""
        self.assertEqual(await self.queue.claim(NAME, "w1", 5, 0.05), [])
        ids = self.ids(1)
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.claim(NAME, "w2", 5, 5), ids)

    async def test_a_cancelled_claim_takes_nothing(self) -> None:
        """What is pushed after a waiting claim was cancelled is claimed by the next one."""
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        claim.cancel()
        try:
            await claim
        except CancelledError:
            pass
        ids = self.ids(1)
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.claim(NAME, "w2", 5, 10), ids)

    async def test_close_answers_waiting_claims(self) -> None:
        """Claims that wait when the queue is closed answer with no ids."""
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        await self.queue.close()
        self.assertEqual(await claim, [])

    async def test_deferred_ids_join_when_due(self) -> None:
        """A deferred id is in flight no more; it waits in the list again once its moment has come, not before."""
        ids = self.ids(2)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 2, 0)
        await self.queue.defer(NAME, [(ids[0], 100.25), (ids[1], 200.0)])
        await self.queue.acknowledge(NAME, "w1", ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 2, 0))
        self.assertEqual(await self.queue.promote(NAME, 100.0), 0)
        self.assertEqual(await self.queue.promote(NAME, 100.5), 1)
        self.assertEqual(await self.queue.claim(NAME, "w1", 9, 0), ids[:1])
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 1, 1))

    async def test_deferred_again(self) -> None:
        """The last moment given to an id is the one that counts."""
        ids = self.ids(1)
        await self.queue.defer(NAME, [(ids[0], 100.0)])
        await self.queue.defer(NAME, [(ids[0], 300.0)])
        self.assertEqual(await self.queue.promote(NAME, 200.0), 0)
        self.assertEqual(await self.queue.promote(NAME, 300.0), 1)
        self.assertEqual(await self.queue.promote(NAME, 300.0), 0)

    async def test_pushed_before_due(self) -> None:
        """A delayed id that is pushed waits now, and only once."""
        ids = self.ids(1)
        await self.queue.defer(NAME, [(ids[0], 1e9)])
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.depth(NAME), Depth(1, 0, 0))
        self.assertEqual(await self.queue.promote(NAME, 2e9), 0)

    async def test_a_promotion_wakes_a_claim(self) -> None:
        """A waiting claim gets what becomes due."""
        ids = self.ids(1)
        await self.queue.defer(NAME, [(ids[0], 100.0)])
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        await self.queue.promote(NAME, 101.0)
        self.assertEqual(await claim, ids)

    async def test_a_dead_workers_ids_come_back(self) -> None:
        """What a dead worker held waits again, before what was pushed later; a living worker keeps its own."""
        ids = self.ids(5)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "dead", 2, 0)
        await self.queue.claim(NAME, "alive", 2, 0)
        await self.worker_dies("dead")
        await self.queue.beat("alive")
        self.assertEqual(await self.queue.recover(NAME), 2)
        self.assertEqual(await self.queue.recover(NAME), 0)
        self.assertEqual(await self.queue.depth(NAME), Depth(3, 0, 2))
        back = await self.queue.claim(NAME, "alive", 9, 0)
        self.assertEqual(set(back[:2]), set(ids[:2]))
        self.assertEqual(back[2:], ids[4:])
        await self.queue.acknowledge(NAME, "dead", ids[:2])
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 0, 5))

    async def test_one_tenants_backlog_delays_nobody(self) -> None:
        """Behind any number of ids of one tenant, another tenant's id is at most LANE_WINDOW away; all come out, once."""
        many, one = self.ids(3 * LANE_WINDOW), self.ids(1, "tnt_b")
        await self.queue.push(NAME, many)
        await self.queue.push(NAME, one)
        self.assertEqual((await self.queue.depth(NAME)).waiting, 3 * LANE_WINDOW + 1)
        claimed = await self.queue.claim(NAME, "w1", LANE_WINDOW + 1, 0)
        self.assertEqual(claimed, many[:LANE_WINDOW] + one)
        while more := await self.queue.claim(NAME, "w1", 700, 0):
            claimed += more
        self.assertEqual(sorted(claimed), sorted(many + one))
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 0, 3 * LANE_WINDOW + 1))
        await self.queue.acknowledge(NAME, "w1", claimed)
        await self.queue.push(NAME, many[:10])
        self.assertEqual(await self.queue.claim(NAME, "w1", 100, 0), many[:10])

    async def test_new_mail_passes_a_backlog(self) -> None:
        """Behind thousands of ids, of its own tenant or another's, a new id is claimed by the third claim at the latest."""
        for tenant in ("tnt_a", "tnt_b"):
            await self.queue.push(NAME, self.ids(3 * LANE_WINDOW))
            await self.queue.claim(NAME, "w1", 50, 0)
            new = self.ids(1, tenant)
            await self.queue.push(NAME, new)
            claimed = [an_id for _ in range(3) for an_id in await self.queue.claim(NAME, "w1", 50, 0)]
            self.assertIn(new[0], claimed, tenant)

    async def test_new_mail_does_not_starve_the_old(self) -> None:
        """While new ids keep coming, faster than they are claimed, the old ones are claimed too."""
        old = self.ids(2 * LANE_WINDOW)
        await self.queue.push(NAME, old)
        claimed: list[str] = []
        for _ in range(2 * LANE_WINDOW // 25 + 2):
            await self.queue.push(NAME, self.ids(60))
            claimed += await self.queue.claim(NAME, "w1", 50, 0)
        self.assertEqual(set(old[:LANE_WINDOW]) - set(claimed), set())
        self.assertGreater(len(set(old[LANE_WINDOW:]) & set(claimed)), LANE_WINDOW // 4)

    async def test_new_mail_is_told_by_its_id(self) -> None:
        """Not by when it was pushed: old ids that are pushed after it, faster than they are claimed, do not bury it."""
        old = self.ids(6 * LANE_WINDOW)
        (new,) = self.ids(1)
        await self.queue.push(NAME, old[: 2 * LANE_WINDOW])
        await self.queue.push(NAME, [new])
        claimed: list[str] = []
        for first in range(2 * LANE_WINDOW, 2 * LANE_WINDOW + 600, 200):
            await self.queue.push(NAME, old[first : first + 200])
            claimed += await self.queue.claim(NAME, "w1", 50, 0)
        self.assertIn(new, claimed)

    async def test_one_by_one_both_ends_move_up(self) -> None:
        """Claims of a single id bring a lane's newest and oldest up by turns, and lose none."""
        many = self.ids(LANE_WINDOW + 6)
        await self.queue.push(NAME, many)
        for _ in range(6):
            await self.queue.claim(NAME, "w1", 1, 0)
        moved = await self.queue.claim(NAME, "w1", LANE_WINDOW, 0)
        self.assertEqual(sorted(moved), many[6:])
        self.assertEqual(set(moved[-6:-4]), {many[LANE_WINDOW], many[-1]})

    async def test_a_dead_worker_with_a_backlog(self) -> None:
        """Ids that come back to a full lane neither get lost nor come twice."""
        many = self.ids(2 * LANE_WINDOW)
        await self.queue.push(NAME, many)
        await self.queue.claim(NAME, "dead", 500, 0)
        await self.worker_dies("dead")
        self.assertEqual(await self.queue.recover(NAME), 500)
        claimed: list[str] = []
        while more := await self.queue.claim(NAME, "w1", 300, 0):
            claimed += more
        self.assertEqual(sorted(claimed), many)

    async def test_generation_stays(self) -> None:
        """The mark is the same as long as nothing was lost."""
        self.assertEqual(await self.queue.generation(), await self.queue.generation())

    async def rest(self) -> None:
        """What was started has reached its wait."""
        from twisted.internet import reactor

        await deferLater(reactor, 0.02)
