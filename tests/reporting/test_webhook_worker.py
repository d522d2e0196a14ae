import json
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred

from scaisend.http.outgoing import Outgoing
from scaisend.messages import event as events
from scaisend.reporting import sweep_worker, webhook_worker
from scaisend.reporting.attempts import DELAYS_S, FAILURES_MOST
from scaisend.reporting.deliveries_store import claim_across_tenants
from scaisend.reporting.oauth_client import OAuthClient
from scaisend.reporting.post_client import PostClient, Posted
from scaisend.reporting.sweep_worker import WebhookSweep
from scaisend.reporting.webhook import Webhook
from scaisend.reporting.webhook_worker import LEASE_S, POSTS_AN_ENDPOINT, WebhookWorker
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.pausing import until
from scaisend.storage.pulling import Pulling
from scaisend.storage.pushing import Pushing
from scaisend.storage.queue import WEBHOOK_DELIVER
from tests.base import ReactorTestCase
from tests.http.test_outgoing import Names
from tests.reporting.telling import SENDGRID, World
from tests.world.messages import To
from tests.world.web_peer import Asked, Says, WebPeer


class Outcomes:
    """Metrics as a list; each outcome with the number of its events."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def posted(self, outcome: str, count: int) -> None:
        self.seen.append((outcome, count))


class WorkerCase(ReactorTestCase):
    """A worker and its sweep on an inline database and real sockets; only the clock of the rows is the test's."""

    def setUp(self) -> None:
        self.world = World()
        self.queue = MemoryQueue(reactor=reactor, new_mark=lambda: "m")
        self.outcomes = Outcomes()
        self.points: list[str] = []
        self.workers: list[WebhookWorker] = []
        self.make_worker()

    def make_worker(self, names: Names | None = None, posts: Any = None) -> WebhookWorker:
        pushing = Pushing(queue=self.queue, name=WEBHOOK_DELIVER, reactor=reactor)
        self.sweep = WebhookSweep(
            database=self.world.database, queue=self.queue, pushing=pushing, ids=self.world.ids, worker_id="w1", now_s=self.clock, reached=self.points.append,
        )
        outgoing = Outgoing(reactor=reactor, resolver=names, allow_http=True)
        self.addCleanup(lambda: ensureDeferred(outgoing.close()))
        client = PostClient(outgoing=outgoing, oauth=OAuthClient(outgoing=outgoing, now_s=self.clock), sealer=self.world.sealer, now_s=self.clock)
        pulling = Pulling(queue=self.queue, name=WEBHOOK_DELIVER, worker_id="w1", due_ids=self.sweep.due_ids, reactor=reactor)
        self.worker = WebhookWorker(
            database=self.world.database, pulling=pulling, posts=posts or client, ids=self.world.ids, reactor=reactor, now_s=self.clock,
            metrics=self.outcomes, reached=self.points.append,
        )
        self.workers.append(self.worker)
        return self.worker

    def clock(self) -> float:
        return self.world.now

    async def start(self) -> None:
        self.worker.startService()
        await self.sweep.fan_out()
        await self.sweep.turn()

    async def tearDown(self) -> None:
        for worker in self.workers:
            worker.running = 0
        await self.queue.close()

    def peer(self, says: Says | Callable[[Asked], Says] = Says()) -> WebPeer:  # noqa: B008
        peer = WebPeer(reactor, says)
        self.addCleanup(lambda: ensureDeferred(peer.stop()))
        return peer

    async def settled(self, is_so: Callable[[], bool] | None = None) -> None:
        """Nothing is being posted, and it is so."""
        self.assertTrue(await until(reactor, lambda: not self.worker.posts_in_flight and (is_so is None or is_so()), 20), self.rows())

    def rows(self) -> list[tuple[Any, ...]]:
        return self.world.database.rows("SELECT status, attempts, last_answer, due_at FROM webhook_deliveries ORDER BY id")

    def failures(self) -> list[tuple[Any, ...]]:
        return self.world.database.rows("SELECT failures, enabled FROM webhooks ORDER BY id")


