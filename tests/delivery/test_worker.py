from typing import Any

from twisted.internet.defer import Deferred

from scaisend.delivery.job import DEFERRED, DOT, REFUSED, WAIT, Outcome
from scaisend.delivery.worker import KEPT_MOST_BYTES, Bounds
from scaisend.faults import Unavailable
from scaisend.messages.portion import POISONED_AFTER
from scaisend.messages.store import micros
from scaisend.storage.queue import SMTP_DELIVER
from tests.world.processes import Process, World
from tests.world.road import LEASE_S, RoadTestCase
from tests.world.tenants import NOW, now

LATER = Outcome(DEFERRED, DOT, 451, "4.3.0", "later", host="mx.test", address="192.0.2.1", dialogue="C: MAIL\nS: 451 later", reached_dot=True)


class WorkerTestCase(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World(self.database, self.ids, NOW)

    @property
    def now_s(self) -> float:
        return self.world.now_s if hasattr(self, "world") else NOW

    def in_hands(self, *to: str, **more: Any) -> tuple[Process, str, list[Any]]:
        """A process that holds a mail to these addresses; the message's id and its jobs."""
        message_id = self.send(*to)
        process = self.world.start(**more)
        process.sweep()
        return process, message_id, sorted(process.hosts.jobs, key=lambda job: job.recipient_id)

    def stored(self, *to: str, **fields: object) -> str:
        """The id of a message whose body is stored, and whose recipients are due for delivery."""
        message_id = self.send(*to, **fields)
        renderer = self.world.start(delivers=False)
        renderer.sweep()
        self.world.kill(renderer)
        return message_id

    def hand(self, process: Process) -> tuple[int, int, int]:
        return process.delivery.in_hand, process.delivery.unrecorded, process.delivery._in_hand.size_bytes


class DeliveryTests(WorkerTestCase):
    def test_delivered(self) -> None:
        """A 250 ends the recipient, and nothing is left of the mail."""
        process, message_id, (job,) = self.in_hands()
        self.assertEqual((job.envelope_to, job.domain, self.hand(process)[0]), ("jane@example.com", "example.com", 1))
        process.deliver(job)
        process.turn()
        self.assertEqual(self.recipients(message_id, "status, attempt_id, due_at, attempts"), [("delivered", None, None, 1)])
        self.assertEqual((self.message(message_id), self.timeline(message_id)), (("delivered",), ["processed", "delivered"]))
        self.assertEqual((self.hand(process), self.count("bodies")), ((0, 0, 0), 0))

    def test_deferred_keeps_the_body_and_comes_again(self) -> None:
        """A 4xx keeps the rendered mail and its dialogue; at its moment the recipient is claimed again, and the body goes with its end."""
        process, message_id, (job,) = self.in_hands()
        process.deliver(job, LATER)
        process.turn()
        (row,) = self.recipients(message_id, "status, waiting, attempt_id, tries, attempts, claims")
        self.assertEqual(row, ("deferred", "retry", None, 1, 1, 0))
        self.assertEqual((self.count("bodies"), self.count("dialogues")), (1, 1))
        self.world.pass_time(60)
        process.sweep()
        (again,) = process.hosts.jobs
        self.assertEqual((again.body, again.envelope_from), (job.body, job.envelope_from))
        process.deliver(again)
        process.turn()
        self.assertEqual((self.timeline(message_id), self.count("bodies")), (["processed", "deferred", "delivered"], 0))

    def test_several_recipients_of_one_stored_mail(self) -> None:
        """A mail claimed once a recipient frees its room once a recipient; its body stays until the last one ended."""
        message_id = self.stored("a@x.test", "b@x.test", "c@x.test")
        process = self.world.start()
        process.sweep()
        jobs = sorted(process.hosts.jobs, key=lambda job: job.recipient_id)
        self.assertEqual(len(jobs), 3)
        for job in jobs[:2]:
            process.deliver(job)
        process.turn()
        self.assertEqual((self.count("bodies"), self.hand(process)[0], self.message(message_id)), (1, 1, ("queued",)))
        process.deliver(jobs[2], Outcome(REFUSED, DOT, 550, "5.1.1", "no such user"))
        process.turn()
        self.assertEqual((self.count("bodies"), self.hand(process), self.message(message_id)), (0, (0, 0, 0), ("bounced",)))

    def test_put_back(self) -> None:
        """What was not tried goes back without an event, marked or not."""
        process, message_id, jobs = self.in_hands("a@x.test", "b@x.test")
        process.mark(jobs[0])
        for job in jobs:
            process.hosts.answer(job, Outcome("backoff", WAIT, text="busy", waiting="destination_busy"))
        process.turn()
        self.assertEqual(self.recipients(message_id, "status, waiting, attempt_id, attempts"), [("queued", "destination_busy", None, 0)] * 2)
        self.assertEqual((self.timeline(message_id), self.count("bodies")), (["processed"] * 2, 1))

    def test_large_mails_are_not_kept(self) -> None:
        """A mail too large to be kept is rendered again for its next attempt."""
        message_id = self.send(content=[{"type": "text/plain", "value": "x" * (KEPT_MOST_BYTES + 10)}])
        process = self.world.start()
        process.sweep()
        (job,) = process.hosts.jobs
        self.assertIsNone(job.body)
        process.deliver(job, LATER)
        process.turn()
        self.assertEqual(self.count("bodies"), 0)
        self.world.pass_time(60)
        process.sweep()
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)
        self.assertEqual(self.recipients(message_id, "status, tries"), [("deferred", 1)])


