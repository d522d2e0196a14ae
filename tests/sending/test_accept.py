import json
from threading import Event

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.domains.verified_senders_store import add_sender, verify_sender
from scaisend.faults import Conflict, Forbidden, Invalid, Unauthenticated
from scaisend.identity.keys_store import keys, revoke_key
from scaisend.identity.people_store import set_tenant_status
from scaisend.messages.store import micros
from scaisend.sending import batches_store
from scaisend.sending.accept import UNVERIFIED_SENDER, Accepted, Submission, accept
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.suppressions.test_store import put_on_lists
from tests.world.mariadb import private_mariadb
from tests.world.road import RoadTestCase, add_verified_domain, body
from tests.world.tenants import NOW

DYNAMIC = "d-" + "0123456789abcdef" * 2


class AcceptTests(RoadTestCase):
    def refused(self, given: bytes, **more: object) -> Exception:
        (answer,) = self.accept(self.submission(given, **more))
        assert isinstance(answer, Exception), answer
        return answer

    def test_rows(self) -> None:
        """An accepted request leaves its payload, a message a personalization, its recipients and their first events, and says what is due."""
        given = body(
            personalizations=[{"to": [{"email": "a@x.test", "name": "A"}], "cc": [{"email": "b@x.test"}], "bcc": [{"email": "c@x.test"}]}, {"to": [{"email": "d@x.test"}]}],
            categories=["news"],
        )
        (answer,) = self.accept(self.submission(given))
        assert isinstance(answer, Accepted)
        self.assertEqual((answer.status, len(answer.message_ids), answer.ready, answer.is_replay), (202, 2, answer.message_ids, False))
        first, second = answer.message_ids
        self.assertEqual(self.message(first, "status, recipient_count, event_seq, number, categories, due_at"), ("queued", 3, 3, 0, '["news"]', micros(NOW)))
        self.assertEqual(self.message(second, "request_id, number"), (answer.request_id, 1))
        self.assertEqual(
            self.recipients(first, "id, kind, email, name, status, waiting"),
            [(f"{first}.{n}", kind, f"{kind_name}@x.test", name, "queued", "rendering")
             for n, (kind, kind_name, name) in enumerate((("to", "a", "A"), ("cc", "b", None), ("bcc", "c", None)))],
        )
        self.assertEqual(self.timeline(first), ["processed"] * 3)
        payload = json.loads(self.database.rows("SELECT payload FROM mail_requests")[0][0])
        self.assertEqual((payload["subject"], "personalizations" in payload), ("Your order", False))

    def test_good_and_refused_together(self) -> None:
        """In one group each gets its own answer; those that are refused leave nothing behind."""
        good, also = self.submission(body("good@x.test")), self.submission(body("also@x.test"), self.stranger)
        bad = self.submission(body("bad@x.test", **{"from": {"email": "shop@unverified.test"}}))
        answers = self.accept(good, bad, also)
        self.assertEqual([isinstance(each, Accepted) for each in answers], [True, False, True])
        self.assertEqual([each.request_id for each in (answers[0], answers[2])], [good.request_id, also.request_id])
        self.assertEqual(self.database.rows("SELECT tenant_id, email FROM recipients ORDER BY email"), [(self.other.id, "also@x.test"), (self.tenant.id, "good@x.test")])
        self.assertEqual(self.count("mail_requests"), 2)

    def test_unverified_sender(self) -> None:
        """A live key needs a domain that is verified for its own tenant; the fault is SendGrid's, on `from`."""
        self.database.now(add_verified_domain, self.tenant.id, "unverified.test", False)
        self.database.now(add_verified_domain, self.other.id, "theirs.test")
        for email in ("shop@unverified.test", "shop@theirs.test", "shop@sub.example.org"):
            error = self.refused(body(**{"from": {"email": email}}))
            self.assertIsInstance(error, Forbidden)
            self.assertEqual([(fault.message, fault.field) for fault in error.faults], [(UNVERIFIED_SENDER, "from")])
        self.assertEqual(self.count("messages"), 0)

    def test_verified_senders(self) -> None:
        """A verified address may send though its domain is not verified: that tenant alone, that address alone, and once it is verified."""
        mine, other = {"email": "Me@elsewhere.test"}, {"email": "you@elsewhere.test"}
        sender = self.database.now(add_sender, self.tenant.id, {"from_email": "me@Elsewhere.test"}, now_s=NOW)
        self.assertIsInstance(self.refused(body(**{"from": mine})), Forbidden)
        self.database.now(verify_sender, self.tenant.id, sender.id, sender.email, now_s=NOW)
        answers = self.accept(
            self.submission(body("a@x.test", **{"from": mine})), self.submission(body("b@x.test", **{"from": other})),
            self.submission(body("c@x.test", **{"from": mine}), self.stranger), self.submission(body("d@x.test")),
            self.submission(body(personalizations=[{"to": [mine]}, {"to": [mine], "from": other}], **{"from": mine})),
        )
        self.assertEqual([isinstance(each, Accepted) for each in answers], [True, False, False, True, False])

    def test_names_of_nobody_and_of_others(self) -> None:
        """Templates, groups, batches and pools must be the tenant's own; all that are not are told at once, each with its field."""
        def theirs(txn: Txn) -> None:
            batches_store.make(txn, self.other.id, "their-batch", NOW)
            txn.insert("asm_groups", ("id", "tenant_id", "name", "created_at", "updated_at"), [(7, self.other.id, "News", 0, 0)])
            txn.insert("ip_pools", ("id", "tenant_id", "name", "addresses", "created_at", "updated_at"), [("pool_1", self.other.id, "fast", "[]", 0, 0)])
            txn.insert("templates", ("id", "tenant_id", "name", "generation", "created_at", "updated_at"), [(DYNAMIC, self.other.id, "T", "dynamic", 0, 0)])
            txn.insert(
                "template_versions", ("id", "tenant_id", "template_id", "active", "name", "subject", "updated_at"), [("v", self.other.id, DYNAMIC, 1, "v", "s", 0)]
            )

        self.database.now(theirs)
        fields = {"template_id": DYNAMIC, "batch_id": "their-batch", "ip_pool_name": "fast", "asm": {"group_id": 7, "groups_to_display": [7, 8]}}
        error = self.refused(body(**fields))
        self.assertIsInstance(error, Invalid)
        self.assertEqual([fault.field for fault in error.faults], ["template_id", "batch_id", "ip_pool_name", "asm.group_id", "asm.groups_to_display"])
        self.assertTrue(all(fault.message and fault.help for fault in error.faults))
        fields["asm"] = {"group_id": 7}
        (answer,) = self.accept(self.submission(body(**fields), self.stranger))
        self.assertIsInstance(answer, Accepted)

    def test_template_without_active_version(self) -> None:
        """A template that has no active version cannot be sent, and the refusal says why."""
        self.database.now(lambda txn: txn.insert(
            "templates", ("id", "tenant_id", "name", "generation", "created_at", "updated_at"), [(DYNAMIC, self.tenant.id, "T", "dynamic", 0, 0)]))
        (fault,) = self.refused(body(template_id=DYNAMIC)).faults
        self.assertEqual(fault.field, "template_id")
        self.assertIn("no active version", fault.message)

    def test_key_revoked_between_verdict_and_commit(self) -> None:
        """What was allowed at the door is refused at the commit when the key was revoked, lost its right, or its tenant was suspended meanwhile."""
        waiting = self.submission(body())
        (key,) = self.database.now(keys, self.tenant.id, most=2)
        self.database.now(revoke_key, self.tenant.id, key.id, revoked_at=NOW)
        (answer,) = self.accept(waiting)
        self.assertIsInstance(answer, Unauthenticated)
        suspended = self.submission(body(), self.stranger)
        self.database.now(set_tenant_status, self.other.id, "suspended", now_s=NOW)
        self.assertIsInstance(self.accept(suspended)[0], Forbidden)
        self.assertEqual(self.count("messages"), 0)

    def test_scheduling_needs_its_own_right(self) -> None:
        """A send_at needs mail.schedule; with it the message waits for its moment, and nobody is told that it is ready."""
        later = int(NOW) + 3600
        self.assertIsInstance(self.refused(body(send_at=later), caller=self.make_caller(self.tenant.id, ["mail.send"])), Forbidden)
        (answer,) = self.accept(self.submission(body(send_at=later)))
        assert isinstance(answer, Accepted)
        self.assertEqual(answer.ready, ())
        self.assertEqual(self.message(answer.message_ids[0], "status, reason, due_at"), ("scheduled", "scheduled", micros(later)))

    def test_test_key(self) -> None:
        """A test key needs no verified domain, and delivers nothing."""
        caller = self.make_caller(self.tenant.id, is_test=True)
        (answer,) = self.accept(self.submission(body(**{"from": {"email": "a@nowhere.test"}}), caller))
        assert isinstance(answer, Accepted)
        self.assertEqual((answer.status, answer.ready), (202, ()))
        self.assertEqual(self.message(answer.message_ids[0], "status, due_at, event_seq"), ("sandbox", None, 0))
        self.assertEqual(self.recipients(answer.message_ids[0]), ["sandbox"])

    def test_sandbox(self) -> None:
        """sandbox_mode answers 200, after all checks."""
        sandbox = {"mail_settings": {"sandbox_mode": {"enable": True}}}
        (answer,) = self.accept(self.submission(body(**sandbox)))
        assert isinstance(answer, Accepted)
        self.assertEqual((answer.status, self.message(answer.message_ids[0])), (200, ("sandbox",)))
        self.assertIsInstance(self.refused(body(**sandbox, **{"from": {"email": "shop@unverified.test"}})), Forbidden)

    def test_a_rerun_finds_its_own_rows(self) -> None:
        """The same group run again, as after a connection that was lost while it committed, answers the same and doubles nothing."""
        group = [self.submission(body("a@x.test"), key="k"), self.submission(body("b@x.test"))]
        first = self.accept(*group)
        fresh = self.submission(body("c@x.test"))
        self.assertEqual(self.accept(*group, fresh)[:2], first)
        self.assertEqual((self.count("messages"), self.count("recipients"), self.count("events")), (3, 3, 3))


