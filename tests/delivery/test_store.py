from threading import Event

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.delivery import store
from scaisend.delivery.store import Dialogue, Release
from scaisend.messages import event as events
from scaisend.messages.event import Event as Happening
from scaisend.messages.portion import SUSPECT_AFTER, Portion
from scaisend.messages.record import Change, record
from scaisend.messages.store import HELD_AT, micros
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.messages import Made, To, insert_message
from tests.world.road import LEASE_S, WIDE
from tests.world.tenants import NOW, id_maker

TENANT, OTHER = "tnt_a", "tnt_b"


def due(**more: object) -> To:
    """A recipient that is due for delivery."""
    return To(**{"status": "queued", "waiting": "delivery", "due_at": NOW, **more})  # type: ignore[arg-type]


class StoreTestCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()

    def make(self, *recipients: To, tenant_id: str = TENANT, body: bytes | None = b"mail", **more: object) -> Made:
        return self.database.now(insert_message, self.ids, tenant_id, recipients or (due(),), body=body, status="rendered", **more)

    def row(self, recipient_id: str, columns: str = "status, attempt_id, due_at") -> tuple:  # type: ignore[type-arg]
        return self.database.rows(f"SELECT {columns} FROM recipients WHERE id = ?", recipient_id)[0]

    def claim(self, *recipient_ids: str, attempt_id: str = "att_1", portion: Portion = WIDE):  # type: ignore[no-untyped-def]
        return self.database.now(store.claim_recipients_across_tenants, recipient_ids, attempt_id, NOW + LEASE_S, NOW, portion)

    def release(self, recipient_id: str, attempt_id: str, **more: object) -> Release:
        fields = {"due_at": NOW + 60, "waiting": "destination_busy", "reason": None, "body": None, **more}
        return Release(recipient_id, recipient_id.partition(".")[0], TENANT, attempt_id, **fields)  # type: ignore[arg-type]


class ClaimTests(StoreTestCase):
    def test_claim(self) -> None:
        """Due recipients are claimed until the lease ends, with their message's body; others are not."""
        good = self.make(due(), due(status="deferred"))
        others = self.make(due(due_at=NOW + 1), due(attempt_id="att_9"), due(status="delivered"), due(status="in_doubt"), due(due_at=None))
        claimed, left = self.claim(*good.recipients, *others.recipients, "msg_gone.0")
        self.assertEqual(([each.id for each in claimed], left), (good.recipients, []))
        self.assertEqual((claimed[0].body, claimed[0].tenant_id, claimed[0].from_email, claimed[0].accepted_at), (b"mail", TENANT, "shop@acme.test", NOW))
        self.assertEqual(self.row(good.recipients[0], "attempt_id, due_at, claims"), ("att_1", micros(NOW + LEASE_S), 1))
        self.assertEqual(self.claim(*good.recipients, attempt_id="att_2"), ([], []))

    def test_portions(self) -> None:
        """What is too much for one claim is left for later, still due; a suspect is taken alone."""
        made = [self.make() for _ in range(3)]
        ids = [each.recipients[0] for each in made]
        claimed, left = self.claim(*ids, portion=Portion(most_bytes=10**9, most_recipients=2))
        self.assertEqual(([each.id for each in claimed], left), (ids[:2], ids[2:]))
        self.assertEqual(self.row(ids[2]), ("queued", None, micros(NOW)))
        suspect = self.make()
        self.database.connection.execute("UPDATE recipients SET claims = ? WHERE id = ?", (SUSPECT_AFTER, suspect.recipients[0]))
        claimed, left = self.claim(ids[2], suspect.recipients[0], attempt_id="att_2")
        self.assertEqual(([each.id for each in claimed], left), ([ids[2]], suspect.recipients))

    def test_without_a_body(self) -> None:
        """A recipient without a stored body is claimed with None."""
        made = self.make(body=None)
        self.assertEqual([each.body for each in self.claim(*made.recipients)[0]], [None])


