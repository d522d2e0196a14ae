from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.messages import event as events
from scaisend.messages import store
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.messages.store import RecipientUpdate, micros
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker


class StoreTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()

    def test_micros(self) -> None:
        """A moment is whole microseconds; no moment is NULL."""
        self.assertEqual((micros(1.5), micros(None)), (1_500_000, None))

    def test_update_recipients(self) -> None:
        """An update ends the claim unless it keeps it, counts what it should, and cuts a reason to its column."""
        made = self.database.now(insert_message, self.ids, "tnt_a", [To(attempt_id="att_1"), To(attempt_id="att_1")])
        update = RecipientUpdate("deferred", waiting="retry", reason="x" * 600, due_at=NOW + 1, attempted=True, refused_for_now=True, resent=True)
        self.database.now(store.update_recipients_across_tenants, made.recipients[:1], update, NOW)
        self.database.now(store.update_recipients_across_tenants, made.recipients[1:], RecipientUpdate("in_doubt", keeps_attempt=True), NOW)
        rows = self.database.rows("SELECT status, LENGTH(reason), due_at, attempt_id, attempts, tries, resends FROM recipients ORDER BY number")
        self.assertEqual(rows, [("deferred", 512, micros(NOW + 1), None, 1, 1, 1), ("in_doubt", None, None, "att_1", 0, 0, 0)])

    def test_bodies(self) -> None:
        """A body is kept once, and gone with its flag when it is dropped."""
        made = self.database.now(insert_message, self.ids, "tnt_a")
        for content in (b"first", b"second"):
            self.database.now(store.keep_bodies_across_tenants, [(made.id, "tnt_a", content)])
        self.assertEqual(self.database.rows("SELECT b.content, m.has_body FROM bodies b JOIN messages m ON m.id = b.message_id"), [(b"first", 1)])
        self.database.now(store.drop_bodies_across_tenants, [made.id])
        self.assertEqual(self.database.rows("SELECT m.has_body, (SELECT COUNT(*) FROM bodies) FROM messages m"), [(0, 0)])

    def test_due_messages(self) -> None:
        """A tenant's due messages come longest due first, and no other tenant's."""
        late = self.database.now(insert_message, self.ids, "tnt_a", due_at=NOW)
        early = self.database.now(insert_message, self.ids, "tnt_a", due_at=NOW - 5)
        self.database.now(insert_message, self.ids, "tnt_a", due_at=NOW + 5)
        self.database.now(insert_message, self.ids, "tnt_b", due_at=NOW)
        self.assertEqual(self.database.now(store.due_messages, "tnt_a", NOW, 10), [early.id, late.id])
        self.assertEqual(self.database.now(store.due_messages, "tnt_a", NOW, 1), [early.id])

    def test_due_messages_of_a_backlog(self) -> None:
        """Where not all can be had, a quarter of the messages are the newest ones, and none comes twice."""
        made = [self.database.now(insert_message, self.ids, "tnt_a", due_at=NOW - 20 + age).id for age in range(10)]
        self.assertEqual(self.database.now(store.due_messages, "tnt_a", NOW, 8), made[:6] + [made[9], made[8]])
        self.assertEqual(self.database.now(store.due_messages, "tnt_a", NOW, 11), made)

    def test_nothing(self) -> None:
        """Empty lists ask for nothing and change nothing."""
        self.assertEqual(self.database.now(store.lock_messages_across_tenants, []), {})
        self.assertEqual(self.database.now(store.lock_recipients_across_tenants, []), {})
        self.assertEqual(self.database.now(store.recipient_states_across_tenants, []), {})


class MariadbTests(ReactorTestCase):
    timeout = 120

    async def test_many_records_at_once(self) -> None:
        """Events of the same messages recorded by many transactions at once are numbered without a gap, and each result counts once."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(database.close)
        ids = id_maker()
        made = [await database.run(insert_message, ids, "tnt_a", [To(attempt_id="att_1"), To(attempt_id="att_1")]) for _ in range(5)]

        def changes(kind: str, attempt_id: str | None) -> list[Change]:
            return [Change(Event(kind, "tnt_a", each.id, to, NOW), attempt_id=attempt_id) for each in made for to in each.recipients]

        work = [database.run(record, ids, changes(events.DELIVERED, "att_1")[turn:], NOW) for turn in range(4)]
        work += [database.run(record, ids, changes(events.OPEN, None)[::-1], NOW) for _ in range(4)]
        results = await gatherResults(work)
        self.assertEqual(sum(sum(each) for each in results[:4]), 10)
        rows = await database.read(lambda txn: txn.rows(
            "SELECT m.status, m.event_seq, COUNT(*), MAX(e.seq) FROM messages m JOIN events e ON e.message_id = m.id GROUP BY m.id, m.status, m.event_seq"))
        self.assertEqual(set(rows), {("delivered", 12, 12, 12)})