class SuppressionTests(RoadTestCase):
    def put(self, *rows: tuple[str, str]) -> None:
        self.database.now(put_on_lists, [(self.tenant.id, name, email) for name, email in rows])

    def leave_group(self, group_id: int, email: str) -> None:
        def leave(txn: Txn) -> None:
            txn.insert("asm_groups", ("id", "tenant_id", "name", "created_at", "updated_at"), [(group_id, self.tenant.id, "News", 0, 0)])
            txn.insert("asm_suppressions", ("tenant_id", "group_id", "email", "created_at"), [(self.tenant.id, group_id, email, 0)])

        self.database.now(leave)

    def test_dropped_by_list(self) -> None:
        """A suppressed recipient is dropped with an event that names the list, whatever the case of its address; the others go out."""
        self.put(("bounces", "jane@x.test"), ("blocks", "joe@x.test"), ("spam_reports", "ann@x.test"))
        message_id = self.send("Jane@X.test", "joe@x.test", "ann@x.test", "bob@x.test")
        self.assertEqual(self.recipients(message_id), ["dropped", "queued", "dropped", "queued"])
        self.assertEqual(self.timeline(message_id), ["dropped", "processed", "dropped", "processed"])
        details = [json.loads(row[0]) for row in self.database.rows("SELECT detail FROM events WHERE type = 'dropped' ORDER BY seq")]
        self.assertEqual(details, [{"reason": "Bounced Address", "list": "bounces"}, {"reason": "Spam Reporting Address", "list": "spam_reports"}])
        self.assertEqual(self.message(message_id), ("queued",))

    def test_all_dropped(self) -> None:
        """A message without anybody left is dropped itself and never due, scheduled or not."""
        self.put(("unsubscribes", "jane@x.test"))
        for more in ({}, {"send_at": int(NOW) + 60}):
            (answer,) = self.accept(self.submission(body("jane@x.test", **more)))
            assert isinstance(answer, Accepted)
            self.assertEqual(answer.ready, ())
            self.assertEqual(self.message(answer.message_ids[0], "status, due_at, reason"), ("dropped", None, None))

    def test_group(self) -> None:
        """Who left the group of the mail is dropped from it, and from no other mail."""
        self.leave_group(7, "jane@x.test")
        message_id = self.send("jane@x.test", "joe@x.test", asm={"group_id": 7})
        self.assertEqual(self.recipients(message_id, "status, reason"), [("dropped", "Unsubscribed From Group"), ("queued", None)])
        self.assertEqual(self.recipients(self.send("jane@x.test")), ["queued"])

    def test_bypass(self) -> None:
        """bypass_list_management lets lists and groups pass."""
        self.put(("bounces", "jane@x.test"))
        self.leave_group(7, "joe@x.test")
        everything = {"bypass_list_management": {"enable": True}}
        self.assertEqual(self.recipients(self.send("jane@x.test", "joe@x.test", asm={"group_id": 7}, mail_settings=everything)), ["queued", "queued"])
        bounces = {"bypass_bounce_management": {"enable": True}}
        self.assertEqual(self.recipients(self.send("jane@x.test", "joe@x.test", asm={"group_id": 7}, mail_settings=bounces)), ["queued", "dropped"])

    def test_other_tenants_lists(self) -> None:
        """One tenant's lists stop nobody else's mail."""
        self.put(("bounces", "jane@x.test"))
        self.assertEqual(self.recipients(self.send("jane@x.test", caller=self.stranger)), ["queued"])

    def test_outbox(self) -> None:
        """What happened at acceptance is in the outbox of tenants that have a webhook, and of no others."""
        self.database.now(lambda txn: txn.insert(
            "webhooks", ("id", "tenant_id", "model", "url", "enabled", "events", "created_at", "updated_at"), [("wh_1", self.tenant.id, "endpoint", "u", 1, "[]", 0, 0)]))
        self.put(("bounces", "jane@x.test"))
        self.send("jane@x.test", "joe@x.test")
        self.send("jane@x.test", caller=self.stranger)
        self.assertEqual(self.database.rows("SELECT o.tenant_id, e.type FROM outbox o JOIN events e ON e.id = o.event_id ORDER BY e.seq"), [
            (self.tenant.id, "dropped"), (self.tenant.id, "processed")])