class PostingTests(WorkerCase):
    async def test_told_once_in_both_forms(self) -> None:
        """An event is posted to each webhook that wants it, in its form; the outbox is empty afterwards, the deliveries done."""
        peer = self.peer()
        self.world.webhook(url=f"{peer.url}/own", told=("delivered",))
        self.world.webhook(url=f"{peer.url}/sendgrid", model=SENDGRID)
        self.world.webhook(url=f"{peer.url}/never", told=("click",))
        _, event_id = self.world.delivered_mail()
        await self.start()
        await peer.arrived(2)
        await self.settled(lambda: len(self.outcomes.seen) == 2)
        bodies = {asked.path: json.loads(asked.body) for asked in peer.asked}
        self.assertEqual([each["event_id"] for each in bodies["/own"]], [event_id])
        self.assertEqual([each["event"] for each in bodies["/sendgrid"]], ["delivered"])
        own = next(asked for asked in peer.asked if asked.path == "/own")
        self.assertIn("x-scaisend-signature", own.headers)
        self.assertEqual([row[:3] for row in self.rows()], [("delivered", 1, "200")] * 2)
        self.assertEqual(self.world.database.rows("SELECT COUNT(*) FROM outbox"), [(0,)])

    async def test_a_slow_endpoint_holds_up_nobody(self) -> None:
        """While one endpoint hangs with many deliveries due, it has a few posts open, and another tenant's events arrive at once."""
        slow, quick = self.peer(Says(hang=True)), self.peer()
        hanging = self.world.webhook(url=slow.url, told=("delivered",))
        for _ in range(12):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        self.world.webhook(url=quick.url, tenant_id=self.world.other.id, told=("delivered",))
        self.worker.startService()
        await self.sweep.turn()
        await slow.arrived(POSTS_AN_ENDPOINT)
        self.world.delivered_mail(tenant_id=self.world.other.id)
        await self.sweep.fan_out()
        await self.sweep.turn()
        await quick.arrived(1)
        await self.sweep.turn()
        await until(reactor, lambda: len(self.outcomes.seen) == 1, 10)
        self.assertEqual((len(slow.asked), self.worker.posts_in_flight), (POSTS_AN_ENDPOINT, POSTS_AN_ENDPOINT))
        self.assertEqual(len(self.world.database.rows("SELECT 1 FROM webhook_deliveries WHERE webhook_id = ? AND attempt_id IS NULL", hanging.id)), 8)

    async def test_many_slow_endpoints_of_one_tenant(self) -> None:
        """A tenant all of whose endpoints hang has a bounded number of posts open, and another tenant's events arrive at once."""
        slow, quick = self.peer(Says(hang=True)), self.peer()
        self.patch(webhook_worker, "POSTS_MOST", 12)
        self.patch(webhook_worker, "POSTS_A_TENANT", 10)
        for _ in range(20):
            self.world.webhook(url=slow.url, told=("delivered",))
        self.world.webhook(url=quick.url, tenant_id=self.world.other.id, told=("delivered",))
        self.world.delivered_mail()
        await self.start()
        await slow.arrived(10)
        self.world.delivered_mail(tenant_id=self.world.other.id)
        await self.sweep.fan_out()
        await quick.arrived(1)
        await until(reactor, lambda: len(self.outcomes.seen) == 1, 10)
        self.assertEqual((len(slow.asked), self.worker.posts_in_flight), (10, 10))

    async def test_the_whole_backlog_goes_out(self) -> None:
        """Each delivery that ends pulls the next one, without a sweep in between."""
        peer = self.peer()
        self.world.webhook(url=peer.url, told=("delivered",))
        for _ in range(15):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        await self.start()
        await self.settled(lambda: len(self.outcomes.seen) == 15)
        ids = [each["event_id"] for asked in peer.asked for each in json.loads(asked.body)]
        self.assertEqual((len(ids), len(set(ids))), (15, 15))

    async def test_crash_between_claim_and_record(self) -> None:
        """A delivery whose worker died goes out again when the lease ends, with the same events; the late answer of the dead counts no more."""
        peer = self.peer()
        webhook = self.world.webhook(url=peer.url, told=("delivered",))
        _, event_id = self.world.delivered_mail()
        self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        died = self.world.database.now(claim_across_tenants, webhook.id, 4, "att_dead", self.world.now + LEASE_S, self.world.now)
        await self.start()
        self.assertEqual(len(died), 1)
        self.assertEqual(self.worker.posts_in_flight, 0)
        self.world.now += LEASE_S + 1
        await self.sweep.turn()
        await peer.arrived(1)
        await self.settled(lambda: len(self.outcomes.seen) == 1)
        self.assertEqual([each["event_id"] for each in json.loads(peer.asked[0].body)], [event_id])
        self.assertEqual(self.rows()[0][:2], ("delivered", 1))
        late = webhook_worker._Claimed(webhook, died[0], "att_dead")
        self.assertIsNone(self.world.database.now(self.worker._settle, late, Posted(False, "500")))
        self.assertEqual((self.rows()[0][0], self.failures()), ("delivered", [(0, 1)]))

    async def test_two_workers(self) -> None:
        """Two processes on one queue and database post each delivery once."""
        peer = self.peer()
        self.world.webhook(url=peer.url, told=("delivered",))
        for _ in range(10):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        first = self.worker
        self.make_worker()
        first.startService()
        await self.start()
        await ensureDeferred(first.pull(self.world.database.rows("SELECT id FROM webhooks")[0][0]))
        await self.settled(lambda: len(self.outcomes.seen) == 10 and not first.posts_in_flight)
        ids = [each["event_id"] for asked in peer.asked for each in json.loads(asked.body)]
        self.assertEqual((len(ids), len(set(ids))), (10, 10))

    async def test_a_stop_waits_for_open_posts(self) -> None:
        """When the process stops, open posts end and no new one begins."""
        waiting: list[Deferred[Posted]] = []

        class Slow:
            async def post(self, webhook: Webhook, told: object) -> Posted:
                waiting.append(Deferred())
                return await waiting[-1]

        self.make_worker(posts=Slow())
        self.world.webhook(told=("delivered",))
        for _ in range(6):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        await self.start()
        await until(reactor, lambda: len(waiting) == POSTS_AN_ENDPOINT, 10)
        stopped = ensureDeferred(self.worker.stop(10))
        for each in waiting:
            each.callback(Posted(True, "200"))
        await stopped
        self.assertEqual((self.worker.posts_in_flight, len(self.outcomes.seen)), (0, POSTS_AN_ENDPOINT))


