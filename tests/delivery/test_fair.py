from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.fair import FairQueue
from tests.base import PlainTestCase
from tests.delivery.jobs import a_job


class FairQueueTests(PlainTestCase):
    def test_tenants_take_turns(self):
        """The one mail of a small tenant goes second, however many the large one has waiting."""
        queue = FairQueue()
        for number in range(1000):
            queue.push(a_job(f"a{number}", tenant="large"))
        queue.push(a_job("reset", tenant="small"))
        self.assertEqual([queue.pop().recipient_id for _ in range(3)], ["a0", "reset", "a1"])

    def test_what_is_put_back_is_next(self):
        """Within its tenant."""
        queue = FairQueue()
        queue.push(a_job("a"))
        queue.push(a_job("b"))
        queue.put_back(queue.pop())
        self.assertEqual(queue.pop().recipient_id, "a")

    def test_who_may_stay(self):
        """Of the tenants' jobs those stay that would have come next, and the rest leaves."""
        queue = FairQueue()
        for number in range(10):
            queue.push(a_job(f"a{number}", tenant="large"))
        queue.push(a_job("reset", tenant="small"))
        self.assertEqual([job.recipient_id for job in queue.leave(3)], [f"a{number}" for number in range(2, 10)])
        self.assertEqual([queue.pop().recipient_id for _ in range(len(queue))], ["a0", "reset", "a1"])

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["push", "back", "pop", "remove"]), st.sampled_from("abc")), max_size=60))
    def test_nothing_is_lost_or_doubled(self, steps):
        """Whatever happens, what went in and has not come out is in it, in order within each tenant."""
        queue, lanes = FairQueue(), {"a": [], "b": [], "c": []}
        for number, (step, tenant) in enumerate(steps):
            job = a_job(str(number), tenant=tenant)
            if step == "push":
                queue.push(job)
                lanes[tenant].append(job)
            elif step == "back":
                queue.put_back(job)
                lanes[tenant].insert(0, job)
            elif step == "remove":
                gone = queue.remove(lambda each, tenant=tenant: each.tenant_id == tenant and int(each.recipient_id) % 2 == 0)
                self.assertEqual(gone, [each for each in lanes[tenant] if int(each.recipient_id) % 2 == 0])
                lanes[tenant] = [each for each in lanes[tenant] if int(each.recipient_id) % 2]
            elif any(lanes.values()):
                found = queue.pop()
                self.assertIs(found, lanes[found.tenant_id].pop(0))
            else:
                self.assertRaises(IndexError, queue.pop)
            self.assertEqual(len(queue), sum(map(len, lanes.values())))
