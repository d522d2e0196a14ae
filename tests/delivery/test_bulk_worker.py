import json
from dataclasses import replace

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults

from scaisend.caller import Caller
from scaisend.delivery import bulk_worker
from scaisend.delivery.bulk import read_plan
from scaisend.delivery.bulk_api import BulkApi, begin, found
from scaisend.delivery.bulk_store import drop_old_jobs_across_tenants
from scaisend.delivery.bulk_worker import BulkJobs
from scaisend.delivery.orders_store import note_domains_across_tenants
from scaisend.faults import Conflict, Forbidden, Invalid, NotFound
from scaisend.identity.people_store import make_partner, make_tenant
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import ABOVE
from scaisend.messages.store import HELD_AT, US
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, call_by, caller_with, id_maker, make_a_key, make_a_tenant, now

HELD = int(HELD_AT * US)
OPERATOR = Caller(tenant_id="", partner_id="", credential_id="op", permissions=frozenset({*OURS, ABOVE}), role="super_admin")


class BulkJobsTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()
        self.at = NOW + 100
        self.tenant, self.other = (make_a_tenant(self.database, self.ids, name) for name in ("Acme", "Other"))
        self.caller, self.stranger = (caller_with(self.database, make_a_key(self.database, self.ids, each.id, OURS)) for each in (self.tenant, self.other))
        self.api = BulkApi(database=self.database, ids=self.ids)
        self.jobs = BulkJobs(database=self.database, ids=self.ids, now_s=lambda: self.at)

    def ask(self, what, body: object = None, job_id: str = "", caller: Caller | None = None, **query: str):  # type: ignore[no-untyped-def]
        raw = b"" if body is None else json.dumps(body).encode()
        lists = {name: [value] for name, value in query.items()}
        return json.loads(now(self, what(call_by(caller or self.caller, body=raw, path={"job_id": job_id}, query=lists, now_s=self.at))).body)["data"]

    def begin(self, action: str, wanted: object = None, **more):  # type: ignore[no-untyped-def]
        caller = more.pop("caller", None)
        return self.ask(self.api.begin, {"action": action, "filter": wanted or {}, "reason": "a test", **more}, caller=caller)["id"]

    def turn(self) -> None:
        now(self, self.jobs.turn())

    def job(self, job_id: str):  # type: ignore[no-untyped-def]
        return self.ask(self.api.show, job_id=job_id, caller=OPERATOR)

    def mail(self, *emails: str, tenant=None, rendered: bool = True, **more):  # type: ignore[no-untyped-def]
        """A message that waits for delivery, or for rendering."""
        to = [To(email=each, status="deferred" if rendered else "queued", waiting="retry" if rendered else "rendering", due_at=NOW + 50 if rendered else None) for each in emails]
        return self.database.now(
            insert_message, self.ids, (tenant or self.tenant).id, to, body=b"mail" if rendered else None, due_at=None if rendered else NOW + 50, **more
        )

    def rows(self):  # type: ignore[no-untyped-def]
        found = self.database.now(lambda txn: txn.rows("SELECT r.email, r.status, r.waiting, r.due_at, m.due_at FROM recipients r JOIN messages m ON m.id = r.message_id"))
        return {row[0]: tuple(row[1:]) for row in found}

    def test_a_fail_can_be_undone_and_then_not(self) -> None:
        """The mail is held at once, ended when its time is over, and had back as it was before that."""
        self.mail("a@x.test", "b@y.test")
        self.mail("c@x.test", rendered=False)
        before = self.rows()
        first = self.begin("fail", {"to_domain": "x.test"})
        self.turn()
        held = self.rows()
        self.assertEqual((held["a@x.test"], held["c@x.test"]), (("deferred", "held", HELD, None), ("queued", "held", None, HELD)))
        self.assertEqual(held["b@y.test"], before["b@y.test"])
        self.assertEqual((self.job(first)["status"], self.job(first)["gathered"]), ("waiting", 2))
        self.ask(self.api.undo, job_id=first)
        self.turn()
        self.assertEqual((self.rows(), self.job(first)["status"]), (before, "undone"))
        second = self.begin("fail", {"to_domain": "x.test"})
        self.turn()
        self.at += 601
        self.turn()
        self.assertEqual((self.job(second)["status"], self.job(second)["done"]), ("done", 2))
        ended = self.rows()
        self.assertEqual([ended[each][0] for each in ("a@x.test", "b@y.test", "c@x.test")], ["failed", "deferred", "failed"])
        self.assertEqual(ended["c@x.test"][3], None)
        self.assertRaises(Conflict, self.ask, self.api.undo, job_id=second)

    def test_hold_and_release(self) -> None:
        """A hold holds until it is undone."""
        self.mail("a@x.test")
        before = self.rows()
        job_id = self.begin("hold")
        self.turn()
        self.at += 1e6
        self.turn()
        self.assertEqual((self.job(job_id)["status"], self.rows()["a@x.test"][1]), ("done", "held"))
        self.database.now(drop_old_jobs_across_tenants, self.at + 1e7)
        self.ask(self.api.undo, job_id=job_id)
        self.turn()
        self.assertEqual(self.rows(), before)
        self.database.now(drop_old_jobs_across_tenants, self.at + 1e7)
        self.assertRaises(NotFound, self.job, job_id)

    def test_requeue_and_delay(self) -> None:
        """Due now, or at the moment."""
        self.mail("a@x.test")
        self.mail("b@x.test", rendered=False)
        self.begin("requeue", {"to": "a@x.test"})
        self.turn()
        self.turn()
        self.assertEqual(self.rows()["a@x.test"][:3], ("queued", "delivery", int(self.at * US)))
        self.begin("delay", until=self.at + 3_600)
        self.turn()
        self.turn()
        moment = int((self.at + 3_600) * US)
        self.assertEqual(self.rows(), {"a@x.test": ("queued", "delayed", moment, None), "b@x.test": ("queued", "rendering", None, moment)})

    def routes(self):  # type: ignore[no-untyped-def]
        return dict(self.database.now(lambda txn: txn.rows("SELECT email, route FROM recipients")))

    def test_a_reroute(self) -> None:
        """Held until its time is over, then led elsewhere: what waited for its host is due now, the rest when it was; and back again."""
        self.mail("a@x.test", "b@y.test")
        self.mail("c@x.test", rendered=False)
        self.mail("d@x.test")
        self.database.now(lambda txn: txn.execute("UPDATE recipients SET waiting = 'delayed', due_at = due_at + 900 WHERE email = 'd@x.test'"))
        before = self.rows()
        first = self.begin("reroute", {"to_domain": "x.test"}, caller=OPERATOR, route="relay.test")
        self.turn()
        self.assertEqual((self.rows()["a@x.test"][1], self.job(first)["status"], self.job(first)["route"]), ("held", "waiting", "relay.test:25"))
        self.ask(self.api.undo, job_id=first, caller=OPERATOR)
        self.turn()
        self.assertEqual((self.rows(), set(self.routes().values())), (before, {None}))
        second = self.begin("reroute", {"to_domain": "x.test"}, caller=OPERATOR, route="relay.test:26")
        self.turn()
        self.at += 601
        self.turn()
        self.assertEqual((self.job(second)["status"], self.job(second)["done"]), ("done", 3))
        self.assertEqual(self.routes(), {"a@x.test": "relay.test:26", "b@y.test": None, "c@x.test": "relay.test:26", "d@x.test": "relay.test:26"})
        self.assertEqual(self.rows(), before | {"a@x.test": ("deferred", "delivery", int(self.at * US), None)})
        self.begin("reroute", caller=OPERATOR, route=None, undo_s=0)
        self.turn()
        self.turn()
        self.assertEqual(set(self.routes().values()), {None})
        self.assertEqual(self.rows()["b@y.test"], before["b@y.test"])

    def test_who_may_reroute(self) -> None:
        """Hosts are shared: among several tenants the operator alone leads mail to them, of one tenant if so wished."""
        self.mail("a@x.test")
        self.mail("b@x.test", tenant=self.other)
        for query in ({}, {"tenant_id": self.other.id}):
            self.assertRaises(Forbidden, self.ask, self.api.begin, {"action": "reroute", "filter": {}, "route": "127.0.0.1:25", "reason": "x"}, **query)
        self.assertRaises(Forbidden, self.begin, "reroute", caller=replace(OPERATOR, permissions=frozenset({"mail.cancel"})), route="mx.test")
        self.ask(self.api.begin, {"action": "reroute", "filter": {}, "route": "mx.test", "reason": "x", "undo_s": 0}, caller=OPERATOR, tenant_id=self.tenant.id)
        self.turn()
        self.turn()
        self.assertEqual(self.routes(), {"a@x.test": "mx.test:25", "b@x.test": None})

    def test_what_is_in_hands_is_left(self) -> None:
        """What a worker holds, and a message of which only a part is meant, before it is rendered."""
        self.mail("a@x.test", "b@y.test", rendered=False)
        made = self.mail("c@x.test")
        self.database.now(lambda txn: txn.execute("UPDATE recipients SET attempt_id = 'att_1' WHERE message_id = :id", {"id": made.id}))
        before = self.rows()
        job_id = self.begin("hold", {"to_domain": "x.test"})
        self.turn()
        self.assertEqual((self.rows(), self.job(job_id)["gathered"]), (before, 0))

    def test_many_pages_and_tenants(self) -> None:
        """All of it, step by step, whoever takes the steps; the count is that of the preview."""
        self.patch(bulk_worker, "PAGE", 7)
        self.patch(bulk_worker, "ACTS", 5)
        self.patch(bulk_worker, "STEPS", 1)
        for number in range(20):
            self.mail(f"a{number}@x.test", f"b{number}@x.test", tenant=self.tenant if number % 2 else self.other, rendered=number % 3 > 0)
        self.assertEqual(self.ask(self.api.preview, {"filter": {"to_domain": "x.test"}}, caller=OPERATOR)["count"], 40)
        job_id = self.begin("fail", {"to_domain": "x.test"}, caller=OPERATOR, undo_s=0)
        turns = 0
        while self.job(job_id)["status"] != "done":
            self.turn()
            turns += 1
        self.assertGreater(turns, 15)
        self.assertEqual((self.job(job_id)["gathered"], self.job(job_id)["done"]), (40, 40))
        self.assertEqual({row[0] for row in self.rows().values()}, {"failed"})

    def test_a_step_that_was_cut_off_never_was(self) -> None:
        """A lost commit, or a database that goes away, takes nothing and doubles nothing."""
        for number in range(10):
            self.mail(f"a{number}@x.test")
        self.patch(bulk_worker, "PAGE", 3)
        job_id = self.begin("fail", undo_s=0)
        for _ in range(40):
            self.database.lost_commits = 1
            try:
                self.turn()
            except Exception as error:
                self.assertIn("database", str(error))
        self.database.lost_commits = 0
        self.turn()
        job = self.job(job_id)
        self.assertEqual((job["status"], job["gathered"], job["done"]), ("done", 10, 10))
        events = self.database.now(lambda txn: txn.rows("SELECT recipient_id FROM events WHERE type = 'failed'"))
        self.assertEqual((len(events), len(set(events))), (10, 10))

    def test_a_destination_is_its_domains(self) -> None:
        """As they were seen."""
        self.database.now(note_domains_across_tenants, {"x.test": "mx.test", "y.test": "mx.test"}, NOW)
        for each in ("a@x.test", "b@y.test", "c@z.test"):
            self.mail(each)
        counted = self.ask(self.api.preview, {"filter": {"destination": "mx.test"}})
        self.assertEqual((counted["count"], counted["by_status"], counted["complete"]), (2, {"deferred": 2}, True))
        self.begin("hold", {"destination": "mx.test", "to_domain": "y.test"})
        self.turn()
        self.assertEqual([email for email, row in self.rows().items() if row[1] == "held"], ["b@y.test"])

    def test_another_tenant_tries(self) -> None:
        """It neither counts nor touches nor sees nor undoes what is not its own."""
        self.mail("a@x.test")
        job_id = self.begin("hold")
        self.turn()
        self.assertEqual(self.ask(self.api.preview, {"filter": {}}, caller=self.stranger)["count"], 0)
        theirs = self.begin("fail", caller=self.stranger, undo_s=0)
        self.ask(self.api.undo, job_id=job_id)
        self.turn()
        self.turn()
        self.assertEqual(self.rows()["a@x.test"][0], "deferred")
        self.assertEqual(self.ask(self.api.show, job_id=theirs, caller=self.stranger)["gathered"], 0)
        self.assertEqual([each["id"] for each in self.ask(self.api.show_all, caller=self.stranger)], [theirs])
        for what in (self.api.show, self.api.undo):
            self.assertRaises(NotFound, self.ask, what, job_id=job_id, caller=self.stranger)
        self.assertRaises(NotFound, self.ask, self.api.begin, {"action": "fail", "reason": "x", "filter": {}}, caller=self.stranger, tenant_id=self.tenant.id)
        for given, field in (({}, "filter"), ({"filter": {"to_domain": None}}, "filter.to_domain")):
            error = self.assertRaises(Invalid, self.ask, self.api.begin, {"action": "fail", "reason": "x", **given})
            self.assertEqual([fault.field for fault in error.faults], [field])
        self.assertEqual(len(self.ask(self.api.show_all, caller=OPERATOR)), 2)