class MarkTests(StoreTestCase):
    def test_only_the_holder_marks(self) -> None:
        """Those that their attempt holds are `sending`; nobody else's, none twice, and none that ended."""
        made = self.make(due(attempt_id="att_1"), due(attempt_id="att_2"), due(attempt_id="att_1", status="delivered"), due(attempt_id="att_1", status="sending"), due())
        held = self.database.now(store.mark_sending_across_tenants, [(each, "att_1") for each in made.recipients], NOW)
        self.assertEqual(held, {made.recipients[0]})
        self.assertEqual([self.row(each, "status")[0] for each in made.recipients], ["sending", "queued", "delivered", "sending", "queued"])
        self.assertEqual(self.database.now(store.mark_sending_across_tenants, [], NOW), set())

    def test_unmark(self) -> None:
        """What did not reach a final dot waits again, as what it was, for its own attempt only."""
        made = self.make(due(attempt_id="att_1", status="sending"), due(attempt_id="att_2", status="sending"), due(attempt_id="att_1", status="in_doubt"))
        self.database.connection.execute("UPDATE recipients SET attempts = 1 WHERE id = ?", (made.recipients[1],))
        claims = [(made.recipients[0], "att_1"), (made.recipients[1], "att_1"), (made.recipients[2], "att_1")]
        self.database.now(store.unmark_sending_across_tenants, claims, NOW)
        self.assertEqual([self.row(each, "status, attempt_id") for each in made.recipients], [("queued", "att_1"), ("sending", "att_2"), ("in_doubt", "att_1")])
        self.database.now(store.unmark_sending_across_tenants, [(made.recipients[1], "att_2"), (made.recipients[0], "att_2")], NOW)
        self.assertEqual(self.row(made.recipients[1], "status, attempt_id"), ("deferred", "att_2"))


class LeaseTests(StoreTestCase):
    def test_renew(self) -> None:
        """Only leases that still hold are renewed, and the holder is told which: the pair of recipient and attempt counts."""
        made = self.make(due(attempt_id="att_1"), due(attempt_id="att_2", status="sending"), due(attempt_id="att_3"), due(attempt_id="att_1", status="in_doubt"))
        first, second, third, doubted = made.recipients
        claims = [(first, "att_1"), (second, "att_2"), (third, "att_1"), (third, "att_2"), (doubted, "att_1"), ("msg_gone.0", "att_1")]
        self.assertEqual(self.database.now(store.renew_leases_across_tenants, claims, NOW + 80), {(first, "att_1"), (second, "att_2")})
        self.assertEqual([self.row(each, "due_at")[0] for each in made.recipients], [micros(NOW + 80), micros(NOW + 80), micros(NOW), micros(NOW)])
        self.assertEqual(self.database.now(store.renew_leases_across_tenants, [], NOW), set())

    def test_release(self) -> None:
        """A released recipient waits until its moment, as nobody's; what others hold, and what ended, is left alone."""
        made = self.make(
            due(attempt_id="att_1", status="sending"), due(attempt_id="att_2", status="sending"), due(attempt_id="att_1", status="delivered"), due(attempt_id="att_2"),
            body=None,
        )
        mine, theirs, ended, also = made.recipients
        releases = [self.release(mine, "att_1", body=b"mail"), self.release(theirs, "att_1"), self.release(ended, "att_1"), self.release(also, "att_2", reason="421 busy")]
        self.assertEqual(self.database.now(store.release_across_tenants, releases, NOW), {mine, also})
        self.assertEqual(self.row(mine), ("queued", None, micros(NOW + 60)))
        self.assertEqual(self.row(theirs), ("sending", "att_2", micros(NOW)))
        self.assertEqual(self.row(ended), ("delivered", "att_1", micros(NOW)))
        self.assertEqual(self.row(also, "waiting, reason, claims"), ("destination_busy", "421 busy", 0))
        self.assertEqual(self.database.rows("SELECT message_id, content FROM bodies"), [(made.id, b"mail")])

    def test_a_release_that_does_not_count_keeps_no_body(self) -> None:
        """The body of a mail that ended meanwhile is not stored: nobody would ever remove it."""
        made = self.make(due(attempt_id=None, status="delivered", due_at=None), body=None)
        self.database.now(store.release_across_tenants, [self.release(made.recipients[0], "att_1", body=b"mail")], NOW)
        self.assertEqual(self.database.rows("SELECT message_id FROM bodies"), [])

    def test_release_ends_doubt(self) -> None:
        """A recipient in doubt whose attempt says that it never reached the dot waits again, and its message says so."""
        made = self.make(due(attempt_id="att_1", status="in_doubt", due_at=NOW + 900))
        self.database.connection.execute("UPDATE messages SET status = 'in_doubt'")
        self.database.now(store.release_across_tenants, [self.release(made.recipients[0], "att_1")], NOW)
        self.assertEqual(self.row(made.recipients[0]), ("queued", None, micros(NOW + 60)))
        self.assertEqual(self.database.rows("SELECT status FROM messages"), [("queued",)])

    def test_lapsed(self) -> None:
        """What is due is found by tenant, longest due first, with what became of the body."""
        late, early = self.make(due(due_at=NOW - 1)), self.make(due(due_at=NOW - 2, attempt_id="att_1", status="sending"), body=None)
        self.make(due(due_at=NOW + 1), due(due_at=None))
        self.make(due(due_at=NOW - 3), tenant_id=OTHER)
        found = self.database.now(store.lapsed, TENANT, NOW, 10)
        self.assertEqual([(each.id, each.status, each.attempt_id, each.has_body) for each in found], [
            (early.recipients[0], "sending", "att_1", False), (late.recipients[0], "queued", None, True)])
        self.assertEqual(len(self.database.now(store.lapsed, TENANT, NOW, 1)), 1)

    def test_lock_lapsed_sees_the_present(self) -> None:
        """What was renewed, recorded or released since it was found is not taken for lapsed; the rest is told as it is now."""
        made = self.make(*(due(attempt_id="att_1", status="sending") for _ in range(3)))
        found = self.database.now(store.lapsed, TENANT, NOW, 10)
        self.database.connection.execute("UPDATE recipients SET due_at = ? WHERE id = ?", (micros(NOW + 40), made.recipients[0]))
        self.database.connection.execute("UPDATE recipients SET status = 'queued', attempt_id = NULL WHERE id = ?", (made.recipients[1],))
        locked = self.database.now(store.lock_lapsed_across_tenants, found, NOW)
        self.assertEqual([(each.id, each.status) for each in locked], [(made.recipients[1], "queued"), (made.recipients[2], "sending")])
        self.assertEqual(self.database.now(store.lock_lapsed_across_tenants, [], NOW), [])

    def test_render_again(self) -> None:
        """A message is due for rendering, and the recipients that wait for it are nobody's; those in other hands are left there."""
        made = self.make(due(), due(attempt_id="att_1"), due(attempt_id="att_2"), due(attempt_id="att_1", status="sending"), body=None)
        self.database.now(store.render_again_across_tenants, made.recipients, [made.id], NOW)
        self.assertEqual([self.row(each, "due_at")[0] for each in made.recipients], [None, micros(NOW), micros(NOW), micros(NOW)])
        self.database.now(store.render_again_across_tenants, made.recipients, [made.id], NOW + 1, "att_1")
        self.assertEqual([self.row(each)[1:] for each in made.recipients[1:]], [(None, None), ("att_2", micros(NOW)), ("att_1", micros(NOW))])
        self.assertEqual(self.database.rows("SELECT status, due_at FROM messages"), [("queued", micros(NOW))])

    def test_hold(self) -> None:
        """What is held in doubt has a moment that never comes; what left the doubt meanwhile keeps its own."""
        made = self.make(due(status="in_doubt", attempt_id="att_1"), due(status="delivered"))
        self.database.now(store.hold_across_tenants, made.recipients, NOW)
        self.assertEqual([self.row(each, "due_at, waiting") for each in made.recipients], [(micros(HELD_AT), "held"), (micros(NOW), "delivery")])


