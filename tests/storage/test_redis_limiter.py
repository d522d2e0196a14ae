"""Limits shared through a real Redis."""

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from scaisend.storage.limiter import Limit
from scaisend.storage.redis import Redis
from scaisend.storage.redis_limiter import RedisLimiter
from scaisend.storage.redis_url import parse_redis_url
from tests.base import ReactorTestCase
from tests.storage.contract_limiter import LimiterContract
from tests.world.redis_server import redis_server


class RedisLimiterTests(LimiterContract, ReactorTestCase):
    """The contract, between processes, and without the server."""

    async def open(self) -> None:
        self.server = redis_server()
        self.redis = Redis(parse_redis_url(self.server.url))
        self.addCleanup(self.redis.close)
        await self.redis.command("PING")
        self.limiter = RedisLimiter(redis=self.redis, clock=self.now_s)

    def now_s(self) -> float:
        return reactor.seconds()

    async def test_processes_share(self) -> None:
        """Two processes together get the limit, to within what one has leased and not spent."""
        other = RedisLimiter(redis=self.redis, clock=self.now_s)
        limit = Limit(1_000, self.PER_DAY)
        allowed = 0
        for _ in range(700):
            allowed += (await self.take("a", limit)).allowed
            allowed += (other.take_now("a", limit) or await other.take("a", limit)).allowed
        self.assertEqual(allowed, 1_000)

    async def test_processes_share_small_limits_exactly(self) -> None:
        """Two processes together get exactly a limit under a hundred."""
        other = RedisLimiter(redis=self.redis, clock=self.now_s)
        limit = Limit(9, self.PER_DAY)
        taken = [ensureDeferred(each.take("a", limit)) for _ in range(10) for each in (self.limiter, other)]
        self.assertEqual(sum(each.allowed for each in await gatherResults(taken)), 9)

    async def test_blocks(self) -> None:
        """A busy key costs a call for each fiftieth of its limit; the rest is told without asking."""
        limit = Limit(10_000, self.PER_DAY)
        asked = 0
        for _ in range(2_000):
            if self.limiter.take_now("a", limit) is None:
                asked += 1
                await self.limiter.take("a", limit)
        self.assertEqual(asked, 10)

    async def test_many_at_once_share_a_call(self) -> None:
        """Requests that arrive together for a key wait for one lease."""
        limit = Limit(10_000, self.PER_DAY)
        taken = [ensureDeferred(self.limiter.take("a", limit)) for _ in range(150)]
        self.assertTrue(all(each.allowed for each in await gatherResults(taken)))
        self.assertEqual(self.server.count("EVAL", "return tonumber(redis.call('GET', redis.call('KEYS', 'limit:*')[1]))", "0"), 200)

    async def test_window_ends(self) -> None:
        """A refusal ends with its window."""
        limit = Limit(2, 0.3)
        verdicts = [await self.take("a", limit) for _ in range(5)]
        refused = [each for each in verdicts if not each.allowed]
        self.assertTrue(refused)
        await deferLater(reactor, max(0.0, refused[-1].reset_at - reactor.seconds()) + 0.01)
        self.assertTrue((await self.take("a", limit)).allowed)

    async def test_without_redis(self) -> None:
        """While Redis is away this process counts for itself, at once."""
        limit = Limit(3, self.PER_DAY)
        self.server.stop()
        while self.redis.is_up:
            await deferLater(reactor, 0.01)
        self.assertEqual([self.limiter.take_now("a", limit).allowed for _ in range(4)], [True, True, True, False])

    async def test_redis_hangs(self) -> None:
        """A server that does not answer costs one wait, not an error."""
        self.server.pause()
        try:
            self.assertTrue((await self.take("a", Limit(3, self.PER_DAY))).allowed)
        finally:
            self.server.resume()
