"""The operator's doors of one process, asked over HTTP."""

from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred

from scaisend.app.adapters import Adapters
from scaisend.app.metrics import Metrics
from scaisend.app.ops_api import READY_TIMEOUT_S, Measures, OpsApi
from scaisend.faults import Unavailable
from scaisend.storage.memory_queue import MemoryQueue
from scaisend.storage.queue import SMTP_DELIVER
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import id_maker, now
from tests.world.web_client import Web


class Answering:
    """An object store that answers."""

    async def exists(self, key: str) -> bool:
        return False


class AwayObjects:
    """An object store that does not answer its calls."""

    async def exists(self, key: str) -> bool:
        raise Unavailable("objects")


class SilentQueue:
    """A queue server that takes calls and never answers."""

    async def generation(self) -> str:
        await Deferred()
        return ""

    async def depth(self, name: str) -> object:
        raise Unavailable("redis")


@dataclass
class Worker:
    in_hand: int = 3
    unrecorded: int = 1


@dataclass
class Sweep:
    name: str = "delivery-sweep"
    failures: int = 2


@dataclass
class World:
    database: Any = field(default_factory=inline_database)
    measures: Measures = field(default_factory=lambda: Measures(deliveries=[Worker()], sweeps=[Sweep()]))


class OpsDoors(PlainTestCase):
    def web(self, **adapters: Any) -> Web:
        """The ops listener over an inline database and a queue in memory."""
        self.world = World()
        web = Web([])
        given: dict[str, Any] = {
            "queue": MemoryQueue(reactor=web.clock, new_mark=lambda: "mark"), "objects": Answering(),
        } | adapters
        self.adapters = Adapters(
            config=None, reactor=web.clock, database=self.world.database, limiter=None, sealer=None, ids=id_maker(), resolver=None,
            metrics=Metrics(), worker_id="w", has_queue_server=False, **given,
        )
        ops = OpsApi(adapters=self.adapters, measures=self.world.measures, roles=("api", "smtp"), lag_s=lambda: 0.25)
        web.site = Web(ops.routes()).site
        self.clock = web.clock
        return web

    def test_health_asks_nobody(self) -> None:
        """200 while the process lives, whatever is away."""
        web = self.web()
        self.world.database.away = True
        answered = web.ask("GET", "/health", credential=None)
        self.assertEqual((answered.status, answered.json()), (200, {"status": "ok", "roles": ["api", "smtp"]}))
        self.assertEqual(web.ask("HEAD", "/health", credential=None).status, 200)

    def test_ready_when_all_answer(self) -> None:
        """200 with each dependency named."""
        web = self.web()
        answered = web.ask("GET", "/ready", credential=None)
        self.assertEqual((answered.status, answered.json()), (
            200, {"status": "ready", "checks": {"database": "ok", "queue": "ok", "objects": "ok"}},
        ))

    def test_not_ready_while_the_database_is_away(self) -> None:
        """503 with Retry-After: a load balancer sends requests elsewhere; 200 again by itself."""
        web = self.web()
        self.world.database.away = True
        answered = web.ask("GET", "/ready", credential=None)
        self.assertEqual((answered.status, answered.json()["status"], answered.headers["retry-after"]), (503, "unready", "5"))
        self.world.database.away = False
        self.assertEqual(web.ask("GET", "/ready", credential=None).status, 200)

    def test_an_object_store_that_is_away_only_degrades(self) -> None:
        """200: what needs no object store goes on."""
        answered = self.web(objects=AwayObjects()).ask("GET", "/ready", credential=None)
        self.assertEqual((answered.status, answered.json()["status"], answered.json()["checks"]["objects"]), (200, "degraded", "away"))

    def test_a_dependency_that_hangs_does_not_hang_the_probe(self) -> None:
        """After three seconds it counts as away and the probe is answered."""
        web = self.web(queue=SilentQueue())
        connection = web.connect()
        connection.send(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(connection.replies(), [])
        self.clock.advance(READY_TIMEOUT_S)
        (answered,) = connection.replies()
        self.assertEqual((answered.status, answered.json()["checks"]["queue"]), (200, "away"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_queues(self) -> None:
        """What the database has due beside what the queue holds, by queue."""
        web = self.web()
        now(self, self.adapters.queue.push(SMTP_DELIVER, ["msg_1.1", "msg_1.2"]))
        found = web.ask("GET", "/queues", credential=None).json()["data"]
        self.assertEqual(set(found), {"email:process", "smtp:deliver", "webhook:deliver", "recipients"})
        self.assertEqual(found["smtp:deliver"], {
            "waiting": 0, "oldest_age_s": 0.0, "delayed": 0, "in_queue": {"waiting": 2, "delayed": 0, "in_flight": 0},
        })

    def test_queues_without_a_queue_server_or_a_database(self) -> None:
        """Without the first its part is null; without the second the answer is 503."""
        web = self.web(queue=SilentQueue())
        self.assertIsNone(web.ask("GET", "/queues", credential=None).json()["data"]["smtp:deliver"]["in_queue"])
        self.world.database.away = True
        self.assertEqual(web.ask("GET", "/queues", credential=None).status, 503)

    def test_metrics(self) -> None:
        """The exposition holds gauges of this moment, the process's own among them."""
        answered = self.web().ask("GET", "/metrics", credential=None)
        self.assertEqual(answered.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        for line in (
            'scaisend_queue_waiting{queue="smtp:deliver"} 0.0', "scaisend_recipients_in_hand 3.0", "scaisend_outcomes_unrecorded 1.0",
            'scaisend_recipients{status="in_doubt"} 0.0', "scaisend_reactor_lag_seconds 0.25", 'scaisend_sweep_failures_total{name="delivery-sweep"} 2.0',
        ):
            self.assertIn(f"\n{line}\n", answered.body.decode())

    def test_metrics_are_there_while_the_database_is_away(self) -> None:
        """An outage is when they are needed."""
        web = self.web()
        self.world.database.away = True
        self.assertIn("scaisend_recipients_in_hand 3.0", web.ask("GET", "/metrics", credential=None).body.decode())

    def test_the_public_listener_shows_no_depths(self) -> None:
        """Metrics and queues stand on the ops listener alone; administrators ask for queues with their permission."""
        self.web()
        ops = OpsApi(adapters=self.adapters, measures=self.world.measures, roles=("api",), lag_s=lambda: 0.0)
        self.assertEqual([route.path for route in ops.public_routes()], ["/health", "/ready"])
        (admin,) = ops.admin_routes()
        self.assertEqual((admin.path, admin.public, admin.permission), ("/api/admin/queues", False, "admin.settings"))
