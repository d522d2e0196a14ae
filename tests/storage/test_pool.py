"""The pool: its counts, its end, and a server that does not answer."""

import threading
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.threads import deferToThread

from scaisend.faults import Invalid, Unavailable
from scaisend.storage import pool
from scaisend.storage.database import Txn
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import PooledDatabase, open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.storage.contract_database import epochs, put


class PoolCase(ReactorTestCase):
    """Pools on a migrated file, and a transaction that waits to be let go."""

    def setUp(self) -> None:
        self.url = f"sqlite:///{Path(self.mktemp()).absolute()}"
        migrate(self.url)
        self.observed: list[tuple[float, float]] = []
        self.database = open_database(self.url, reactor=reactor, observe=lambda *times: self.observed.append(times))
        self.go = threading.Event()
        self.begun: Deferred[None] = Deferred()
        self.addCleanup(self.database.close)
        self.addCleanup(self.go.set)

    def held(self, txn: Txn) -> str:
        """Runs until `go` is set."""
        reactor.callFromThread(self.begun.callback, None)  # type: ignore[attr-defined]
        self.go.wait(20)
        put(txn, "held")
        return "held"


class PoolTests(PoolCase):
    """Counts and closing."""

    async def test_counts_what_runs_and_what_waits(self) -> None:
        """With one writer busy the others wait for its thread; afterwards nothing does, and each was observed."""
        answers = [self.database.run(self.held), self.database.run(put, "a"), self.database.run(put, "b")]
        await self.begun
        self.assertEqual((self.database.in_flight, self.database.pool_waiting), (3, 2))
        self.go.set()
        await gatherResults(answers)
        self.assertEqual((self.database.in_flight, self.database.pool_waiting), (0, 0))
        self.assertEqual(len(self.observed), 3)
        self.assertGreater(self.observed[2][0], 0.0)

    async def test_reads_do_not_wait_for_writes(self) -> None:
        """A read is answered while the only writer is busy."""
        answer = self.database.run(self.held)
        await self.begun
        self.assertEqual(await self.database.read(epochs), {})
        self.go.set()
        await answer

    async def test_closing_lets_what_runs_come_to_its_end(self) -> None:
        """Closing refuses new transactions at once, and ends after those in flight were committed. Twice is once."""
        answer = self.database.run(self.held)
        await self.begun
        closed = Deferred.fromCoroutine(self.database.close())
        await self.assertFailure(self.database.run(put, "a"), Unavailable)
        await self.assertFailure(self.database.read(epochs), Unavailable)
        self.assertFalse(closed.called)
        self.go.set()
        await closed
        await self.database.close()
        self.assertEqual(await answer, "held")
        again = open_database(self.url, reactor=reactor)
        self.assertEqual(await again.read(epochs), {"held": 0})
        await again.close()

    async def test_a_transaction_that_does_not_end_freezes_nobody(self) -> None:
        """When the time for closing is up the reactor still turns, and the pool ends with the thread."""
        self.patch(pool, "CLOSE_WAIT_S", 0.01)
        answer = self.database.run(self.held)
        await self.begun
        closed = Deferred.fromCoroutine(self.database.close())
        await deferToThread(time.sleep, 0.05)
        self.assertFalse(closed.called)
        self.go.set()
        await closed
        self.assertEqual(await answer, "held")


class _Silent(Protocol):
    """Takes the connection and says nothing, as a server behind a broken network; or hangs up at once."""

    def connectionMade(self) -> None:
        factory: Any = self.factory
        factory.connections += 1
        if factory.hangs_up:
            self.transport.loseConnection()  # type: ignore[union-attr]


class UnreachableTests(ReactorTestCase):
    """A server that cannot be used."""

    def listen(self, *, hangs_up: bool) -> tuple[Any, PooledDatabase]:
        factory: Any = ServerFactory.forProtocol(_Silent)
        factory.connections, factory.hangs_up = 0, hangs_up
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        url = f"mysql://root@127.0.0.1:{port.getHost().port}/x?connect_timeout=0.3"
        database = open_database(url, reactor=reactor, pool_size=4)
        self.addCleanup(database.close)
        self.addCleanup(self.flushLoggedErrors)
        return factory, database

    async def test_a_crowd_is_refused_without_a_crowd_of_connects(self) -> None:
        """After a failed connect the rest is told so at once: requests do not queue for a time-out each."""
        for hangs_up in (True, False):
            factory, database = self.listen(hangs_up=hangs_up)
            for answer in [database.run(epochs) for _ in range(200)]:
                await self.assertFailure(answer, Unavailable)
            self.assertLess(factory.connections, 20)


class OpenDatabaseTests(PlainTestCase):
    """URLs that do not fit."""

    def test_a_replica_is_of_the_same_kind(self) -> None:
        """Reads that go to another kind of database would not understand their statements."""
        error = self.assertRaises(
            Invalid, open_database, "sqlite:///x.db", reactor=reactor, read_url="mysql://h/d")
        self.assertEqual(error.faults[0].field, "DATABASE_READ_URL")
