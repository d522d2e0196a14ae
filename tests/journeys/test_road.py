"""The road from acceptance to the final dot under random failures: processes die and freeze, leases end, the database goes away."""

import gc

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from scaisend.delivery.job import DATA, DEFERRED, DOT, REFUSED, TROUBLE, WAIT, Outcome
from scaisend.messages.status import ENDED
from scaisend.sending import batches_store
from tests.base import PlainTestCase
from tests.world.processes import Process, World
from tests.world.road import RoadTestCase, body
from tests.world.tenants import NOW

OUTCOMES = {
    "deferred": Outcome(DEFERRED, DOT, 451, "4.3.0", "later", reached_dot=True),
    "refused": Outcome(REFUSED, DOT, 550, "5.1.1", "no such user", reached_dot=True),
}
BEFORE_THE_DOT = {
    "trouble": Outcome(TROUBLE, DATA, text="connection lost"),
    "busy": Outcome("backoff", WAIT, text="it waited too long", waiting="destination_busy"),
}
THEN = ("deliver", "deliver", "trouble", "busy", "wait")
ENDS = ("delivered", "bounce", "blocked", "failed", "cancelled", "dropped")
PICK = st.integers(0, 1_000_000)


class Road(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = RoadTestCase("run")
        self.house.setUp()
        self.database = self.house.database
        self.database.now(batches_store.make, self.house.tenant.id, "b1", NOW)
        self.world = World(self.database, self.house.ids, NOW)
        self.world.start()
        self.world.start(delivers=False)

    # What happens.

    @rule(count=st.integers(1, 3), is_batched=st.booleans(), which=PICK)
    def send(self, count: int, is_batched: bool, which: int) -> None:
        self.house.clock.advance(self.world.now_s - self.house.clock.seconds())
        more: dict[str, object] = {"batch_id": "b1"} if is_batched else {}
        self.house.accept(self.house.submission(body(*[f"r{number}@x.test" for number in range(count)], **more)))
        self.some(which).sweep()

    @rule(which=PICK)
    def sweep(self, which: int) -> None:
        self.some(which).sweep()

    @rule(seconds=st.sampled_from((1.0, 4.0, 12.0, 45.0, 130.0)), is_swept=st.booleans())
    def pass_time(self, seconds: float, is_swept: bool) -> None:
        self.world.pass_time(seconds)
        for process in self.world.processes if is_swept else ():
            process.sweep()

    @rule(which=PICK, count=st.integers(1, 4))
    def deliver(self, which: int, count: int) -> None:
        for process, job in self.jobs(which)[:count]:
            process.deliver(job)
            process.turn()

    @rule(which=PICK, kind=st.sampled_from(sorted(OUTCOMES)))
    def answer(self, which: int, kind: str) -> None:
        for process, job in self.jobs(which)[:1]:
            process.deliver(job, OUTCOMES[kind])
            process.turn()

    @rule(which=PICK)
    def mark(self, which: int) -> None:
        for process, job in self.jobs(which)[:1]:
            if job not in process.hosts.marked:
                process.mark(job)

    @rule(which=PICK, kind=st.sampled_from(sorted(BEFORE_THE_DOT)))
    def stop_short(self, which: int, kind: str) -> None:
        for process, job in self.jobs(which)[:1]:
            process.hosts.answer(job, BEFORE_THE_DOT[kind])
            process.turn()

    @rule(which=PICK)
    def lose(self, which: int) -> None:
        for process, job in self.jobs(which)[:1]:
            process.lose(job)
            process.turn()

    @rule(which=PICK, delivers=st.booleans())
    def die(self, which: int, delivers: bool) -> None:
        self.world.kill(self.some(which))
        self.world.start(delivers=delivers)

    @rule(which=PICK)
    def die_after_the_dot(self, which: int) -> None:
        for process, job in self.jobs(which)[:1]:
            if (job in process.hosts.marked or process.mark(job)) and process.dot(job):
                self.world.kill(process)
                self.world.start()

    @rule(which=PICK, steps=st.integers(1, 9), marks=st.integers(0, 3), others=st.sampled_from(("wait", "mark", "deliver")), then=st.sampled_from(THEN))
    def freeze(self, which: int, steps: int, marks: int, others: str, then: str) -> None:
        """A process stands still while the others go on; then its connections go on before its timers do."""
        frozen = self.jobs(which)[0][0] if self.jobs(which) else self.some(which)
        held = list(frozen.hosts.jobs)
        for job in held[:marks]:
            if job not in frozen.hosts.marked:
                frozen.mark(job)
        frozen.is_frozen = True
        for _ in range(steps):
            self.world.pass_time(20.0)
            for other in self.world.processes:
                if other is not frozen:
                    other.sweep()
                    self.go_on(other, others)
        frozen.is_frozen = False
        self.go_on(frozen, then)
        frozen.pass_time(self.world.now_s)

    @rule(which=PICK, seconds=st.sampled_from((0.0, 3.0, 45.0)), count=st.integers(0, 3))
    def outage(self, which: int, seconds: float, count: int) -> None:
        """The database is away for a while; what the hosts said meanwhile is recorded later."""
        self.database.away = True
        for process, job in self.jobs(which)[:count]:
            process.deliver(job)
            process.turn()
        self.some(which).sweep()
        self.world.pass_time(seconds)
        self.database.away = False

    @rule(which=PICK, count=st.integers(0, 2))
    def lose_a_commit(self, which: int, count: int) -> None:
        """A transaction is committed, and whoever asked for it is not told so."""
        self.database.lost_commits = 1
        for process, job in self.jobs(which)[:count]:
            process.deliver(job)
            process.turn()
        self.some(which).sweep()
        self.database.lost_commits = 0

    @rule(status=st.sampled_from(("pause", "open", "cancel")))
    def batch(self, status: str) -> None:
        self.database.now(batches_store.set_status, self.house.tenant.id, "b1", status, self.world.now_s)

    # What is always so.

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Each open recipient has a moment, or its message has one, or its batch's resume finds it."""
        lost = self.database.rows(
            "SELECT r.id, r.status, r.waiting, m.status FROM recipients r JOIN messages m ON m.id = r.message_id WHERE r.due_at IS NULL AND m.due_at IS NULL "
            "AND m.status <> 'paused' AND r.status NOT IN ('delivered', 'bounced', 'failed', 'dropped', 'cancelled', 'sandbox')")
        assert not lost, lost

    @invariant()
    def copies_come_out_of_doubt(self) -> None:
        """No more final dots are written for a recipient than attempts that the host put off, and resends, allow."""
        rows = {row[0]: row[1:] for row in self.database.rows("SELECT id, resends, status FROM recipients")}
        answered = dict(self.database.rows(
            "SELECT recipient_id, COUNT(*) FROM events WHERE type = 'deferred' AND detail LIKE '%\"code\":451%' GROUP BY recipient_id"))
        unrecorded = {job.recipient_id for process in self.world.processes for job in process.hosts.jobs}
        for recipient_id, dots in self.world.dots.items():
            resends, status = rows[recipient_id]
            assert dots <= 1 + resends + answered.get(recipient_id, 0), (recipient_id, dots, resends, status, unrecorded)

    @invariant()
    def history_is_whole(self) -> None:
        """Event numbers have no gaps, the message counts them, no recipient ends twice, and ends as its last event says."""
        for message_id, seq, count, highest in self.database.rows(
            "SELECT m.id, m.event_seq, COUNT(e.id), MAX(e.seq) FROM messages m JOIN events e ON e.message_id = m.id GROUP BY m.id"
        ):
            assert seq == count == highest, (message_id, seq, count, highest)
        ends = dict(self.database.rows(f"SELECT recipient_id, COUNT(*) FROM events WHERE type IN {ENDS} GROUP BY recipient_id"))
        for recipient_id, status, attempt_id, due_at in self.database.rows("SELECT id, status, attempt_id, due_at FROM recipients"):
            assert ends.get(recipient_id, 0) == (status in ENDED), (recipient_id, status, ends)
            assert status not in ENDED or (attempt_id is None and due_at is None), (recipient_id, status, attempt_id, due_at)
            assert status != "delivered" or self.world.dots[recipient_id], recipient_id

    def teardown(self) -> None:
        """When all is well again, every recipient ends, and no worker holds anything."""
        self.database.away, self.database.lost_commits = False, 0
        for process in list(self.world.processes):
            self.world.kill(process)
        self.batch("open")
        last = self.world.start()
        for _ in range(40):
            self.world.pass_time(20.0)
            last.sweep()
            for job in list(last.hosts.jobs):
                last.deliver(job)
            last.turn()
            self.nobody_is_forgotten()
            self.copies_come_out_of_doubt()
            if not self.open_recipients():
                break
        assert not self.open_recipients(), self.open_recipients()
        self.history_is_whole()
        last.pass_time(self.world.now_s + 5)
        hand = (last.delivery.in_hand, last.delivery.unrecorded, last.delivery._in_hand.size_bytes)
        assert hand == (0, 0, 0), hand
        assert not self.database.rows("SELECT message_id FROM bodies"), "bodies are left over"
        assert not self.database.rows("SELECT id FROM messages WHERE due_at IS NOT NULL"), "messages are due that have ended"

    # Inside.

    def go_on(self, process: Process, how: str) -> None:
        """What the connections of the process do with all that it holds."""
        for job in list(process.hosts.jobs):
            if how == "deliver":
                process.deliver(job)
            elif how == "mark" and job not in process.hosts.marked:
                process.mark(job)
            elif how in BEFORE_THE_DOT:
                process.hosts.answer(job, BEFORE_THE_DOT[how])
        process.turn()

    def open_recipients(self) -> list[tuple]:  # type: ignore[type-arg]
        rows = self.database.rows("SELECT id, status, waiting, due_at, attempt_id FROM recipients")
        return [row for row in rows if row[1] not in ENDED]

    def some(self, which: int) -> Process:
        return self.world.processes[which % len(self.world.processes)]

    def jobs(self, which: int) -> list[tuple]:  # type: ignore[type-arg]
        """All jobs in the hands of processes, beginning with any of them."""
        found = [(process, job) for process in self.world.processes for job in process.hosts.jobs]
        start = which % len(found) if found else 0
        return found[start:] + found[:start]


class RoadTests(PlainTestCase):
    def test_road(self) -> None:
        """Whatever happens: nobody is forgotten, nobody ends twice, copies come out of doubt alone, and in the end all is delivered."""
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Road, settings=settings(
                max_examples=30, stateful_step_count=30, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]))
        gc.collect()
        self.flushLoggedErrors()
