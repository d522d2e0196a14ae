from threading import Event

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.messages import event as events
from scaisend.messages.event import Event as Happening
from scaisend.messages.portion import Portion
from scaisend.messages.record import Change, record
from scaisend.messages.store import micros
from scaisend.sending import store
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.road import LEASE_S, WIDE, RoadTestCase
from tests.world.tenants import NOW, id_maker


class ClaimTests(RoadTestCase):
    def test_claim(self) -> None:
        """A due message is claimed with its payload and all its recipients, the open ones of which are the claimer's."""
        message_id = self.send("a@x.test", "b@x.test")
        ((claimed,), left) = self.claim(message_id)
        self.assertEqual((claimed.id, claimed.tenant_id, claimed.accepted_at, claimed.tries, left), (message_id, self.tenant.id, NOW, 0, []))
        self.assertEqual([(to.email, to.is_claimed) for to in claimed.recipients], [("a@x.test", True), ("b@x.test", True)])
        self.assertIn("on its way", claimed.payload)
        self.assertEqual(self.message(message_id, "status, due_at, tries"), ("processing", None, 1))
        self.assertEqual(self.recipients(message_id, "attempt_id, due_at, claims"), [("att_1", micros(NOW + LEASE_S), 1)] * 2)
        self.assertEqual(self.claim(message_id, attempt_id="att_2"), ([], []))

    def test_not_due(self) -> None:
        """What is scheduled, paused or ended is not claimed."""
        scheduled = self.send(send_at=int(NOW) + 60)
        self.assertEqual(self.claim(scheduled, "msg_gone"), ([], []))
        self.clock.advance(60)
        self.assertEqual(len(self.claim(scheduled)[0]), 1)

    def test_others_recipients_are_shown_and_not_claimed(self) -> None:
        """Recipients that ended, wait for a retry or are in other hands are told, since the mail's header names them, and left alone."""
        made = self.database.now(insert_message, self.ids, self.tenant.id, [
            To(), To(status="delivered"), To(status="deferred", due_at=NOW + 60), To(attempt_id="att_0", due_at=NOW + 9)], due_at=NOW)
        ((claimed,), _) = self.claim(made.id)
        self.assertEqual([to.is_claimed for to in claimed.recipients], [True, False, False, False])
        self.assertEqual(self.recipients(made.id, "attempt_id"), ["att_1", None, None, "att_0"])

    def test_portion(self) -> None:
        """What is too much for one claim stays due."""
        ids = [self.send() for _ in range(3)]
        claimed, left = self.claim(*ids, portion=Portion(most_bytes=10**9, most_recipients=2))
        self.assertEqual(([each.id for each in claimed], left), (ids[:2], ids[2:]))
        self.assertEqual(self.message(ids[2], "status, due_at"), ("queued", micros(NOW)))


class RenderedTests(RoadTestCase):
    def store(self, *message_ids: str, attempt_id: str = "att_1") -> list[str]:
        mails = [(each, self.tenant.id, b"mail") for each in message_ids]
        return self.database.now(store.store_rendered_across_tenants, mails, attempt_id, NOW)

    def test_stored(self) -> None:
        """A rendered mail is kept, and its recipients are free and due."""
        message_id = self.send("a@x.test", "b@x.test")
        self.claim(message_id)
        self.assertEqual(self.store(message_id), [f"{message_id}.0", f"{message_id}.1"])
        self.assertEqual(self.message(message_id, "status, has_body, tries"), ("rendered", 1, 0))
        self.assertEqual(self.recipients(message_id, "attempt_id, due_at, waiting"), [(None, micros(NOW), "delivery")] * 2)

    def test_a_claim_that_is_over_stores_nothing(self) -> None:
        """Who lost its claim leaves no body behind, least of all of a message that ended."""
        message_id = self.send()
        self.claim(message_id)
        self.assertEqual(self.store(message_id, attempt_id="att_0"), [])
        self.assertEqual((self.count("bodies"), self.message(message_id, "status, has_body")), (0, ("processing", 0)))

    def test_paused(self) -> None:
        """A message that its worker holds back is paused, whatever its status was, and a resume finds it as new."""
        made = self.database.now(insert_message, self.ids, self.tenant.id, [To(status="deferred"), To(status="delivered")], status="deferred", due_at=NOW)
        self.claim(made.id)
        self.database.now(store.pause_claimed_across_tenants, [made.id], "att_1", NOW)
        self.assertEqual(self.message(made.id, "status, due_at, tries"), ("paused", None, 0))
        self.assertEqual(self.recipients(made.id, "status, attempt_id, due_at"), [("deferred", None, None), ("delivered", None, None)])


class MariadbTests(ReactorTestCase):
    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        server = private_mariadb()
        self.database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(self.database.close)
        self.ids = id_maker()

    async def test_two_claimers(self) -> None:
        """While one claim is open another passes its rows by."""
        ids = [(await self.database.run(insert_message, self.ids, "tnt_a", due_at=NOW)).id for _ in range(6)]
        has_claimed, is_over = Event(), Event()

        def first(txn: Txn) -> list[str]:
            claimed, _ = store.claim_messages_across_tenants(txn, ids[:3], "att_1", NOW + LEASE_S, NOW, WIDE)
            has_claimed.set()
            is_over.wait(10)
            return [each.id for each in claimed]

        def second(txn: Txn) -> list[str]:
            has_claimed.wait(10)
            claimed, _ = store.claim_messages_across_tenants(txn, ids, "att_2", NOW + LEASE_S, NOW, WIDE)
            is_over.set()
            return [each.id for each in claimed]

        found = await gatherResults([self.database.run(first), self.database.run(second)])
        self.assertEqual(found, [ids[:3], ids[3:]])

    async def test_rendered_meets_a_result(self) -> None:
        """Mails that are stored while results of the same messages are recorded, many at once: all come to an end."""
        made = [await self.database.run(insert_message, self.ids, "tnt_a", [To(), To()], due_at=NOW) for _ in range(6)]
        ids = [each.id for each in made]
        await self.database.run(store.claim_messages_across_tenants, ids, "att_1", NOW + LEASE_S, NOW, WIDE)
        mails = [(each, "tnt_a", b"mail") for each in ids]
        changes = [Change(Happening(events.FAILED, "tnt_a", each.id, each.recipients[0], NOW), attempt_id="att_1") for each in made]
        work = [self.database.run(store.store_rendered_across_tenants, mails[::-1], "att_1", NOW) for _ in range(3)]
        work += [self.database.run(record, self.ids, changes[turn:] + changes[:turn], NOW) for turn in range(3)]
        await gatherResults(work)
        rows = await self.database.read(lambda txn: txn.rows("SELECT status, attempt_id FROM recipients ORDER BY id"))
        self.assertEqual({row[1] for row in rows}, {None})
        self.assertEqual({row[0] for row in rows[1::2]}, {"queued"})