class BatchTests(RoadTestCase):
    def test_paused_batch(self) -> None:
        """A message of a paused batch is accepted and held; the resume finds it."""
        self.database.now(batches_store.make, self.tenant.id, "b1", NOW)
        self.database.now(batches_store.set_status, self.tenant.id, "b1", "pause", NOW)
        (answer,) = self.accept(self.submission(body(batch_id="b1")))
        assert isinstance(answer, Accepted)
        self.assertEqual((answer.ready, self.message(answer.message_ids[0], "status, due_at")), ((), ("paused", None)))
        self.database.now(batches_store.set_status, self.tenant.id, "b1", "open", NOW + 5)
        self.assertEqual(self.message(answer.message_ids[0], "status, due_at"), ("queued", micros(NOW + 5)))


class IdempotencyTests(RoadTestCase):
    def test_replay(self) -> None:
        """The same key and body is answered as the first time, and nothing is written."""
        first, second = self.submission(body(), key="k"), self.submission(body(), key="k")
        (answer,) = self.accept(first)
        (again,) = self.accept(second)
        assert isinstance(answer, Accepted) and isinstance(again, Accepted)
        self.assertEqual((again.request_id, again.message_ids, again.status, again.is_replay, again.ready), (answer.request_id, answer.message_ids, 202, True, ()))
        self.assertEqual(self.count("messages"), 1)

    def test_conflict(self) -> None:
        """Another body with the key is a conflict on the header, and writes nothing."""
        self.accept(self.submission(body(), key="k"))
        (answer,) = self.accept(self.submission(body("else@x.test"), key="k"))
        self.assertIsInstance(answer, Conflict)
        self.assertEqual(answer.faults[0].field, "Idempotency-Key")
        self.assertEqual(self.count("messages"), 1)

    def test_twice_in_a_group(self) -> None:
        """Of two with the same key in one group the first is accepted, the second replayed or refused."""
        first, same, other = (self.submission(given, key="k") for given in (body(), body(), body("else@x.test")))
        answers = self.accept(first, same, other)
        self.assertEqual([answers[0].request_id, answers[1].request_id], [first.request_id] * 2)
        self.assertEqual((answers[0].is_replay, answers[1].is_replay), (False, True))
        self.assertIsInstance(answers[2], Conflict)
        self.assertEqual(self.count("messages"), 1)

    def test_keys_are_the_tenant_s_own_and_case_counts(self) -> None:
        """The same key of another tenant, or in other letters, is another key."""
        answers = self.accept(self.submission(body(), key="k"), self.submission(body(), self.stranger, key="k"), self.submission(body(), key="K"))
        self.assertTrue(all(isinstance(each, Accepted) and not each.is_replay for each in answers))

    def test_a_refusal_is_not_remembered(self) -> None:
        """After a refusal the key is free."""
        bad = body(**{"from": {"email": "shop@unverified.test"}})
        self.assertIsInstance(self.accept(self.submission(bad, key="k"))[0], Forbidden)
        self.assertIsInstance(self.accept(self.submission(body(), key="k"))[0], Accepted)

    def test_forgotten_after_a_day(self) -> None:
        """A day later the key is free again."""
        self.accept(self.submission(body(), key="k"))
        self.clock.advance(86_401)
        (answer,) = self.accept(self.submission(body(), key="k"))
        assert isinstance(answer, Accepted)
        self.assertFalse(answer.is_replay)
        self.assertEqual((self.count("messages"), self.count("idempotency_keys")), (2, 1))


