from threading import Event

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.messages import status as states
from scaisend.sending import batches_store as store
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import InlineDatabase, inline_database
from tests.world.mariadb import private_mariadb

NOW = 1_800_000_000.0
US = 1_000_000


def add_message(database: InlineDatabase, message_id: str, status: str, *, send_at: float | None = None, **more: str | None) -> None:
    """A message row as acceptance leaves it, of tenant tnt_a and batch b1 unless told otherwise."""
    database.now(_insert_message, message_id, status, send_at, **more)


def _insert_message(
    txn: Txn, message_id: str, status: str, send_at: float | None, *, tenant_id: str = "tnt_a", batch_id: str | None = "b1",
    attempt_id: str | None = None,
) -> None:
    send_us = None if send_at is None else int(send_at * US)
    due_us = int(NOW * US) if send_us is None else send_us
    columns = (
        "id", "tenant_id", "request_id", "number", "from_email", "personalization", "status", "batch_id", "send_at", "due_at", "attempt_id",
        "accepted_at", "updated_at",
    )
    row = (message_id, tenant_id, "r", 0, "a@example.org", "{}", status, batch_id, send_us, due_us, attempt_id, int(NOW * US), int(NOW * US))
    txn.insert("messages", columns, [row])


class BatchesStoreTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        for tenant_id, batch_id in (("tnt_a", "b1"), ("tnt_a", "b2"), ("tnt_b", "b3")):
            self.database.now(store.make, tenant_id, batch_id, NOW)

    def messages(self) -> dict[str, tuple[str, int | None]]:
        rows = self.database.rows("SELECT id, status, due_at FROM messages")
        return {message_id: (status, due_at) for message_id, status, due_at in rows}

    def test_tenants(self) -> None:
        """A batch is known to its tenant alone."""
        self.assertEqual(self.database.now(store.get, "tnt_a", "b1"), store.Batch("b1", "open", NOW))
        self.assertIsNone(self.database.now(store.get, "tnt_b", "b1"))
        pairs = [("tnt_a", "b1"), ("tnt_b", "b1"), ("tnt_b", "b3"), ("tnt_a", "b9")]
        self.assertEqual(self.database.now(store.known_batches, pairs), {("tnt_a", "b1"), ("tnt_b", "b3")})
        self.assertEqual(self.database.now(store.statuses, []), {})

    def test_statuses(self) -> None:
        """Statuses are told by tenant and batch, with a lock or without; stopped ones are listed in the order of their change."""
        self.database.now(store.set_status, "tnt_a", "b2", "cancel", NOW + 1)
        self.database.now(store.set_status, "tnt_a", "b1", "pause", NOW + 2)
        expected = {("tnt_a", "b1"): "pause", ("tnt_a", "b2"): "cancel", ("tnt_b", "b3"): "open"}
        for lock in (False, True):
            self.assertEqual(self.database.now(store.statuses, sorted(expected), lock=lock), expected)
        self.assertEqual([each.id for each in self.database.now(store.stopped, "tnt_a", 10, NOW)], ["b2", "b1"])

    def test_pause(self) -> None:
        """A pause holds the batch's messages that wait and that nobody works on, and no others."""
        later = NOW + 3600
        add_message(self.database, "queued", states.QUEUED)
        add_message(self.database, "scheduled", states.SCHEDULED, send_at=later)
        add_message(self.database, "claimed", states.QUEUED, attempt_id="att_1")
        add_message(self.database, "rendered", states.RENDERED)
        add_message(self.database, "delivered", states.DELIVERED)
        add_message(self.database, "other batch", states.QUEUED, batch_id="b2")
        add_message(self.database, "no batch", states.QUEUED, batch_id=None)
        add_message(self.database, "other tenant", states.QUEUED, tenant_id="tnt_b")
        before = self.messages()
        self.assertEqual(self.database.now(store.apply_batch_status, "tnt_a", "b1", "pause", NOW), 2)
        self.assertEqual(self.messages(), {**before, "queued": ("paused", None), "scheduled": ("paused", None)})

    def test_resume(self) -> None:
        """A resume lets held messages go at their send_at, or now when it has passed; doing it again does nothing."""
        add_message(self.database, "queued", states.QUEUED)
        add_message(self.database, "soon", states.SCHEDULED, send_at=NOW + 60)
        add_message(self.database, "later", states.SCHEDULED, send_at=NOW + 3600)
        self.database.now(store.set_status, "tnt_a", "b1", "pause", NOW)
        resumed = int((NOW + 600) * US)
        self.assertEqual(self.database.now(store.apply_batch_status, "tnt_a", "b1", "open", NOW + 600), 3)
        self.assertEqual(self.messages(), {"queued": ("queued", resumed), "soon": ("queued", resumed), "later": ("scheduled", int((NOW + 3600) * US))})
        self.assertEqual(self.database.now(store.apply_batch_status, "tnt_a", "b1", "open", NOW + 900), 0)

    def test_cancel(self) -> None:
        """A cancel leaves the messages to the worker that claims them, and gives it the held ones too."""
        add_message(self.database, "scheduled", states.SCHEDULED, send_at=NOW + 60)
        before = self.messages()
        self.database.now(store.set_status, "tnt_a", "b1", "cancel", NOW)
        self.assertEqual(self.messages(), before)
        self.database.now(store.set_status, "tnt_a", "b1", "pause", NOW)
        self.database.now(store.set_status, "tnt_a", "b1", "cancel", NOW)
        self.assertEqual(self.messages(), before)

    def test_counts(self) -> None:
        """The messages of the batch are counted by status, those of another tenant under the same id are not."""
        for name, status in (("a", states.QUEUED), ("b", states.QUEUED), ("c", states.DELIVERED)):
            add_message(self.database, name, status)
        add_message(self.database, "d", states.QUEUED, tenant_id="tnt_b")
        self.assertEqual(self.database.now(store.counts, "tnt_a", "b1"), {"delivered": 1, "queued": 2})