class FailingTests(WorkerCase):
    async def test_the_schedule_to_the_end(self) -> None:
        """A delivery that fails is tried after 60 s, 5 min, 15 min, 1 h and 2 h with the same event id, and has then failed."""
        peer = self.peer(Says(status=503))
        self.world.webhook(url=peer.url, told=("delivered",))
        self.world.delivered_mail()
        await self.start()
        for number, delay in enumerate(DELAYS_S, 1):
            await self.settled(lambda number=number: self.rows()[0][1] == number)  # type: ignore[misc]
            status, _, answer, due_at = self.rows()[0]
            self.assertEqual((status, answer, due_at), ("queued", "503", int((self.world.now + delay) * 1e6)))
            self.world.now += delay - 1
            await self.sweep.turn()
            self.assertEqual(self.worker.posts_in_flight, 0)
            self.world.now += 2
            await self.sweep.turn()
        await self.settled(lambda: self.rows()[0][0] == "failed")
        self.assertEqual((len(peer.asked), self.rows()[0][3]), (6, None))
        self.assertEqual(len({json.loads(asked.body)[0]["event_id"] for asked in peer.asked}), 1)
        self.assertEqual(self.outcomes.seen, [("retried", 1)] * 5 + [("failed", 1)])

    async def test_ten_failures_switch_it_off(self) -> None:
        """After ten failed posts in a row the webhook is off and says why, the audit log has it, and what was still due has failed."""
        peer = self.peer(Says(status=500))
        self.world.webhook(url=peer.url, told=("delivered",))
        for _ in range(14):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        await self.start()
        await self.settled(lambda: sum(row[0] == "failed" for row in self.rows()) >= 1 and self.failures()[0][1] == 0)
        self.assertGreaterEqual(self.failures()[0][0], FAILURES_MOST)
        self.assertLess(len(peer.asked), FAILURES_MOST + POSTS_AN_ENDPOINT)
        (reason,) = self.world.database.rows("SELECT disabled_reason FROM webhooks")[0]
        self.assertEqual(reason, "switched off after 10 failed posts in a row; the last: 500")
        self.assertEqual(self.world.database.rows("SELECT action FROM audit_log WHERE actor = 'scaisend'"), [("webhook.switch_off",)])
        self.assertIn("not posted: the webhook is switched off", [row[2] for row in self.rows()])
        self.world.delivered_mail()
        self.assertEqual(self.world.database.rows("SELECT COUNT(*) FROM outbox"), [(0,)])

    async def test_a_success_starts_the_count_again(self) -> None:
        """Nine failures and a success: the next failure is the first."""
        answers = iter([500] * 3 + [200])
        peer = self.peer(lambda asked: Says(status=next(answers, 200)))
        self.world.webhook(url=peer.url, told=("delivered",), failures=6)
        for _ in range(5):
            self.world.delivered_mail()
            self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        await self.start()
        await self.settled(lambda: len(self.outcomes.seen) == 5)
        self.assertEqual(self.failures(), [(0, 1)])

    async def test_every_way_to_fail_is_told(self) -> None:
        """Redirects, a connection that breaks, one that is refused, and a name that leads inside: each is a failure with its reason."""
        peer = self.peer(lambda asked: Says(hang_up=True) if asked.path == "/hang-up" else Says(status=302, headers={"location": "http://127.0.0.1/"}))
        gone = WebPeer(reactor)
        await gone.stop()
        for url in (f"{peer.url}/moved", f"{peer.url}/hang-up", gone.url):
            self.world.webhook(url=url, told=("delivered",))
        self.world.delivered_mail()
        await self.start()
        await self.settled(lambda: len(self.outcomes.seen) == 3)
        self.assertEqual([row[0] for row in self.rows()], ["queued"] * 3)
        self.assertEqual(self.rows()[0][2], "302")
        self.assertTrue(all(row[2] for row in self.rows()))

    async def test_a_name_that_leads_inside_is_not_called(self) -> None:
        """A webhook's name that has come to mean a loopback or metadata address is looked up at each post and not called."""
        peer = self.peer()
        names = Names(hooks_test=["127.0.0.1"], meta_test=["169.254.169.254"])
        self.make_worker(names)
        self.world.webhook(url=f"http://hooks.test:{peer.port}/", told=("delivered",))
        self.world.webhook(url="http://meta.test/", told=("delivered",))
        self.world.delivered_mail()
        await self.start()
        await self.settled(lambda: len(self.outcomes.seen) == 2)
        self.assertEqual((peer.asked, {row[0] for row in self.rows()}), ([], {"queued"}))
        self.assertTrue(all("may not be called" in row[2] for row in self.rows()), self.rows())
        self.assertIn(("hooks.test", "A"), names.asked)

    async def test_a_database_away_at_the_end(self) -> None:
        """When the result of a post cannot be recorded, the delivery is posted again after the lease: at least once."""
        peer = self.peer()
        self.world.webhook(url=peer.url, told=("delivered",))
        self.world.delivered_mail()

        def away(asked: Asked) -> Says:
            self.world.database.away = len(peer.asked) == 1
            return Says()

        peer.says = away
        await self.start()
        await peer.arrived(1)
        await self.settled()
        self.world.database.away = False
        self.world.now += LEASE_S + 1
        await self.sweep.turn()
        await peer.arrived(2)
        await self.settled(lambda: len(self.outcomes.seen) == 1)
        self.assertEqual((peer.asked[0].body, self.rows()[0][0]), (peer.asked[1].body, "delivered"))


