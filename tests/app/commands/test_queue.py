import time
from types import SimpleNamespace

from twisted.internet.task import Clock

from scaisend.app.commands.queue import depths, requeue, requeue_failed
from scaisend.faults import Conflict, NotFound
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.queue import EMAIL_PROCESS, SMTP_DELIVER
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker, make_a_tenant, now


class QueueTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.queue = MemoryQueue(reactor=Clock(), new_mark=lambda: "mark")
        self.adapters = SimpleNamespace(database=self.database, ids=self.ids, queue=self.queue, has_queue_server=True)

    def make(self, *recipients: To, tenant_id: str = "tnt_a", **more):  # type: ignore[no-untyped-def]
        return self.database.now(insert_message, self.ids, tenant_id, recipients, **more)

    def waiting(self, name: str) -> int:
        return now(self, self.queue.depth(name)).waiting

    def test_depths(self) -> None:
        """Due, later and oldest from the database, held from the queue server; null where there is none."""
        tenant = make_a_tenant(self.database, self.ids)
        self.make(To(), due_at=time.time() - 60, tenant_id=tenant.id)
        self.make(To(), due_at=time.time() + 60, tenant_id=tenant.id)
        now(self, self.queue.push(EMAIL_PROCESS, ["msg_1"]))
        row = now(self, depths(self.adapters))["queues"][0]
        self.assertEqual((row["queue"], row["waiting"], row["later"], row["in_queue"], row["in_flight"]), (EMAIL_PROCESS, 1, 1, 1, 0))
        self.assertTrue(59 < row["oldest_age_s"] < 90)
        self.adapters.has_queue_server = False
        self.assertIsNone(now(self, depths(self.adapters))["queues"][0]["in_queue"])

    def test_requeue(self) -> None:
        """A message, or one of its recipients, is tried again and pushed; what is in doubt is sent again as a possible copy."""
        made = self.make(
            To(status="in_doubt", waiting="held", attempt_id="att"), To("b@x.test", "deferred", "retry", due_at=NOW + 60), status="in_doubt", body=b"mail"
        )
        self.assertEqual(now(self, requeue(self.adapters, made.recipients[0], None)), 1)
        self.assertEqual(self.database.rows("SELECT status, resends FROM recipients WHERE id = ?", made.recipients[0]), [("queued", 1)])
        self.assertEqual((self.waiting(SMTP_DELIVER), self.waiting(EMAIL_PROCESS)), (1, 0))
        self.assertEqual(now(self, requeue(self.adapters, made.id, "tnt_a")), 2)
        self.assertEqual(self.waiting(SMTP_DELIVER), 2)

    def test_nothing_to_put_back(self) -> None:
        """Unknown ids and other tenants' are not found; what was delivered stays so."""
        made = self.make(To(status="delivered", waiting=None), status="delivered")
        self.assertRaises(Conflict, now, self, requeue(self.adapters, made.id, None))
        for given, tenant_id in ((made.id, "tnt_b"), ("msg_" + "0" * 26, None), ("ü", None), (made.id + ".7", None), (made.id + ".", None)):
            self.assertRaises(NotFound, now, self, requeue(self.adapters, given, tenant_id))

    def test_scheduled_mail_is_not_sent_early(self) -> None:
        """A scheduled or paused message is not put into the queue by hand."""
        for status in ("scheduled", "paused"):
            made = self.make(To(), status=status, due_at=NOW + 500)
            self.assertRaises(Conflict, now, self, requeue(self.adapters, made.id, None))

    def test_requeue_failed(self) -> None:
        """All that failed since a moment is rendered again, of one tenant if so wished."""
        for tenant_id in ("tnt_a", "tnt_a", "tnt_b"):
            self.make(To(status="failed", waiting=None), To("b@x.test", "delivered", None), status="failed", tenant_id=tenant_id)
        self.assertEqual(now(self, requeue_failed(self.adapters, NOW + 1, None)), 0)
        self.assertEqual(now(self, requeue_failed(self.adapters, NOW - 1, "tnt_a")), 2)
        self.assertEqual(now(self, requeue_failed(self.adapters, NOW - 1, None)), 1)
        self.assertEqual(self.waiting(EMAIL_PROCESS), 3)
