"""Processes that render and deliver, in one thread on one database, whose hosts do what a test says; each can freeze, and die."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.delivery.job import DELIVERED, DOT, FENCED, LOCAL, UNKNOWN, Job, Outcome
from scaisend.delivery.prepare_worker import Preparing
from scaisend.delivery.settle import Patience
from scaisend.delivery.store import mark_sending_across_tenants
from scaisend.delivery.sweep_worker import DeliverySweep, Doubt
from scaisend.delivery.worker import Bounds, DeliveryWorker
from scaisend.faults import Unavailable
from scaisend.ids import IdMaker
from scaisend.sealing import Sealer
from scaisend.sending.render_worker import RenderWorker
from scaisend.sending.sweep_worker import RenderSweep
from scaisend.sending.tracked import Tracking
from scaisend.sending.unsubscribing import WaysOut
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.pulling import Pulling
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from tests.world.inline_database import InlineDatabase
from tests.world.road import LEASE_S, Counts, InlineThreads

WAYS = WaysOut("https://track.test", "bounces.test")
PATIENCE = Patience(max_retries=5, base_delay_s=10.0, lifetime_s=1_000_000.0, in_doubt_wait_s=100.0)


class Hosts:
    """Where mail goes: jobs wait here until a test lets something become of them. It stands where the pools stand."""

    def __init__(self) -> None:
        self.jobs: dict[Job, Deferred[Outcome]] = {}
        self.marked: set[Job] = set()
        self.is_stopped = False

    def submit(self, job: Job) -> "Deferred[Outcome]":
        self.jobs[job] = Deferred()
        return self.jobs[job]

    async def stop(self, limit_s: float) -> None:
        self.is_stopped = True
        for job in list(self.jobs):
            self.answer(job, Outcome("backoff", "wait", text="this process stops", waiting="shutdown"))

    def answer(self, job: Job, outcome: Outcome) -> None:
        self.marked.discard(job)
        self.jobs.pop(job).callback(outcome)


class Process:
    """One process. Its clock drives its timers alone; what time it is, the world says."""

    def __init__(self, world: "World", *, delivers: bool = True, renders: bool = True, bounds: Bounds | None = None, policy: str = "retry") -> None:
        self.world = world
        self.clock = Clock()
        self.clock.advance(world.now_s)
        self.hosts = Hosts()
        self.counts = Counts()
        self.is_frozen = False
        self.queue = MemoryQueue(reactor=self.clock, new_mark=lambda: f"mark{world.started}")
        name = f"w{world.started}"
        database, told = world.database, world.told
        shared: dict[str, Any] = {
            "database": database, "ids": world.ids, "reactor": self.clock, "now_s": world.wall, "monotonic_s": told,
            "metrics": self.counts, "reached": self.reached,
        }
        self.reach: dict[str, Callable[[], None]] = {}
        self.deliveries = Pushing(queue=self.queue, name=SMTP_DELIVER, reactor=self.clock)
        self.renders = Pushing(queue=self.queue, name=EMAIL_PROCESS, reactor=self.clock)
        self.delivery_sweep = DeliverySweep(
            database=database, queue=self.queue, ids=world.ids, doubt=Doubt(PATIENCE.in_doubt_wait_s, policy), worker_id=name, now_s=world.wall, grace_s=0.0)
        self.render_sweep = RenderSweep(database=database, queue=self.queue, worker_id=name, now_s=world.wall, grace_s=0.0)
        threads: Any = InlineThreads()

        def pulling(queue_name: str, sweep: DeliverySweep | RenderSweep) -> Pulling:
            return Pulling(queue=self.queue, name=queue_name, worker_id=name, due_ids=sweep.due_ids, reactor=self.clock)

        self.delivery = DeliveryWorker(
            **shared, queue=self.queue, pulling=pulling(SMTP_DELIVER, self.delivery_sweep), pushing=self.deliveries, pools=self.hosts, patience=PATIENCE, bounds=bounds or Bounds(lease_s=LEASE_S),  # type: ignore[arg-type]
            preparing=Preparing(
                database=database, objects=world.objects, sealer=world.sealer, signers=threads, reactor=threads, bounce_domain="bounces.test", now_s=world.wall))
        self.rendering = RenderWorker(
            **shared, pulling=pulling(EMAIL_PROCESS, self.render_sweep), pushing=self.renders, deliveries=self.deliveries, delivery=self.delivery if delivers else None, lease_s=LEASE_S,
            ways=WAYS, tracking=Tracking("https://track.test", world.sealer.key_for("opt-out")), objects=world.objects)
        self.delivers, self.renders_mail = delivers, renders
        if delivers:
            self.delivery.startService()
        if renders:
            self.rendering.startService()

    def reached(self, point: str) -> None:
        if point in self.reach:
            self.reach[point]()

    def sweep(self) -> None:
        """Both sweeps took a turn, as far as the database let them, and the workers what they found."""
        for turn in ([self.delivery_sweep.turn] if self.delivers else []) + ([self.render_sweep.turn] if self.renders_mail else []):
            done = Deferred.fromCoroutine(turn())
            done.addErrback(lambda failure: failure.trap(Unavailable))
        self.turn()

    def turn(self) -> None:
        """What was to be done at this moment is done."""
        for _ in range(4):
            self.clock.advance(0.025)

    def pass_time(self, to_s: float) -> None:
        """Its timers go to this moment, in steps."""
        while not self.is_frozen and self.clock.seconds() < to_s:
            self.clock.advance(min(1.0, to_s - self.clock.seconds()))

    # What hosts do.

    def mark(self, job: Job) -> bool:
        """Whether the job is committed as `sending`."""
        try:
            held = self.world.database.now(mark_sending_across_tenants, [(job.recipient_id, str(job.context))], self.world.now_s)
        except Unavailable:
            held = set()
        if not held:
            self.hosts.answer(job, Outcome(FENCED, LOCAL, text="it could not be marked as being sent"))
            return False
        self.hosts.marked.add(job)
        return True

    def dot(self, job: Job) -> bool:
        """Whether the final dot was written: asked of the job, as a connection does."""
        if not job.may_finish():
            self.hosts.answer(job, Outcome(FENCED, LOCAL, text="its lease has ended"))
            return False
        self.world.dots[job.recipient_id] += 1
        return True

    def deliver(self, job: Job, outcome: Outcome | None = None) -> None:
        """The job goes all its way, as far as it may."""
        if (job in self.hosts.marked or self.mark(job)) and self.dot(job):
            self.hosts.answer(job, outcome or Outcome(DELIVERED, DOT, 250, "2.0.0", "ok"))

    def lose(self, job: Job) -> None:
        """The connection breaks after the final dot."""
        self.deliver(job, Outcome(UNKNOWN, DOT, text="connection lost", reached_dot=True))


class World:
    """The database, the time, and what reached the hosts: final dots, by recipient."""

    def __init__(self, database: InlineDatabase, ids: IdMaker, now_s: float) -> None:
        self.database, self.ids, self.now_s = database, ids, now_s
        self.sealer = Sealer(b"k" * 32, lambda count: b"r" * count)
        self.objects: Any = None
        self.dots: Counter[str] = Counter()
        self.skew_s = 0.0
        self.started = 0
        self.processes: list[Process] = []

    def told(self) -> float:
        return self.now_s

    def wall(self) -> float:
        """What the wall clock says: it may be set forth and back."""
        return self.now_s + self.skew_s

    def start(self, **more: Any) -> Process:
        """A new process runs."""
        self.started += 1
        process = Process(self, **more)
        self.processes.append(process)
        process.turn()
        return process

    def kill(self, process: Process) -> None:
        """Nothing of the process happens any more."""
        self.processes.remove(process)

    def pass_time(self, seconds: float) -> None:
        """Time passed for all processes that are not frozen."""
        self.now_s += seconds
        for process in self.processes:
            process.pass_time(self.now_s)
