"""Orders and plans on MariaDB, where two processes write at the same time."""

from dataclasses import replace

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.delivery.orders_store import Who, order_across_tenants, orders_across_tenants, orders_epoch_across_tenants
from scaisend.delivery.shaping_store import take_across_tenants, taken_across_tenants
from scaisend.delivery.warming import Plan, midnight
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW

BY = Who("cli")


class TwoProcessesTests(ReactorTestCase):
    async def setUp(self):
        server = private_mariadb()
        url = server.url(server.create_database())
        migrate(url)
        self.here, self.there = (open_database(url, reactor=reactor) for _ in range(2))
        for each in (self.here, self.there):
            self.addCleanup(each.close)

    async def test_orders_at_the_same_time(self):
        """Both count, and each is seen: nobody overwrites what the other has just ordered."""
        for number in range(10):
            name = f"d{number}.test"
            before = await self.here.run(orders_epoch_across_tenants)
            await gatherResults([
                self.here.run(order_across_tenants, name, lambda order: replace(order, is_paused=True), "pause", BY, NOW),
                self.there.run(order_across_tenants, name, lambda order: replace(order, route="mx.test:25"), "reroute", BY, NOW),
            ])
            order = (await self.there.run(orders_across_tenants))[-1]
            self.assertEqual((order.name, order.is_paused, order.route), (name, True, "mx.test:25"))
            self.assertEqual(await self.there.run(orders_epoch_across_tenants), before + 2)

    async def test_a_ceiling_is_shared(self):
        """However many take at the same time, an hour gives no more than its tenth."""
        plan = Plan("192.0.2.1", midnight(NOW), (1_000,))
        given = await gatherResults([each.run(take_across_tenants, plan, 7, NOW) for _ in range(10) for each in (self.here, self.there)])
        self.assertEqual((sum(given), sum((await self.here.run(taken_across_tenants, plan.source, 0)).values())), (100, 100))
