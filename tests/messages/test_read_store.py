"""The SQL of the read side and of the acts on a real MariaDB: that it is understood, and answers as on SQLite."""

from twisted.internet import reactor

from scaisend.messages import read_store
from scaisend.messages.actions import CANCEL, FAIL, REQUEUE, RETRY
from scaisend.messages.actions_store import act_on
from scaisend.messages.activity_query import read_query
from scaisend.messages.activity_store import matching
from scaisend.messages.search import Asked, Filters
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker


class MariadbTests(ReactorTestCase):
    timeout = 120

    def setUp(self) -> None:
        server = private_mariadb()
        self.database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(self.database.close)
        self.ids = id_maker()

    async def test_search(self) -> None:
        """Each filter and each kind of condition is understood."""
        to = (To("Ann@example.net", "deferred", "retry", due_at=NOW + 9), To("ü@example.net", "delivered", None))
        made = await self.database.run(
            insert_message, self.ids, "tnt_a", to, status="deferred", subject="Grüße 100%", categories=["ü", "b"], batch_id="batch", template_id="d-1"
        )
        for filters in (
            Filters(), Filters(status="deferred"), Filters(to_emails=("ü@example.net",)), Filters(from_emails=("shop@acme.test",)), Filters(subject="Grüße 1"),
            Filters(category="ü"), Filters(batch_id="batch"), Filters(x_message_id=made.request_id), Filters(since_at=NOW - 1, until_at=NOW + 1),
        ):
            found = await self.database.read(read_store.message_page, "tnt_a", Asked(filters, 10, 0, None))
            self.assertEqual([each.message.id for each in found], [made.id], filters)
        for status in ("sending", "in_doubt", "queued", "processing", "scheduled", "delivered"):
            self.assertEqual(await self.database.read(read_store.message_page, "tnt_a", Asked(Filters(status=status), 10, 0, None)), [], status)
        for query, count in (
            ('msg_id LIKE "%"', 2), (f'msg_id LIKE "{made.request_id}%"', 2), (f'msg_id="{made.msg_id(1)}"', 1), ('msg_id="ü" OR template_id="ü"', 0),
            ('subject LIKE "grüße%"', 2), ('subject != "x"', 2), ('to_email="ü@example.net"', 1), ('status="delivered" AND clicks=0', 1),
            ('NOT Contains(categories,"ü")', 0), ('Contains(events,"delivered")', 1), ('last_event_time BETWEEN TIMESTAMP "2027-01-01" AND "2027-02-01"', 2),
            ('api_key_id="key_maker" AND to_email LIKE "ann%"', 1), ("clicks IN (1,2)", 0),
        ):
            self.assertEqual(len(await self.database.read(matching, "tnt_a", read_query(query), 10)), count, query)

    async def test_acts(self) -> None:
        """Retry, fail and cancel are understood, and the whole message is read back."""
        to = (To(status="failed", waiting=None), To("b@example.net", "in_doubt", "held", attempt_id="att_1"))
        made = await self.database.run(insert_message, self.ids, "tnt_a", to, status="in_doubt")
        about = {"reason": "by hand", "by": "cli", "now": NOW + 1}
        self.assertEqual((await self.database.run(act_on, "tnt_a", self.ids, made.id, RETRY, **about)).render, (made.id,))
        self.assertEqual((await self.database.run(act_on, "tnt_a", self.ids, made.id, FAIL, **about)).count, 2)
        self.assertEqual((await self.database.run(act_on, "tnt_a", self.ids, made.id, REQUEUE, **about)).count, 2)
        self.assertEqual((await self.database.run(act_on, "tnt_a", self.ids, made.id, CANCEL, **about)).count, 2)
        seen = await self.database.read(read_store.seen, "tnt_a", made.id)
        self.assertEqual((seen.message.status, seen.message.due_at, seen.states), ("cancelled", None, {"cancelled"}))
        self.assertEqual([each.seq for each in await self.database.read(read_store.timeline, "tnt_a", made.id)], list(range(1, 11)))
        self.assertIsNone(await self.database.read(read_store.seen, "tnt_b", made.id))
        self.assertEqual((await self.database.read(read_store.request_of, "tnt_a", made.id)).credential_id, "key_maker")
        self.assertEqual(await self.database.read(read_store.dialogues, "tnt_a", made.recipients), [])