class MariadbAcceptTests(ReactorTestCase):
    """What waits for locks is tried on MariaDB. The people are made on SQLite and copied: their makers take an inline database."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        server = private_mariadb()
        self.name = server.empty_database()
        self.database = open_database(server.url(self.name), reactor=reactor, pool_size=4)
        self.addCleanup(self.database.close)
        self.house = RoadTestCase("run")
        self.house.setUp()
        tables = ("partners", "tenants", "api_keys", "epochs", "domains")
        with server.connect(self.name) as connection, connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")
                rows = self.house.database.connection.execute(f"SELECT * FROM {table}")
                names = ", ".join(column[0] for column in rows.description)
                for row in rows.fetchall():
                    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(row))})", row)

    def accept(self, *submissions: Submission):  # type: ignore[no-untyped-def]
        return self.database.run(accept, self.house.ids, submissions)

    async def test_same_key_in_two_transactions(self) -> None:
        """Many transactions with one key at once: one is accepted, all others are told its answer."""
        answers = await gatherResults([self.accept(self.house.submission(body(), key="k")) for _ in range(8)])
        found = [each for (each,) in answers]
        self.assertEqual(sum(not each.is_replay for each in found), 1)
        self.assertEqual(len({each.request_id for each in found}), 1)
        self.assertEqual(await self.database.read(lambda txn: txn.row("SELECT COUNT(*) FROM messages")), (1,))

    async def test_a_resume_meets_an_acceptance(self) -> None:
        """A message accepted into a paused batch while the batch is resumed is not forgotten."""
        await self.database.run(batches_store.make, self.house.tenant.id, "b1", NOW)
        await self.database.run(batches_store.set_status, self.house.tenant.id, "b1", "pause", NOW)
        given = self.house.submission(body(batch_id="b1"))
        is_read, is_resumed = Event(), Event()

        class Slow:
            """The transaction, held up before it writes anything."""

            def __init__(self, txn: Txn) -> None:
                self.txn = txn

            def __getattr__(self, name: str) -> object:
                return getattr(self.txn, name)

            def insert(self, *args: object, **more: object) -> int:
                is_read.set()
                is_resumed.wait(0.5)  # in vain: the resume waits for the lock; without one it would have passed by
                return self.txn.insert(*args, **more)  # type: ignore[arg-type]

        def accepting(txn: Txn):  # type: ignore[no-untyped-def]
            return accept(Slow(txn), self.house.ids, [given])  # type: ignore[arg-type]

        def resume(txn: Txn) -> None:
            is_read.wait(10)
            batches_store.set_status(txn, self.house.tenant.id, "b1", "open", NOW + 1)
            is_resumed.set()

        await gatherResults([self.database.run(accepting), self.database.run(resume)])
        status = await self.database.read(lambda txn: txn.row("SELECT status, due_at IS NULL FROM messages"))
        self.assertEqual(status, ("queued", 0))

    async def test_everything_at_once(self) -> None:
        """A request that names all it can, to addresses and in letters of all kinds, is accepted or refused, never an error."""
        given = body(
            "jane@example.com", "çelik@bücher.example", '"a b"@example.com', subject="Grüße 🎉", asm={"group_id": 2**31 - 1, "groups_to_display": [1]},
            ip_pool_name="pöol", batch_id="b-1", template_id=DYNAMIC, custom_args={"k": "v" * 9000},
        )
        (refusal,) = await self.accept(self.house.submission(given))
        self.assertIsInstance(refusal, Invalid)
        self.assertEqual(len(refusal.faults), 5)
        (answer,) = await self.accept(self.house.submission(body("çelik@bücher.example", '"a b"@example.com', subject="Grüße 🎉" * 200)))
        self.assertIsInstance(answer, Accepted)