class OtherTests(StoreTestCase):
    def test_dialogues(self) -> None:
        """Dialogues are kept, a long destination cut to its column."""
        self.database.now(store.insert_dialogues_across_tenants, [])
        self.database.now(store.insert_dialogues_across_tenants, [Dialogue("dlg_1", TENANT, "m.0", "att_1", "h" * 300, None, None, "C: EHLO", NOW)])
        self.assertEqual(self.database.rows("SELECT LENGTH(destination), dialogue, happened_at FROM dialogues"), [(255, "C: EHLO", micros(NOW))])

    def test_pools(self) -> None:
        """The addresses of a pool are told to its tenant alone."""
        self.database.now(lambda txn: txn.insert(
            "ip_pools", ("id", "tenant_id", "name", "addresses", "created_at", "updated_at"), [("pool_1", TENANT, "fast", '["192.0.2.1"]', 0, 0)]))
        found = self.database.now(store.pool_addresses_across_tenants, [(TENANT, "fast"), (OTHER, "fast"), (TENANT, "slow")])
        self.assertEqual(found, {(TENANT, "fast"): '["192.0.2.1"]'})


class MariadbTests(ReactorTestCase):
    """Locks: what two processes do at once."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        server = private_mariadb()
        self.database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=4)
        self.addCleanup(self.database.close)
        self.ids = id_maker()

    def make(self, *recipients: To, body: bytes | None = b"mail"):  # type: ignore[no-untyped-def]
        return self.database.run(insert_message, self.ids, TENANT, recipients or (due(),), body=body, status="rendered")

    async def rows(self, columns: str) -> list[tuple]:  # type: ignore[type-arg]
        return await self.database.read(lambda txn: txn.rows(f"SELECT {columns} FROM recipients ORDER BY id"))

    async def test_two_claimers(self) -> None:
        """While one claim is open another passes its rows by: they get disjoint ones and wait for nobody."""
        ids = [(await self.make()).recipients[0] for _ in range(6)]
        has_claimed, is_over = Event(), Event()

        def first(txn: Txn) -> list[str]:
            claimed, _ = store.claim_recipients_across_tenants(txn, ids[:3], "att_1", NOW + LEASE_S, NOW, WIDE)
            has_claimed.set()
            is_over.wait(10)
            return [each.id for each in claimed]

        def second(txn: Txn) -> list[str]:
            has_claimed.wait(10)
            claimed, _ = store.claim_recipients_across_tenants(txn, ids, "att_2", NOW + LEASE_S, NOW, WIDE)
            is_over.set()
            return [each.id for each in claimed]

        found = await gatherResults([self.database.run(first), self.database.run(second)])
        self.assertEqual(found, [ids[:3], ids[3:]])

    async def test_a_mark_meets_a_sweep(self) -> None:
        """A sweep that found a lapsed claim passes it by while its holder marks it, and sees the mark afterwards."""
        made = await self.make(due(attempt_id="att_1"))
        found = await self.database.run(store.lapsed, TENANT, NOW, 10)
        has_marked, is_over = Event(), Event()

        def mark(txn: Txn) -> None:
            store.mark_sending_across_tenants(txn, [(made.recipients[0], "att_1")], NOW)
            has_marked.set()
            is_over.wait(10)

        def sweep(txn: Txn):  # type: ignore[no-untyped-def]
            has_marked.wait(10)
            locked = store.lock_lapsed_across_tenants(txn, found, NOW)
            is_over.set()
            return locked

        _, locked = await gatherResults([self.database.run(mark), self.database.run(sweep)])
        self.assertEqual(locked, [])
        (again,) = await self.database.run(store.lock_lapsed_across_tenants, found, NOW)
        self.assertEqual(again.status, "sending")

    async def test_results_and_releases_at_once(self) -> None:
        """Many transactions that record, release, renew and mark the same recipients at once all come to an end, each result once."""
        made = [await self.make(due(attempt_id="att_1"), due(attempt_id="att_1"), body=None) for _ in range(8)]
        ids = [recipient_id for each in made for recipient_id in each.recipients]

        def delivered(recipient_id: str) -> Change:
            return Change(Happening(events.DELIVERED, TENANT, recipient_id.partition(".")[0], recipient_id, NOW), attempt_id="att_1")

        def put_back(recipient_id: str) -> Release:
            return Release(recipient_id, recipient_id.partition(".")[0], TENANT, "att_1", NOW, "delivery", None, b"mail")

        work = []
        for turn in range(6):
            order = ids[turn:] + ids[:turn]
            work.append(self.database.run(record, self.ids, [delivered(each) for each in order[::2]], NOW))
            work.append(self.database.run(store.release_across_tenants, [put_back(each) for each in order[1::2]], NOW))
            work.append(self.database.run(store.renew_leases_across_tenants, [(each, "att_1") for each in order], NOW + 80))
            work.append(self.database.run(store.mark_sending_across_tenants, [(each, "att_1") for each in order], NOW))
        results = await gatherResults(work)
        written = sum(sum(each) for each in results[::4])
        states = [row[0] for row in await self.rows("status")]
        self.assertEqual(states.count("delivered"), written)
        self.assertEqual(set(states) - {"delivered", "queued"}, set())
        gaps = await self.database.read(lambda txn: txn.rows(
            "SELECT m.id FROM messages m JOIN events e ON e.message_id = m.id GROUP BY m.id, m.event_seq HAVING MAX(e.seq) <> m.event_seq OR COUNT(*) <> m.event_seq"))
        self.assertEqual(gaps, [])

    async def test_statements(self) -> None:
        """The other statements mean the same on MariaDB."""
        made = await self.make(due(attempt_id="att_1", status="sending"), due(attempt_id="att_2", status="in_doubt"), due(), body=None)
        await self.database.run(store.unmark_sending_across_tenants, [(made.recipients[0], "att_1")], NOW)
        released = await self.database.run(
            store.release_across_tenants, [Release(made.recipients[1], made.id, TENANT, "att_2", NOW + 5, "delivery", "é", b"mail")], NOW)
        await self.database.run(store.end_leases_across_tenants, [made.recipients[0]], NOW)
        await self.database.run(store.render_again_across_tenants, [made.recipients[2]], [made.id], NOW)
        await self.database.run(store.hold_across_tenants, made.recipients, NOW)
        self.assertEqual(released, {made.recipients[1]})
        self.assertEqual(await self.rows("status, attempt_id, due_at, waiting"), [
            ("queued", None, micros(NOW), "delivery"), ("queued", None, micros(NOW + 5), "delivery"), ("queued", None, None, "rendering")])
