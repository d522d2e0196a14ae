from scaisend.messages import status as states
from scaisend.sending import batches_store as store
from tests.base import PlainTestCase
from tests.world.inline_database import InlineDatabase, inline_database

NOW = 1_800_000_000.0
US = 1_000_000


def add_message(
    database: InlineDatabase, message_id: str, status: str, *, tenant_id: str = "tnt_a", batch_id: str | None = "b1", send_at: float | None = None,
    attempt_id: str | None = None,
) -> None:
    """A message row as acceptance leaves it."""
    send_us = None if send_at is None else int(send_at * US)
    due_us = int(NOW * US) if send_us is None else send_us
    columns = (
        "id", "tenant_id", "request_id", "number", "from_email", "personalization", "status", "batch_id", "send_at", "due_at", "attempt_id",
        "accepted_at", "updated_at",
    )
    row = (message_id, tenant_id, "r", 0, "a@example.org", "{}", status, batch_id, send_us, due_us, attempt_id, int(NOW * US), int(NOW * US))
    database.now(lambda txn: txn.insert("messages", columns, [row]))


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
        self.assertEqual(self.database.now(store.get, "tnt_a", "b1"), store.Batch("b1", "open"))
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
        self.assertEqual([each.id for each in self.database.now(store.stopped, "tnt_a", 10)], ["b2", "b1"])

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