class RecordingTests(WorkerTestCase):
    def test_a_250_outlives_an_outage(self) -> None:
        """An outcome that cannot be recorded is kept and tried again until it is written, however long that takes."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        self.database.away = True
        process.deliver(job)
        process.turn()
        self.world.pass_time(30)
        self.assertEqual((self.hand(process)[0], process.delivery.unrecorded), (0, 1))
        self.database.away = False
        self.world.pass_time(2)
        self.assertEqual((self.recipients(message_id), self.world.dots[f"{message_id}.0"], process.delivery.unrecorded), (["delivered"], 1, 0))

    def test_an_outcome_that_cannot_be_judged(self) -> None:
        """When judging fails the room is free again and the lease runs out, so that the recipient is tried again."""
        process, message_id, (job,) = self.in_hands()
        process.hosts.answer(job, Outcome(DEFERRED, DOT, 451, None, None))  # type: ignore[arg-type]
        process.turn()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.hand(process), (0, 0, 0))
        self.world.pass_time(LEASE_S + 1)
        process.sweep()
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_no_claims_while_much_is_unrecorded(self) -> None:
        """Outcomes that wait to be recorded count against the room."""
        process = self.world.start()
        process.delivery.unrecorded = 501
        self.stored()
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)  # the claim that already waited
        self.stored()
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_room(self) -> None:
        """With its hands full the process claims no more, and goes on when a mail has ended."""
        first, second = self.stored("a@x.test"), self.stored("b@x.test")
        process = self.world.start(bounds=Bounds(recipients=1, lease_s=LEASE_S))
        now(self, process.queue.push(SMTP_DELIVER, [f"{first}.0"]))
        process.turn()
        now(self, process.queue.push(SMTP_DELIVER, [f"{second}.0"]))
        process.turn()
        (job,) = process.hosts.jobs
        process.deliver(job)
        process.turn()
        self.assertEqual([each.recipient_id for each in process.hosts.jobs], [f"{second}.0"])


class FenceTests(WorkerTestCase):
    def test_no_dot_after_the_lease(self) -> None:
        """A process that stood still past its lease writes no final dot, and hands the recipient back."""
        process, message_id, (job,) = self.in_hands()
        self.assertTrue(process.mark(job))
        process.is_frozen = True
        self.world.pass_time(LEASE_S)
        self.assertFalse(process.dot(job))
        process.turn()
        self.assertEqual(self.recipients(message_id, "status, attempt_id"), [("queued", None)])
        self.assertEqual(self.world.dots.total(), 0)

    def test_what_never_reached_the_dot_leaves_doubt(self) -> None:
        """A recipient that fell into doubt leaves it when its process says that the dot was not written."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        process.is_frozen = True
        self.world.pass_time(LEASE_S + 1)
        self.world.start().sweep()
        self.assertEqual((self.recipients(message_id), self.message(message_id)), (["in_doubt"], ("in_doubt",)))
        process.dot(job)
        process.turn()
        self.assertEqual((self.recipients(message_id, "status, attempt_id"), self.message(message_id)), ([("deferred", None)], ("queued",)))

    def test_a_late_250_ends_the_doubt(self) -> None:
        """A 250 that comes while its recipient is in doubt is recorded."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        process.dot(job)
        process.is_frozen = True
        self.world.pass_time(LEASE_S + 1)
        self.world.start().sweep()
        process.hosts.answer(job, Outcome("delivered", DOT, 250, None, "ok", reached_dot=True))
        process.turn()
        self.assertEqual((self.recipients(message_id), self.timeline(message_id)), (["delivered"], ["processed", "in_doubt", "delivered"]))

    def test_taken_over_before_the_mark(self) -> None:
        """A recipient that another process took over cannot be marked by the first, and is not released by it either."""
        process, message_id, (job,) = self.in_hands()
        process.is_frozen = True
        self.world.pass_time(LEASE_S + 1)
        other = self.world.start()
        for _ in range(2):
            other.sweep()
        (theirs,) = other.hosts.jobs
        self.assertTrue(other.mark(theirs))
        self.assertFalse(process.mark(job))
        process.turn()
        self.assertEqual(self.recipients(message_id, "status, attempt_id"), [("sending", theirs.context)])
        other.deliver(theirs)
        self.assertEqual(self.world.dots.total(), 1)

    def test_a_stale_release_beside_a_good_one(self) -> None:
        """A release counts for its own attempt only, though another release of its transaction names the attempt that holds the recipient now."""
        process, message_id, (stale,) = self.in_hands("a@x.test")
        process.is_frozen = True
        self.world.pass_time(LEASE_S + 1)
        process.is_frozen = False
        process.delivery._renewals.stop()
        self.send("b@x.test")
        process.pass_time(self.world.now_s)
        for _ in range(3):
            process.sweep()
        theirs = {job.envelope_to: job for job in process.hosts.jobs if job is not stale}
        self.assertEqual(len({job.context for job in theirs.values()}), 1)
        process.mark(theirs["a@x.test"])
        for job in (stale, theirs["b@x.test"]):
            process.hosts.answer(job, Outcome("backoff", WAIT, text="busy", waiting="destination_busy"))
        process.turn()
        self.assertEqual(self.recipients(message_id, "status, attempt_id"), [("sending", theirs["a@x.test"].context)])

    def test_leases_are_renewed(self) -> None:
        """While a host takes its time the lease goes on: nobody takes the recipient over, and the dot may still be written."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        for _ in range(6):
            self.world.pass_time(30)
            process.sweep()
        self.assertEqual(self.recipients(message_id, "status, attempt_id"), [("sending", job.context)])
        process.deliver(job)
        process.turn()
        self.assertEqual(self.timeline(message_id), ["processed", "delivered"])

    def test_one_lost_lease_costs_no_other(self) -> None:
        """When one recipient of a lease is lost, that one is fenced off, and the lease of the others goes on."""
        process, message_id, jobs = self.in_hands("a@x.test", "b@x.test")
        self.set_row("UPDATE recipients SET attempt_id = 'att_other' WHERE id = ?", f"{message_id}.0")
        self.world.pass_time(35)
        self.assertEqual([job.may_finish() for job in jobs], [False, True])

    def test_an_ended_recipient_is_no_lost_lease(self) -> None:
        """A lease goes on for those that are left, though some of its recipients ended meanwhile."""
        process, message_id, jobs = self.in_hands("a@x.test", "b@x.test")
        process.deliver(jobs[0])
        self.world.pass_time(100)
        self.assertTrue(jobs[1].may_finish())

    def test_renewal_after_an_outage(self) -> None:
        """A lease that nobody took over meanwhile is good again once it could be renewed."""
        process, message_id, (job,) = self.in_hands()
        self.database.away = True
        self.world.pass_time(LEASE_S + 5)
        self.assertFalse(job.may_finish())
        self.database.away = False
        self.world.pass_time(11)
        self.assertTrue(job.may_finish())
        process.deliver(job)
        process.turn()
        self.assertEqual(self.recipients(message_id), ["delivered"])


