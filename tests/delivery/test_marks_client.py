from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.delivery.marks_client import BATCH, Marks
from tests.base import PlainTestCase
from tests.delivery.jobs import a_job


class MarksTests(PlainTestCase):
    def setUp(self):
        super().setUp()
        self.clock, self.calls, self.answers, self.told = Clock(), [], [], []
        self.marks = Marks(reactor=self.clock, mark=self.mark, unmark=self.unmark)

    async def mark(self, jobs):
        self.calls.append(("mark", len(jobs)))
        self.answers.append(Deferred())
        await self.answers[-1]
        return jobs[1:]

    async def unmark(self, jobs):
        self.calls.append(("unmark", len(jobs)))
        self.answers.append(Deferred())
        await self.answers[-1]

    def tell(self, jobs, done):
        self.told.append([job in done for job in jobs])

    def jobs(self, count):
        return [a_job(str(number)) for number in range(count)]

    def test_one_turn_is_one_transaction(self):
        """What several destinations ask for in a turn goes together, up to a batch; each hears of its own."""
        for _ in range(3):
            self.marks.mark(self.jobs(BATCH // 3), self.tell)
        self.marks.mark(self.jobs(5), self.tell)
        self.assertEqual(self.calls, [])
        self.clock.advance(0)
        self.assertEqual(self.calls, [("mark", BATCH // 3 * 3)])
        self.answers[0].callback(None)
        self.assertEqual(self.calls[1:], [("mark", 5)])
        self.assertEqual([all(each) for each in self.told], [False, True, True])

    def test_neither_overtakes_the_other(self):
        """A mail that is unmarked and marked again ends marked."""
        jobs = self.jobs(2)
        self.marks.mark(jobs, self.tell)
        self.marks.unmark(jobs, self.tell)
        self.marks.mark(jobs, self.tell)
        self.clock.advance(0)
        for number in range(3):
            self.assertEqual(len(self.calls), number + 1)
            self.answers[number].callback(None)
        self.assertEqual([name for name, _ in self.calls], ["mark", "unmark", "mark"])

    def test_a_failed_transaction_grants_nothing(self):
        """And the next one is tried all the same."""
        self.marks.mark(self.jobs(2), self.tell)
        self.clock.advance(0)
        self.answers[0].errback(OSError("database away"))
        self.assertEqual(self.told, [[False, False]])
        self.marks.mark(self.jobs(2), self.tell)
        self.clock.advance(0)
        self.answers[1].callback(None)
        self.assertEqual(self.told[1], [False, True])