class FanOutTests(WorkerCase):
    async def test_exactly_what_is_wanted(self) -> None:
        """Each tenant's events go to its own webhooks alone, in batches, in order; a webhook that is off gets none."""
        mine = self.world.webhook(told=("processed", "delivered"))
        theirs = self.world.webhook(tenant_id=self.world.other.id)
        self.world.webhook(is_enabled=False)
        made = self.world.mail(*[To(email=f"a{n}@example.net", status="sending") for n in range(30)])
        expected = [self.world.happen(made, events.DELIVERED, n) for n in range(30)]
        self.world.happen(made, events.SPAM_REPORT)
        self.patch(sweep_worker, "EVENTS_A_DELIVERY", 8)
        _, other = self.world.delivered_mail(tenant_id=self.world.other.id)
        await self.sweep.fan_out()
        rows = self.world.database.rows("SELECT tenant_id, webhook_id, event_ids FROM webhook_deliveries ORDER BY id")
        self.assertEqual([event_id for row in rows if row[1] == mine.id for event_id in json.loads(row[2])], expected)
        self.assertEqual([len(json.loads(row[2])) for row in rows if row[1] == mine.id], [8, 8, 8, 6])
        self.assertEqual([(row[0], json.loads(row[2])) for row in rows if row[1] == theirs.id], [(self.world.other.id, [other])])
        self.assertEqual(len(rows), 5)

    async def test_a_commit_that_is_lost(self) -> None:
        """When the connection breaks during the commit, nothing is in two deliveries and nothing in none."""
        self.world.webhook(told=("delivered",))
        _, event_id = self.world.delivered_mail()
        self.world.database.lost_commits = 1
        try:
            await self.sweep.fan_out()
        except Exception as error:
            self.assertEqual(type(error).__name__, "Unavailable")
        await self.sweep.fan_out()
        self.assertEqual(self.world.database.rows("SELECT event_ids FROM webhook_deliveries"), [(json.dumps([event_id], separators=(",", ":")),)])

    async def test_old_deliveries_are_forgotten(self) -> None:
        """Deliveries that ended are gone after 30 days; those that wait stay."""
        peer = self.peer()
        self.world.webhook(url=peer.url, told=("delivered",))
        self.world.delivered_mail()
        await self.start()
        await self.settled(lambda: len(self.outcomes.seen) == 1)
        self.worker.running = 0
        self.world.delivered_mail()
        self.world.database.now(self.sweep.fan_out_one, self.world.tenant.id)
        self.world.now += 29 * 86_400
        await self.sweep.forget()
        self.assertEqual(len(self.rows()), 2)
        self.world.now += 2 * 86_400
        await self.sweep.forget()
        self.assertEqual([row[0] for row in self.rows()], ["queued"])
