"""Scheduled mail: over restarts, deaths and clocks that are set forth and back none is lost, and none goes before its moment."""

import gc

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from scaisend.http.call import Call
from scaisend.messages.status import ENDED
from scaisend.sending import batches_store
from scaisend.sending.accept import Accepted
from scaisend.sending.batches_api import BatchesApi
from scaisend.sending.batches_store import HELD_FOR_S, VALID_FOR_S
from scaisend.sending.expiry import discard_expired
from tests.world.processes import Process, World
from tests.world.road import RoadTestCase, body
from tests.world.tenants import NOW, call_by, now

HOUR = 3600.0
PICK = st.integers(0, 1_000_000)
DELAYS = (0, 1, 90, 1800, 20_000, 72 * 3600)


class Times(RuleBasedStateMachine):
    """Processes share a wall clock that an operator sets wrong; `latest` is the latest moment that it ever showed."""

    def __init__(self) -> None:
        super().__init__()
        self.house = RoadTestCase("run")
        self.house.setUp()
        self.database = self.house.database
        self.database.now(batches_store.make, self.house.tenant.id, "b1", NOW)
        self.world = World(self.database, self.house.ids, NOW)
        self.world.start()
        self.latest = NOW

    @rule(delay_s=st.sampled_from(DELAYS), is_batched=st.booleans())
    def send(self, delay_s: int, is_batched: bool) -> None:
        wall = self.world.wall()
        more: dict[str, object] = {"batch_id": "b1"} if is_batched else {}
        given = body("r@x.test", **more, **({"send_at": int(wall) + delay_s} if delay_s else {}))
        self.house.clock.advance(wall - self.house.clock.seconds())
        (accepted,) = self.house.accept(self.house.submission(given))
        assert isinstance(accepted, Accepted), accepted

    @rule(seconds=st.sampled_from((1.0, 89.0, 1700.0, 19_000.0)), is_swept=st.booleans())
    def pass_time(self, seconds: float, is_swept: bool) -> None:
        self.world.pass_time(seconds)
        self.look()
        for process in self.world.processes if is_swept else ():
            process.sweep()

    @rule(seconds=st.sampled_from((-90_000.0, -1800.0, -1.0, 1.0, 1800.0, 90_000.0)))
    def set_the_clock(self, seconds: float) -> None:
        """It is set wrong by as much, or right again."""
        self.world.skew_s = 0.0 if self.world.skew_s else seconds
        self.look()

    @rule(which=PICK)
    def work(self, which: int) -> None:
        self.go_on(self.world.processes[which % len(self.world.processes)])

    @rule(which=PICK, is_held=st.booleans())
    def restart(self, which: int, is_held: bool) -> None:
        """A process dies, with what it holds; another one comes."""
        process = self.world.processes[which % len(self.world.processes)]
        if is_held:
            process.sweep()
        self.world.kill(process)
        self.world.start()

    @rule()
    def wipe(self) -> None:
        """The queues are gone."""
        for process in list(self.world.processes):
            self.world.kill(process)
        self.world.start()

    @rule(status=st.sampled_from(("pause", "open")))
    def batch(self, status: str) -> None:
        self.database.now(batches_store.set_status, self.house.tenant.id, "b1", status, self.world.wall())

    @invariant()
    def none_goes_early(self) -> None:
        """A final dot was written only for mails whose moment some clock had shown."""
        early = [
            row for row in self.database.rows("SELECT r.id, m.send_at, m.status FROM recipients r JOIN messages m ON m.id = r.message_id WHERE m.send_at IS NOT NULL")
            if self.world.dots[row[0]] and row[1] > self.latest * 1_000_000
        ]
        assert not early, (early, self.latest)

    @invariant()
    def none_is_forgotten(self) -> None:
        """Each open mail has a moment, or its recipients have, or its batch's resume finds it."""
        lost = self.database.rows(
            "SELECT r.id, r.status, m.status FROM recipients r JOIN messages m ON m.id = r.message_id WHERE r.due_at IS NULL AND m.due_at IS NULL "
            "AND m.status <> 'paused' AND r.status NOT IN ('delivered', 'bounced', 'failed', 'dropped', 'cancelled', 'sandbox')")
        assert not lost, lost

    def teardown(self) -> None:
        """With the clock right again and time enough, every mail was delivered."""
        self.world.skew_s = 0.0
        self.batch("open")
        for _ in range(60):
            if not self.open():
                break
            self.world.pass_time(2 * HOUR)
            self.look()
            for process in self.world.processes:
                self.go_on(process)
            self.none_goes_early()
        assert not self.open(), self.open()
        assert all(self.world.dots[row[0]] for row in self.database.rows("SELECT id FROM recipients")), self.world.dots

    def look(self) -> None:
        self.latest = max(self.latest, self.world.wall())

    def go_on(self, process: Process) -> None:
        process.sweep()
        for job in list(process.hosts.jobs):
            process.deliver(job)
        process.turn()

    def open(self) -> list[tuple[object, ...]]:
        return [row for row in self.database.rows("SELECT id, status, due_at FROM recipients") if row[1] not in ENDED]


class ScheduleTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = BatchesApi(database=self.database, ids=self.ids)
        self.database.now(batches_store.make, self.tenant.id, "b1", NOW)
        self.world = World(self.database, self.ids, NOW)
        self.process = self.world.start()

    def call(self, **path: str) -> Call:
        return call_by(self.caller, path={"batch_id": "b1", **path}, now_s=self.world.wall())

    def stop(self, status: str) -> None:
        call = call_by(self.caller, body=f'{{"batch_id": "b1", "status": "{status}"}}'.encode(), now_s=self.world.wall())
        self.assertEqual(now(self, self.api.stop(call)).status, 201)

    def resume(self) -> None:
        self.assertEqual(now(self, self.api.resume(self.call())).status, 204)

    def at(self, after_s: float) -> None:
        """It is so many seconds after NOW, and everybody did his work."""
        self.world.pass_time(NOW + after_s - self.world.now_s)
        for process in self.world.processes:
            process.sweep()
            for job in list(process.hosts.jobs):
                process.deliver(job)
            process.turn()

    def test_clocks_and_restarts(self) -> None:
        """Whatever happens, none is lost and none goes early."""
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Times, settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]))
        gc.collect()
        self.flushLoggedErrors()

    def test_to_the_second(self) -> None:
        """A mail of 72 hours goes within a second of its moment, by a process that was started meanwhile, and not before."""
        message_id = self.send("a@x.test", send_at=int(NOW) + 72 * 3600)
        self.at(HOUR)
        self.world.kill(self.process)
        self.world.start()
        self.at(72 * HOUR - 1)
        self.assertEqual((self.message(message_id), self.world.dots.total()), (("scheduled",), 0))
        self.at(72 * HOUR)
        self.assertEqual(self.recipients(message_id), ["delivered"])

    def test_cancel(self) -> None:
        """Mails of a cancelled batch wait for their moment and are discarded then; a resume before brings them back, one after does not."""
        one, two = self.send("a@x.test", batch_id="b1", send_at=int(NOW) + 600), self.send("b@x.test", batch_id="b1", send_at=int(NOW) + 7200)
        self.stop("cancel")
        self.assertEqual((self.message(one), self.message(two)), (("scheduled",), ("scheduled",)))
        self.at(600)
        self.assertEqual((self.message(one), self.message(two)), (("cancelled",), ("scheduled",)))
        self.resume()
        self.at(8000)
        self.assertEqual((self.message(one), self.recipients(two), self.world.dots.total()), (("cancelled",), ["delivered"], 1))

    def test_pause(self) -> None:
        """Mails of a paused batch are held over their moment, and go at once on a resume; those whose moment is to come wait for it."""
        due, later = self.send("a@x.test", batch_id="b1", send_at=int(NOW) + 600), self.send("b@x.test", batch_id="b1", send_at=int(NOW) + 7200)
        self.stop("pause")
        self.at(3600)
        self.assertEqual((self.message(due), self.world.dots.total()), (("paused",), 0))
        self.resume()
        self.at(3601)
        self.assertEqual((self.recipients(due), self.message(later)), (["delivered"], ("scheduled",)))
        self.at(7200)
        self.assertEqual(self.recipients(later), ["delivered"])

    def test_cancelled_out_of_a_pause(self) -> None:
        """A paused batch may be cancelled by PATCH: what was held is discarded."""
        message_id = self.send("a@x.test", batch_id="b1", send_at=int(NOW) + 600)
        self.stop("pause")
        self.at(3600)
        call = call_by(self.caller, body=b'{"status": "cancel"}', path={"batch_id": "b1"}, now_s=self.world.wall())
        self.assertEqual(now(self, self.api.change(call)).status, 204)
        self.at(3601)
        self.assertEqual((self.message(message_id), self.world.dots.total()), (("cancelled",), 0))

    def test_held_for_72_hours(self) -> None:
        """A resume that comes more than 72 hours late sends nothing: the mail expired, whether somebody looked meanwhile or not."""
        for looks in (True, False):
            self.world.skew_s = 0.0
            message_id = self.send("a@x.test", batch_id="b1", send_at=int(self.now_s) + 600)
            self.stop("pause")
            self.world.pass_time(600 + HELD_FOR_S + 1)
            if looks:
                self.database.now(discard_expired, self.ids, self.world.wall())
            self.resume()
            self.at(self.world.now_s - NOW + 5)
            self.assertEqual((self.message(message_id), self.world.dots.total()), (("cancelled",), 0))
            self.clock.advance(self.world.now_s - self.clock.seconds())

    def test_batch_ids_are_good_for_ten_days(self) -> None:
        """After ten days a mail cannot name the batch and nobody is told of it; what is in it can still be stopped and resumed."""
        self.clock.advance(VALID_FOR_S - 1)
        self.world.pass_time(VALID_FOR_S - 1)
        message_id = self.send("a@x.test", batch_id="b1", send_at=int(self.now_s) + 72 * 3600)
        self.clock.advance(2)
        self.world.pass_time(2)
        (refused,) = self.accept(self.submission(body(batch_id="b1")))
        self.assertIn("batch_id", str(refused))
        self.assertRaisesRegex(Exception, "batch id not found", now, self, self.api.show(self.call()))
        self.stop("cancel")
        self.at(self.world.now_s - NOW + 73 * HOUR)
        self.assertEqual((self.message(message_id), self.world.dots.total()), (("cancelled",), 0))
        self.world.pass_time(30 * 24 * HOUR)
        self.assertEqual(now(self, self.api.stopped(self.call())).body, b"[]")
