from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.sweep_worker import RenderSweep, fairly
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.queue import EMAIL_PROCESS
from tests.base import PlainTestCase
from tests.world.road import RoadTestCase
from tests.world.tenants import NOW, now


class SweepTests(RoadTestCase):
    def sweep(self, grace_s: float = 3.0) -> RenderSweep:
        return RenderSweep(database=self.database, queue=self.queue, worker_id="w1", now_s=self.clock.seconds, grace_s=grace_s)

    def waiting(self) -> list[str]:
        return now(self, self.queue.claim(EMAIL_PROCESS, "w1", 1000, 0))

    def test_a_fresh_queue_gets_all_that_is_due(self) -> None:
        """A queue that was wiped, or is new, is filled at once; a known one gets what no push brought in time."""
        first = self.send()
        sweep = self.sweep()
        now(self, sweep.turn())
        self.assertEqual(self.waiting(), [first])
        second = self.send()
        now(self, sweep.turn())
        self.assertEqual(self.waiting(), [])
        self.clock.advance(3)
        now(self, sweep.turn())
        self.assertEqual(self.waiting(), [second])
        self.queue = sweep._queue = MemoryQueue(reactor=self.clock, new_mark=lambda: "another")
        third = self.send()
        now(self, sweep.turn())
        self.assertEqual(set(self.waiting()), {first, second, third})

    def test_scheduled(self) -> None:
        """A scheduled message is found when its moment has come."""
        message_id = self.send(send_at=int(NOW) + 60)
        now(self, self.sweep().turn())
        self.assertEqual(self.waiting(), [])
        self.clock.advance(64)
        now(self, self.sweep().turn())
        self.assertEqual(self.waiting(), [message_id])

    def test_without_a_queue(self) -> None:
        """Due ids come straight from the database; nothing when that is away too."""
        message_id = self.send()
        self.assertEqual(now(self, self.sweep().due_ids(10)), [message_id])
        self.database.away = True
        self.assertEqual(now(self, self.sweep().due_ids(10)), [])

    def test_a_dead_worker_s_ids_come_back(self) -> None:
        """What a worker of this queue held when it stopped breathing waits again."""
        message_id = self.send()
        now(self, self.queue.push(EMAIL_PROCESS, [message_id]))
        now(self, self.queue.claim(EMAIL_PROCESS, "dead", 10, 0))
        self.clock.advance(31)
        now(self, self.sweep().turn())
        self.assertEqual(self.waiting(), [message_id])


class FairTests(PlainTestCase):
    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.integers(0, 60), max_size=8), st.integers(1, 50))
    def test_laws(self, backlogs: list[int], most: int) -> None:
        """No more than `most` are taken; all of it when there is as much; no tenant that has some goes without while another gets many."""
        rows = {str(tenant): [f"{tenant}.{place}" for place in range(count)] for tenant, count in enumerate(backlogs)}
        found = fairly(rows, lambda tenant_id, share: rows[tenant_id][:share], most)
        self.assertEqual(len(found), len(set(found)))
        self.assertTrue(len(found) <= most)
        if len([count for count in backlogs if count]) <= 1:
            self.assertEqual(len(found), min(most, sum(backlogs)))
        taken = [sum(each.startswith(f"{tenant}.") for each in found) for tenant in range(len(backlogs))]
        for count, backlog in zip(taken, backlogs, strict=True):
            self.assertTrue(count >= min(backlog, 1) or max(taken) <= 1, (taken, backlogs))
