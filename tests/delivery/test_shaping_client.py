"""Limits shared through a real Redis."""

import time

from scaisend.delivery.lanes import Lanes
from scaisend.delivery.shaping import Learning, Shape
from scaisend.delivery.shaping_client import SharedShapes
from scaisend.delivery.sources import Source
from scaisend.faults import Unavailable
from scaisend.storage.redis import Redis
from scaisend.storage.redis_url import parse_redis_url
from tests.base import ReactorTestCase
from tests.world.redis_server import redis_server

MX = "mx.test"


class SharedShapesTests(ReactorTestCase):
    async def setUp(self):
        self.server = redis_server()
        self.server.wipe()
        self.redis = Redis(parse_redis_url(self.server.url))
        self.addCleanup(self.redis.close)
        await self.redis.command("PING")
        self.now = time.time()
        self.processes = [self.process(name) for name in ("a", "b")]

    def process(self, name):
        lanes = Lanes(clock=lambda: self.now, learning=Learning(step_s=60.0, most=5))
        return lanes, lanes.lane(Source("192.0.2.1", "x.test"), MX), SharedShapes(redis=self.redis, process=name)

    async def turn(self, process, *, offers=False):
        lanes, lane, shared = process
        (told,) = await shared.turn([lane], {lane} if offers else set())
        lanes.adopt(lane, told.shape, told.others)
        return told

    async def test_a_cut_is_everybodys(self):
        """What one process hears, the others hold to within a turn, and each has its part."""
        (first, lane_a, _), (_, lane_b, _) = self.processes
        for process in self.processes:
            process[1].connections = 4
            await self.turn(process)
        await self.turn(self.processes[0])
        self.assertEqual((lane_a.others.processes, lane_a.others.connections), (2, 4))
        lane_a.shape = lane_b.shape = Shape(connections=5)
        first.complained(lane_a, 421, None, "too many connections from your host")
        self.assertEqual(lane_a.shape.connections, 4)
        for process, offers in zip(self.processes, (True, False), strict=True):
            self.assertFalse((await self.turn(process, offers=offers)).is_news)
        self.assertEqual((lane_b.shape, lane_a.most, lane_b.most), (lane_a.shape, 2, 2))

    async def test_who_is_late_learns_from_the_newer(self):
        """Of two offers on one version the first counts; a complaint that it does not know is offered again."""
        first, second = self.processes
        for process in self.processes:
            await self.turn(process)
        first[1].shape = Shape(3, risen_at=self.now)
        second[1].shape = Shape(4, risen_at=self.now)
        await self.turn(first, offers=True)
        told = await self.turn(second, offers=True)
        self.assertEqual((told.shape.connections, told.is_news), (3, False))
        first[1].shape = Shape(4, risen_at=self.now)
        await self.turn(first, offers=True)
        second[1].shape = Shape(1, 2.0, cut_at=self.now)
        told = await self.turn(second, offers=True)
        self.assertEqual((told.shape.connections, told.is_news), (1, True))
        self.assertFalse((await self.turn(second, offers=True)).is_news)
        await self.turn(first)
        self.assertEqual(first[1].shape, second[1].shape)

    async def test_a_wiped_server_knows_nothing(self):
        """Each process keeps what it learned; without the server it is told so."""
        first = self.processes[0]
        first[1].shape = Shape(1, 2.0, cut_at=self.now)
        await self.turn(first, offers=True)
        self.server.wipe()
        self.assertEqual((await self.turn(first)).shape, Shape(1, 2.0, cut_at=self.now))
        self.server.kill()
        try:
            await self.turn(first)
        except Unavailable:
            pass
        else:
            self.fail("a dead server answered")
        finally:
            self.server.start()