class ServerTests(ReactorTestCase):
    """The same SQL on MariaDB, two processes at one job."""

    async def setUp(self) -> None:
        server, self.ids = private_mariadb(), id_maker()
        url = server.url(server.create_database())
        migrate(url)
        self.here, self.there = (open_database(url, reactor=reactor) for _ in range(2))
        for each in (self.here, self.there):
            self.addCleanup(each.close)

    async def ask(self, statement: str):  # type: ignore[no-untyped-def]
        return [tuple(row) for row in await self.here.run(lambda txn: txn.rows(statement))]

    async def test_a_reroute(self) -> None:
        """Each recipient of the filter is led elsewhere once and due at once; nobody else's is touched."""
        self.patch(bulk_worker, "PAGE", 7)
        self.patch(bulk_worker, "ACTS", 5)
        partner = await self.here.run(make_partner, self.ids, name="Acme", now_s=NOW)
        tenant = await self.here.run(make_tenant, self.ids, name="Acme", partner_id=partner.id, now_s=NOW)
        for number in range(20):
            to = [To(email=f"{name}{number}@{name}.test", status="deferred", waiting="retry", due_at=NOW + 50) for name in "xy"]
            await self.here.run(insert_message, self.ids, tenant.id, to, body=b"mail")
        plan = read_plan({"action": "reroute", "route": "relay.test", "filter": {"to_domain": "x.test"}, "reason": "x", "undo_s": 0}, NOW)
        job = await begin(self.here, self.ids, tenant.id, plan, "cli", NOW)
        workers = [BulkJobs(database=each, ids=self.ids, now_s=lambda: NOW + 1) for each in (self.here, self.there)]
        while (await self.here.run(found, job.id, tenant.id)).status != "done":
            await gatherResults([ensureDeferred(each.turn()) for each in workers])
        ended = await self.here.run(found, job.id, tenant.id)
        self.assertEqual((ended.route, ended.gathered, ended.done), ("relay.test:25", 20, 20))
        rows = await self.ask("SELECT SUBSTRING(email, 1, 1), route, waiting, due_at, COUNT(*) FROM recipients GROUP BY 1, 2, 3, 4 ORDER BY 1")
        self.assertEqual(rows, [("x", "relay.test:25", "delivery", int((NOW + 1) * US), 20), ("y", None, "retry", int((NOW + 50) * US), 20)])