class MariadbBatchesTests(ReactorTestCase):
    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        server = private_mariadb()
        self.database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(self.database.close)

    async def test_life(self) -> None:
        """The statements mean the same on MariaDB."""
        await self.database.run(store.make, "tnt_a", "b1", NOW)
        await self.database.run(_insert_message, "now", states.QUEUED, None)
        await self.database.run(_insert_message, "later", states.SCHEDULED, NOW + 3600)
        for status, expected in (
            ("pause", {"paused": 2}), ("cancel", {"queued": 1, "scheduled": 1}), ("pause", {"paused": 2}), ("open", {"queued": 1, "scheduled": 1}),
        ):
            await self.database.run(store.set_status, "tnt_a", "b1", status, NOW + 1)
            self.assertEqual(await self.database.read(store.counts, "tnt_a", "b1"), expected)
            self.assertEqual(await self.database.run(store.statuses, [("tnt_a", "b1")], lock=True), {("tnt_a", "b1"): status})
        due = await self.database.read(lambda txn: txn.rows("SELECT id, due_at, reason FROM messages ORDER BY id"))
        self.assertEqual(due, [("later", int((NOW + 3600) * US), "scheduled"), ("now", int((NOW + 1) * US), None)])

    async def test_held_too_long(self) -> None:
        """What is held too long, of all batches or of one, is found by its send_at."""
        await self.database.run(store.make, "tnt_a", "b1", NOW)
        await self.database.run(_insert_message, "later", states.SCHEDULED, NOW + 3600)
        await self.database.run(store.set_status, "tnt_a", "b1", "pause", NOW)
        for after_s, batch_id, found in ((3600, None, []), (3601, None, ["later"]), (3601, "b1", ["later"]), (3601, "b2", [])):
            held = await self.database.run(store.held_too_long_across_tenants, NOW + store.HELD_FOR_S + after_s, 9, batch_id)
            self.assertEqual([each.message_id for each in held], found)

    async def test_resume_meets_worker(self) -> None:
        """A message that a worker holds back for a pause while the batch is resumed is not forgotten."""
        await self.database.run(store.make, "tnt_a", "b1", NOW)
        await self.database.run(store.set_status, "tnt_a", "b1", "pause", NOW)
        await self.database.run(_insert_message, "m", states.PROCESSING, None)
        is_read, is_resumed = Event(), Event()

        def hold_back(txn: Txn) -> None:
            status = store.statuses(txn, [("tnt_a", "b1")], lock=True)[("tnt_a", "b1")]
            is_read.set()
            is_resumed.wait(0.5)  # in vain: the resume waits for the lock; without one it would have passed by
            self.assertEqual(status, "pause")
            txn.execute("UPDATE messages SET status = 'paused', due_at = NULL WHERE id = 'm'")

        def resume(txn: Txn) -> None:
            is_read.wait(10)
            store.set_status(txn, "tnt_a", "b1", "open", NOW + 1)
            is_resumed.set()

        await gatherResults([self.database.run(hold_back), self.database.run(resume)])
        self.assertEqual(await self.database.read(store.counts, "tnt_a", "b1"), {"queued": 1})