class ClaimTests(WorkerTestCase):
    def test_an_outage_leaves_no_id_in_flight(self) -> None:
        """Ids that could not be claimed from the database can be pushed again."""
        message_id = self.stored()
        process = self.world.start()
        now(self, process.queue.push(SMTP_DELIVER, [f"{message_id}.0"]))
        self.database.away = True
        process.turn()
        self.assertEqual(now(self, process.queue.depth(SMTP_DELIVER)).in_flight, 0)
        self.database.away = False
        self.world.pass_time(2)
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_without_a_queue(self) -> None:
        """While the queue is away the database says what is due."""
        message_id = self.stored()

        async def away(*_: object) -> list[str]:
            raise Unavailable("redis")

        process = self.world.start()
        process.queue.claim = away  # type: ignore[method-assign]
        self.world.pass_time(6)
        self.assertEqual([job.recipient_id for job in process.hosts.jobs], [f"{message_id}.0"])

    def test_a_body_that_is_gone(self) -> None:
        """A recipient whose body is not there waits for its message to be rendered again."""
        message_id = self.stored()
        self.set_row("DELETE FROM bodies")
        process = self.world.start(renders=False)
        process.sweep()
        self.assertEqual(self.message(message_id, "status, due_at"), ("queued", micros(NOW)))
        self.assertEqual(self.recipients(message_id, "status, waiting, due_at, attempt_id"), [("queued", "rendering", None, None)])

    def test_poisoned(self) -> None:
        """A recipient that killed its workers again and again is set aside, with the reason."""
        message_id = self.stored()
        self.set_row("UPDATE recipients SET claims = ?", POISONED_AFTER)
        process = self.world.start()
        process.sweep()
        self.world.pass_time(1)
        ((status, reason),) = self.recipients(message_id, "status, reason")
        self.assertEqual((status, "set aside" in reason, len(process.hosts.jobs)), ("failed", True, 0))

    def test_a_bad_mail_fails_alone(self) -> None:
        """A mail that cannot be prepared keeps none of its batch from going out, and is looked at again when its lease ends."""
        good, bad, also = self.stored("a@x.test"), self.stored("b@x.test"), self.stored("c@x.test", caller=self.stranger)
        self.set_row("UPDATE bodies SET content = ? WHERE message_id = ?", b"no mail at all", bad)
        process = self.world.start()
        process.sweep()
        self.assertEqual(sorted(job.recipient_id for job in process.hosts.jobs), [f"{good}.0", f"{also}.0"])
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(process.delivery.in_hand, 2)
        self.assertEqual(self.recipients(bad), ["queued"])


class StopTests(WorkerTestCase):
    def test_stop(self) -> None:
        """At the end open outcomes were recorded and the rest is back in the queue: nobody waits for a lease."""
        process, message_id, jobs = self.in_hands("a@x.test", "b@x.test", "c@x.test")
        process.mark(jobs[1])
        process.deliver(jobs[0])
        stopped = process.delivery.stop(10)
        done = Deferred.fromCoroutine(stopped)
        for _ in range(40):
            process.clock.advance(0.05)
        self.successResultOf(done)
        self.assertEqual(self.recipients(message_id, "status, attempt_id"), [("delivered", None), ("queued", None), ("queued", None)])
        self.assertEqual(self.hand(process), (0, 0, 0))

    def test_stop_waits_for_what_cannot_be_recorded_yet(self) -> None:
        """A stop during an outage waits for its limit, and records the 250 if the database comes back within it."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        self.database.away = True
        process.deliver(job)
        done = Deferred.fromCoroutine(process.delivery.stop(10))
        process.pass_time(NOW + 3)
        self.assertNoResult(done)
        self.database.away = False
        process.pass_time(NOW + 6)
        self.successResultOf(done)
        self.assertEqual(self.recipients(message_id), ["delivered"])
