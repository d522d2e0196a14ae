import json

from twisted.internet.defer import Deferred

from scaisend.faults import Unavailable
from scaisend.messages.portion import POISONED_AFTER
from scaisend.messages.store import micros
from scaisend.sending import batches_store
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from tests.delivery.test_worker import WorkerTestCase
from tests.world.road import LEASE_S
from tests.world.tenants import NOW, now


class RenderTests(WorkerTestCase):
    def test_handed_over_in_memory(self) -> None:
        """With delivery in the process the mail goes on without touching the database again."""
        message_id = self.send()
        process = self.world.start()
        before = self.database.commits
        process.sweep()
        self.assertEqual((len(process.hosts.jobs), self.count("bodies")), (1, 0))
        self.assertEqual(self.recipients(message_id, "status, waiting"), [("queued", "rendering")])
        self.assertTrue(self.database.commits - before <= 6, self.database.commits - before)  # sweeps, the claim, the senders

    def test_stored_for_another_process(self) -> None:
        """Without delivery in the process the mail is stored and its recipients' ids are pushed."""
        message_id = self.send("a@x.test", "b@x.test")
        process = self.world.start(delivers=False)
        process.sweep()
        self.assertEqual((self.message(message_id, "status, has_body"), self.count("bodies")), (("rendered", 1), 1))
        self.assertEqual(now(self, process.queue.claim(SMTP_DELIVER, "t", 9, 0)), [f"{message_id}.0", f"{message_id}.1"])

    def test_large_texts_are_brought_from_the_object_store(self) -> None:
        """A text that was too large for its row is in the mail; while the store is away the mail waits."""
        message_id = self.send()
        payload = {"from": {"email": "a@good.test"}, "subject": "s", "content": [{"type": "text/plain", "object": "texts/t/1"}]}
        self.set_row("UPDATE mail_requests SET payload = ?", json.dumps(payload, separators=(",", ":")))
        kept: dict[str, bytes] = {}

        class Kept:
            async def get(self, key: str) -> bytes:
                if key not in kept:
                    raise Unavailable("objects")
                return kept[key]

        self.world.objects = Kept()
        process = self.world.start()
        process.sweep()
        self.assertEqual((list(process.hosts.jobs), self.recipients(message_id)), ([], ["queued"]))
        kept["texts/t/1"] = "gr\u00fc\u00dfe".encode()
        self.world.pass_time(LEASE_S + 1)
        for _ in range(3):
            process.sweep()
            self.world.pass_time(1)
        (job,) = process.hosts.jobs
        self.assertIn("Z3LDvMOfZQ==", job.body.decode())  # grüße

    def test_cannot_be_rendered(self) -> None:
        """A mail that cannot be rendered ends `failed` with the reason, and the others of its batch go out."""
        bad, good = self.send(), self.send()
        self.set_row("UPDATE messages SET personalization = '{\"from\": {\"email\": 5}}' WHERE id = ?", bad)
        process = self.world.start()
        process.sweep()
        ((status, reason),) = self.recipients(bad, "status, reason")
        self.assertEqual((status, reason), ("failed", "could not be rendered: from: the message has no sender"))
        self.assertEqual([job.recipient_id for job in process.hosts.jobs], [f"{good}.0"])

    def test_an_unforeseen_fault(self) -> None:
        """A fault of our own in rendering ends the one message, and is logged."""
        bad = self.send()
        self.set_row("UPDATE messages SET personalization = 'no JSON' WHERE id = ?", bad)
        self.world.start().sweep()
        self.assertEqual((self.recipients(bad), self.message(bad)), (["failed"], ("failed",)))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_poisoned(self) -> None:
        """A message that killed its workers again and again is set aside without being looked at."""
        message_id = self.send()
        self.set_row("UPDATE messages SET tries = ?, personalization = 'no JSON'", POISONED_AFTER)
        self.world.start().sweep()
        ((status, reason),) = self.recipients(message_id, "status, reason")
        self.assertEqual((status, "set aside" in reason), ("failed", True))

    def test_nobody_left(self) -> None:
        """A due message whose recipients all ended is not rendered, stored or counted."""
        message_id = self.send()
        self.set_row("UPDATE recipients SET status = 'cancelled'")
        for delivers in (True, False):
            self.set_row("UPDATE messages SET status = 'cancelled', due_at = ?", micros(NOW))
            process = self.world.start(delivers=delivers)
            process.sweep()
            self.assertEqual(self.message(message_id, "status, due_at"), ("cancelled", None))
            self.assertEqual((self.hand(process), self.count("bodies")), ((0, 0, 0), 0))

    def test_cancelled_batch(self) -> None:
        """A message of a cancelled batch ends when it is claimed."""
        self.database.now(batches_store.make, self.tenant.id, "b1", NOW)
        message_id = self.send(batch_id="b1")
        self.database.now(batches_store.set_status, self.tenant.id, "b1", "cancel", NOW)
        self.world.start().sweep()
        self.assertEqual((self.recipients(message_id), self.timeline(message_id)), (["cancelled"], ["processed", "cancelled"]))

    def test_paused_batch(self) -> None:
        """A message of a batch that was paused after the push is held back, and goes out after the resume."""
        self.database.now(batches_store.make, self.tenant.id, "b1", NOW)
        message_id = self.send(batch_id="b1")
        self.set_row("UPDATE batches SET status = 'pause'")
        process = self.world.start()
        process.sweep()
        self.assertEqual(self.message(message_id, "status, due_at"), ("paused", None))
        self.database.now(batches_store.set_status, self.tenant.id, "b1", "open", NOW)
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_killed_while_rendering(self) -> None:
        """What a process held when it died is rendered by another when the lease has ended."""
        message_id = self.send()
        self.claim(message_id, attempt_id="att_dead")
        process = self.world.start()
        self.world.pass_time(LEASE_S + 1)
        process.sweep()
        process.sweep()
        self.assertEqual([job.recipient_id for job in process.hosts.jobs], [f"{message_id}.0"])


class QueueTests(WorkerTestCase):
    def test_an_outage_leaves_no_id_in_flight(self) -> None:
        """Ids that could not be claimed from the database can be pushed again."""
        message_id = self.send()
        process = self.world.start()
        now(self, process.queue.push(EMAIL_PROCESS, [message_id]))
        self.database.away = True
        process.turn()
        self.assertEqual(now(self, process.queue.depth(EMAIL_PROCESS)).in_flight, 0)
        self.database.away = False
        self.world.pass_time(2)
        process.sweep()
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_without_a_queue(self) -> None:
        """While the queue is away the database says what is due."""
        self.send()

        async def away(*_: object) -> list[str]:
            raise Unavailable("redis")

        process = self.world.start()
        process.queue.claim = process.queue.acknowledge = away  # type: ignore[method-assign, assignment]
        self.world.pass_time(6)
        self.assertEqual(len(process.hosts.jobs), 1)

    def test_stop(self) -> None:
        """What is claimed from the queue after the stop goes back, and the stop waits for nothing."""
        message_id = self.send()
        process = self.world.start()
        self.successResultOf(Deferred.fromCoroutine(process.rendering.stop(5)))
        now(self, process.queue.push(EMAIL_PROCESS, [message_id]))
        process.turn()
        self.assertEqual(len(process.hosts.jobs), 0)
        depth = now(self, process.queue.depth(EMAIL_PROCESS))
        self.assertEqual((depth.waiting, depth.in_flight), (1, 0))
