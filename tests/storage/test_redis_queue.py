"""The queue in a real Redis."""

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater

from scaisend.faults import Unavailable
from scaisend.storage.queue import EMAIL_PROCESS, LANE_WINDOW, Depth
from scaisend.storage.redis import Redis
from scaisend.storage.redis_queue import RedisQueue
from scaisend.storage.redis_url import parse_redis_url
from tests.base import ReactorTestCase
from tests.storage.contract_queue import QueueContract
from tests.world.redis_server import redis_server

NAME = EMAIL_PROCESS


class RedisQueueTests(QueueContract, ReactorTestCase):
    """The contract, and what only a server can do to it."""

    async def open(self) -> None:
        self.server = redis_server()
        self.redis = Redis(parse_redis_url(self.server.url))
        self.addCleanup(self.redis.close)
        self.queue = RedisQueue(redis=self.redis, reactor=reactor)

    async def worker_dies(self, worker: str) -> None:
        self.server.ask("DEL", f"worker:{worker}")

    async def fails(self, call: object) -> None:
        with self.assertRaises(Unavailable) as caught:
            await call
        self.assertEqual(caught.exception.dependency, "redis")

    async def until_up(self) -> None:
        while not self.redis.is_up:
            await deferLater(reactor, 0.02)

    async def test_length_of_the_list(self) -> None:
        """LLEN of the contract's list is the number of waiting ids."""
        await self.queue.push(NAME, self.ids(7))
        self.assertEqual(self.server.count("LLEN", "email:process"), 7)
        await self.queue.claim(NAME, "w1", 2, 0)
        self.assertEqual(self.server.count("LLEN", "email:process"), 5)

    async def test_nothing_is_left_behind(self) -> None:
        """When all is acknowledged, the main list, the lanes and what is known are gone."""
        ids = self.ids(2 * LANE_WINDOW)
        await self.queue.push(NAME, ids)
        while claimed := await self.queue.claim(NAME, "w1", 600, 0):
            await self.queue.acknowledge(NAME, "w1", claimed)
        await self.worker_dies("w1")
        await self.queue.recover(NAME)
        self.assertEqual(self.server.ask("KEYS", "*"), b"*0\r\n")

    async def test_wiped(self) -> None:
        """After the server lost its memory the mark is another, and what is pushed again is claimed."""
        ids = self.ids(3)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 1, 0)
        before = await self.queue.generation()
        self.server.wipe()
        self.assertNotEqual(await self.queue.generation(), before)
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.claim(NAME, "w2", 9, 0), ids)

    async def test_scripts_are_sent_again(self) -> None:
        """A server that forgot the scripts is given them again."""
        await self.queue.push(NAME, self.ids(1))
        self.server.ask("SCRIPT", "FLUSH")
        await self.queue.push(NAME, self.ids(1))
        self.assertEqual((await self.queue.depth(NAME)).waiting, 2)

    async def test_a_busy_claim_is_one_command(self) -> None:
        """With ids there, push, claim and acknowledge of a batch are one command each."""
        for _ in range(2):
            ids = self.ids(300)
            before = self._commands()
            await self.queue.push(NAME, ids)
            await self.queue.claim(NAME, "w1", 300, 5)
            await self.queue.acknowledge(NAME, "w1", ids)
            sent = self._commands() - before
        self.assertEqual(sent, 3)

    def _commands(self) -> int:
        return self.server.count("EVAL", "return #redis.call('KEYS', 'x') + tonumber(string.match(redis.call('INFO', 'commandstats'), "
                                 "'cmdstat_evalsha:calls=(%d+)') or 0)", "0")

    async def test_server_away_and_back(self) -> None:
        """While the server is away calls fail at once, waiting claims too; afterwards all goes on by itself."""
        waiting = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        self.server.stop()
        await self.fails(waiting)
        begun = reactor.seconds()
        for _ in range(20):
            await self.fails(self.queue.push(NAME, self.ids(1)))
            await self.fails(self.queue.claim(NAME, "w1", 5, 20))
        self.assertLess(reactor.seconds() - begun, 1.5)
        self.server.start()
        await self.until_up()
        ids = self.ids(1)
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        await self.queue.push(NAME, ids)
        self.assertEqual(await claim, ids)

    async def test_server_hangs(self) -> None:
        """A server that answers nothing is away after two seconds; a claim whose reply was lost is found again."""
        ids = self.ids(4)
        await self.queue.push(NAME, ids)
        self.server.pause()
        try:
            await self.fails(self.queue.claim(NAME, "w1", 3, 0))
            await self.fails(self.queue.push(NAME, self.ids(1)))
        finally:
            self.server.resume()
        await self.until_up()
        self.assertEqual(await self.queue.claim(NAME, "w1", 2, 0), ids[:2])
        self.assertEqual(await self.queue.claim(NAME, "w1", 2, 0), ids[2:3])
        self.assertEqual(await self.queue.claim(NAME, "w1", 2, 0), ids[3:])

    async def test_an_acknowledgement_is_kept(self) -> None:
        """An acknowledgement that could not be sent goes with a later heartbeat."""
        ids = self.ids(2)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 2, 0)
        self.server.pause()
        try:
            await self.fails(self.queue.acknowledge(NAME, "w1", ids))
        finally:
            self.server.resume()
        await self.until_up()
        await self.queue.beat("w1")
        self.assertEqual(await self.queue.depth(NAME), Depth(0, 0, 0))

    async def test_lists_changed_by_hand(self) -> None:
        """When an operator deleted the list, what was in it may be pushed again after the next recovery."""
        ids = self.ids(4)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 1, 0)
        self.server.ask("DEL", "email:process")
        await self.queue.recover(NAME)
        await self.queue.push(NAME, ids)
        self.assertEqual(await self.queue.claim(NAME, "w1", 9, 0), ids[1:])

    async def test_old_claims_end(self) -> None:
        """A claim that a restored snapshot brought back ends after an hour, though its worker lives."""
        ids = self.ids(1)
        await self.queue.push(NAME, ids)
        await self.queue.claim(NAME, "w1", 1, 0)
        self.server.ask("HSET", "email:process:inflight:w1", ids[0], str(int((reactor.seconds() - 4000) * 1e6)))
        self.assertEqual(await self.queue.recover(NAME), 1)

    async def test_prefix(self) -> None:
        """With a prefix the keys begin so, and programs with another do not meet."""
        other = Redis(parse_redis_url(self.server.url + "?prefix=test:"))
        self.addCleanup(other.close)
        queue = RedisQueue(redis=other, reactor=reactor)
        await queue.push(NAME, self.ids(1))
        self.assertEqual(self.server.count("LLEN", "test:email:process"), 1)
        self.assertEqual(await self.queue.claim(NAME, "w1", 1, 0), [])
        self.assertEqual(len(await queue.claim(NAME, "w1", 1, 0)), 1)
        self.assertEqual(self.server.ask("KEYS", "email*"), b"*0\r\n")

    async def test_two_processes(self) -> None:
        """A claim that waits in one process is answered by a push of another."""
        other = Redis(parse_redis_url(self.server.tcp_url))
        self.addCleanup(other.close)
        claim = ensureDeferred(self.queue.claim(NAME, "w1", 5, 20))
        await self.rest()
        ids = self.ids(1)
        await RedisQueue(redis=other, reactor=reactor).push(NAME, ids)
        self.assertEqual(await claim, ids)
