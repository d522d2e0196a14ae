import json

from scaisend.delivery.sweep_worker import MOST_RESENDS
from scaisend.faults import Unavailable
from scaisend.messages.depths_store import depths_across_tenants
from scaisend.messages.store import HELD_AT, micros
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from tests.delivery.test_worker import WorkerTestCase
from tests.world.messages import To, insert_message
from tests.world.processes import PATIENCE, Process
from tests.world.road import LEASE_S
from tests.world.tenants import NOW, now


class SweepTests(WorkerTestCase):
    def idle(self, **more: object) -> Process:
        """A process whose workers take nothing, so that what its sweep pushes can be seen."""
        process = self.world.start(**more)
        process.delivery.running = process.rendering.running = 0
        self.world.pass_time(6)
        return process

    def pushed(self, process: Process, name: str) -> list[str]:
        return now(self, process.queue.claim(name, "test", 100, 0))

    def in_doubt(self, **more: object) -> str:
        """The id of a message whose only recipient has been in doubt for long enough."""
        made = self.database.now(
            insert_message, self.ids, self.tenant.id, [To(status="in_doubt", attempt_id="att_1", due_at=NOW, waiting="in_doubt", **more)], status="in_doubt", body=b"mail")
        return made.id

    def test_ready_ones_are_pushed(self) -> None:
        """What is due and only waits for a claim is pushed, and left as it is."""
        message_id = self.stored()
        process = self.idle()
        now(self, process.delivery_sweep.turn())
        self.assertEqual((self.pushed(process, SMTP_DELIVER), self.pushed(process, EMAIL_PROCESS)), ([f"{message_id}.0"], []))

    def test_a_dead_process_before_the_dot(self) -> None:
        """A claim that lapsed before anything was sent is rendered again when no body is there, without an event."""
        process, message_id, _ = self.in_hands()
        self.world.kill(process)
        self.world.pass_time(LEASE_S - 1)
        other = self.idle(renders=False)
        now(self, other.delivery_sweep.turn())
        self.assertEqual(self.pushed(other, EMAIL_PROCESS), [message_id])
        self.assertEqual(self.recipients(message_id, "status, attempt_id, due_at"), [("queued", None, None)])
        self.assertEqual(self.timeline(message_id), ["processed"])

    def test_a_dead_process_after_the_mark(self) -> None:
        """What was `sending` falls into doubt once, and keeps its attempt for a late result."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        self.world.kill(process)
        self.world.pass_time(LEASE_S)
        other = self.idle()
        for _ in range(2):
            now(self, other.delivery_sweep.turn())
        self.assertEqual(self.timeline(message_id), ["processed", "in_doubt"])
        ((status, attempt_id, due_at, attempts),) = self.recipients(message_id, "status, attempt_id, due_at, attempts")
        self.assertEqual((status, attempt_id, attempts), ("in_doubt", job.context, 1))
        self.assertTrue(micros(self.now_s + PATIENCE.in_doubt_wait_s) <= due_at <= micros(self.now_s + PATIENCE.in_doubt_wait_s * 1.06))

    def test_resent(self) -> None:
        """After the wait a recipient in doubt is sent again, and the resend is counted."""
        message_id = self.in_doubt()
        process = self.idle()
        for _ in range(2):
            now(self, process.delivery_sweep.turn())
        self.assertEqual(self.recipients(message_id, "status, attempt_id, resends"), [("queued", None, 1)])
        self.assertEqual((self.timeline(message_id)[-1], self.message(message_id)), ("resent", ("queued",)))
        self.assertEqual(self.pushed(process, SMTP_DELIVER), [f"{message_id}.0"])

    def test_held(self) -> None:
        """With policy `hold` a recipient in doubt stays so until somebody decides, and operators see it among what waits."""
        message_id = self.in_doubt()
        now(self, self.idle(policy="hold").delivery_sweep.turn())
        self.assertEqual(self.recipients(message_id, "status, waiting, due_at"), [("in_doubt", "held", micros(HELD_AT))])
        found = self.database.now(depths_across_tenants, self.world.now_s)
        self.assertEqual((found.recipients["in_doubt"], found.due[SMTP_DELIVER]), (1, 0))
        self.world.pass_time(86_400 * 30)
        now(self, self.idle(policy="hold").delivery_sweep.turn())
        self.assertEqual(self.recipients(message_id, "status, waiting"), [("in_doubt", "held")])

    def test_copies_end(self) -> None:
        """A recipient whose host never answers is given up after so many resends."""
        message_id = self.in_doubt(resends=MOST_RESENDS)
        now(self, self.idle().delivery_sweep.turn())
        self.assertEqual(self.recipients(message_id), ["bounced"])
        ((detail,),) = self.database.rows("SELECT detail FROM events WHERE type = 'bounce'")
        self.assertEqual(json.loads(detail)["bounce_type"], "soft")

    def test_no_tenant_hides_another(self) -> None:
        """With more due than one turn takes, each tenant's share is looked at."""
        for _ in range(60):
            self.stored()
        theirs = self.stored(caller=self.stranger)
        process = self.idle()
        found = now(self, process.delivery_sweep.due_ids(40))
        self.assertEqual((len(found), f"{theirs}.0" in found), (40, True))

    def test_without_a_queue(self) -> None:
        """Lapsed claims are seen to while the queue is away."""
        process, message_id, (job,) = self.in_hands()
        process.mark(job)
        self.world.kill(process)
        self.world.pass_time(LEASE_S)
        other = self.idle()

        async def away(*_: object) -> None:
            raise Unavailable("redis")

        other.queue.beat = other.queue.push = away  # type: ignore[method-assign, assignment]
        self.assertRaises(Unavailable, now, self, other.delivery_sweep.turn())
        self.assertEqual(self.recipients(message_id), ["in_doubt"])
        self.database.away = True
        self.assertEqual(now(self, other.delivery_sweep.due_ids(10)), [])
