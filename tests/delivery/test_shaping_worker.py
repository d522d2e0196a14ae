import time

from twisted.internet import reactor
from twisted.internet.task import deferLater

from scaisend.delivery import orders_store, shaping_store
from scaisend.delivery.job import BACKOFF, DEFERRED, DELIVERED
from scaisend.delivery.lanes import Lanes
from scaisend.delivery.ordering import limit, pause, reroute, resume
from scaisend.delivery.orders_store import Who
from scaisend.delivery.pool_client import PoolLimits
from scaisend.delivery.shaping import Learning, Shape
from scaisend.delivery.shaping_worker import Shaping
from scaisend.delivery.sources import Source
from scaisend.delivery.warming import Plan, midnight
from scaisend.faults import Unavailable
from scaisend.messages.waiting import DESTINATION_PAUSED
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase
from tests.world.inline_database import inline_database

BY = Who("test")


class ShapingTests(PoolsTestCase):
    def started(self, routes, *, database=None, sources=(), most=5):
        """Pools, and the turn of their process."""
        self.database = database or inline_database()
        self.now = time.time()
        lanes = Lanes(clock=lambda: self.now, learning=Learning(step_s=60.0, most=most))
        pools = self.pools(routes, sources=sources, lanes=lanes, limits=PoolLimits(connections_per_destination=most))
        return pools, Shaping(database=self.database, pools=pools, shared=None, worker_id="here", now_s=lambda: self.now)

    async def test_orders_are_followed(self):
        """Pause, resume and another route, given to the database, hold in this process from its next turn on."""
        first, second = self.peer(), self.peer()
        pools, shaping = self.started({"in.test": first.port})
        await shaping.restore()
        await self.send(pools, "a")
        await shaping.turn()
        await pause(self.database, "in.test", None, BY, self.now)
        await shaping.turn()
        (outcome,) = await self.send(pools, "b")
        self.assertEqual((outcome.kind, outcome.waiting, outcome.retry_at), (BACKOFF, DESTINATION_PAUSED, self.now + 60))
        await resume(self.database, "in.test", BY, self.now)
        await reroute(self.database, "in.test", f"127.0.0.1:{second.port}", None, BY, self.now)
        await shaping.turn()
        self.assertEqual((await self.send(pools, "c"))[0].kind, DELIVERED)
        await reroute(self.database, "in.test", None, None, BY, self.now)
        await shaping.turn()
        await self.send(pools, "d")
        self.assertEqual((len(first.mails), len(second.mails)), (2, 1))
        (name,) = {self.database.now(orders_store.destination_of_across_tenants, "in.test")}
        self.assertEqual(name, f"127.0.0.1:{second.port}")

    async def test_a_pause_holds_from_the_start(self):
        """A process that starts later begins nothing either; a flush from before its start is not for it."""
        peer = self.peer()
        database = inline_database()
        await pause(database, f"127.0.0.1:{peer.port}", None, BY, time.time())
        pools, shaping = self.started({"in.test": peer.port}, database=database)
        await shaping.restore()
        self.assertEqual((await self.send(pools, "a"))[0].waiting, DESTINATION_PAUSED)
        self.assertEqual(peer.connections, 0)

    async def test_limits_hold(self):
        """An operator's connections and rate, at once."""
        peer = self.peer()
        pools, shaping = self.started({"in.test": peer.port})
        await limit(self.database, f"127.0.0.1:{peer.port}", 1, 120, None, BY, self.now)
        await shaping.turn()
        answers = [pools.submit(a_job(str(number))) for number in range(7)]
        gone = []
        for _ in range(4):
            await deferLater(reactor, 0.2)
            gone.append(len(peer.mails))
            self.now += 1
            pools._sweep()
        self.assertEqual((gone, peer.connections), ([1, 3, 5, 7], 1))
        self.assertEqual({(await each).kind for each in answers}, {DELIVERED})

    async def test_what_is_learned_is_kept(self):
        """A complaint is in the database with its reason, and a process that starts anew knows it."""
        peer = self.peer({"RCPT": [b"250 ok", b"451 4.7.0 Too many concurrent SMTP connections"]})
        pools, shaping = self.started({"in.test": peer.port})
        kinds = {outcome.kind for outcome in await self.send(pools, *(str(number) for number in range(3)))}
        self.assertLessEqual(kinds, {DELIVERED, DEFERRED, BACKOFF})
        self.database.away = True
        try:
            await shaping.turn()
        except Unavailable:
            pass
        self.database.away = False
        await shaping.turn()
        (learned,) = self.database.now(shaping_store.shapes_across_tenants)
        self.assertTrue(learned.shape.is_cut)
        self.assertIn("Too many concurrent", self.database.now(shaping_store.changes_across_tenants, learned.destination)[0].reason)
        other, again = self.started({"in.test": peer.port}, database=self.database)
        await again.restore()
        self.assertEqual(other.lanes.lane(Source(None, "x"), learned.destination).shape.connections, learned.shape.connections)
        self.assertEqual([each["name"] for each in self.database.now(orders_store.reports_across_tenants, self.now)["here"]], [learned.destination])
        await shaping.stop(1)
        self.assertEqual(self.database.now(orders_store.reports_across_tenants, self.now), {})

    async def test_a_warming_address_overflows(self):
        """It sends what its plan gives, and the warm address the rest."""
        peer = self.peer()
        sources = (Source("127.0.0.1", "warm.test"), Source("127.0.0.2", "cold.test"))
        pools, shaping = self.started({"in.test": peer.port}, sources=sources)
        self.database.now(shaping_store.keep_plan_across_tenants, Plan("127.0.0.2", midnight(self.now), (20,)), self.now)
        await shaping.restore()
        outcomes = []
        for number in range(40):
            outcomes += await self.send(pools, f"r{number}")
            await shaping.turn()
        outcomes += await self.send(pools, *(f"s{number}" for number in range(40)))
        by_source = {address: sum(1 for each in outcomes if each.source == address) for address in ("127.0.0.1", "127.0.0.2")}
        self.assertEqual({each.kind for each in outcomes}, {DELIVERED})
        self.assertLessEqual(by_source["127.0.0.2"], 2)
        self.assertEqual(sum(by_source.values()), 80)

    async def test_an_unused_turn_writes_nothing_new(self):
        """And shapes of the start that nobody uses are no rows."""
        pools, shaping = self.started({})
        for _ in range(3):
            await shaping.turn()
        self.assertEqual((self.database.now(shaping_store.shapes_across_tenants), pools.lanes.lane(Source(None, "x"), "mx").shape), ([], Shape()))
