"""MariaDB under the Database contract, its deadlocks, and its deaths."""

import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from scaisend.faults import Unavailable
from scaisend.storage.database import Txn
from scaisend.storage.mysql_txn import MAX_STATEMENT_BYTES
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.storage.contract_database import DatabaseContract, epochs, put
from tests.world.mariadb import private_mariadb


class MariadbCase(ReactorTestCase):
    """A migrated database, emptied for each test, and the pools on it."""

    timeout = 120

    def setUp(self) -> None:
        self.server = private_mariadb()
        self.server.start()
        self.name = self.server.empty_database()
        self.database = open_database(self.server.url(self.name), reactor=reactor)
        self.addCleanup(self.database.close)

    async def recovered(self, ask: Any) -> dict[str, int]:
        """What `ask` answers once it is no longer refused; the test's time limit is the bound."""
        while True:
            try:
                answer: dict[str, int] = await ask(epochs)
                return answer
            except Unavailable:
                await deferLater(reactor, 0.05)

    def kill_connections(self) -> int:
        """Every connection to the database but our own is killed; how many."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (self.name,))
            ids = [row[0] for row in cursor.fetchall()]
            for each in ids:
                cursor.execute(f"KILL {each}")
        return len(ids)


class MariadbContract(DatabaseContract, MariadbCase):
    """The contract."""


class MysqlEngineTests(MariadbCase):
    """What only servers do."""

    async def test_session(self) -> None:
        """Isolation, strictness, time zone and escapes do not depend on the server's defaults."""

        def settings(txn: Txn) -> Any:
            return txn.row("SELECT @@tx_isolation, @@time_zone, @@innodb_lock_wait_timeout, @@sql_mode LIKE '%STRICT_ALL%', @@autocommit")

        self.assertEqual(await self.database.run(settings), ("READ-COMMITTED", "+00:00", 5, 1, 0))

    async def test_values_too_long_are_refused(self) -> None:
        """Nothing is cut off in silence, with `ignore` neither."""
        for ignore in (False, True):
            await self.assertFailure(
                self.database.run(lambda txn, ignore=ignore: txn.insert("instance", ["name", "value"], [("n" * 65, "")], ignore=ignore)),
                Exception,
            )
        self.assertEqual(await self.database.run(lambda txn: txn.rows("SELECT * FROM instance")), [])

    async def test_splits_large_inserts(self) -> None:
        """Rows of more than a packet together arrive, and a statement over the packet limit is an error and no lost connection."""
        rows = [(f"n{number}", "é" * 1_000_000) for number in range(MAX_STATEMENT_BYTES // 1_000_000)]

        def fn(txn: Txn) -> Any:
            return txn.insert("instance", ["name", "value"], rows), txn.row("SELECT COUNT(*), MIN(CHAR_LENGTH(value)) FROM instance")

        self.assertEqual(await self.database.run(fn), (8, (8, 1_000_000)))
        await self.assertFailure(
            self.database.run(lambda txn: txn.insert("instance", ["name", "value"], [("big", "x" * 17_000_000)])), ValueError)

    async def test_reruns_after_a_deadlock(self) -> None:
        """Two transactions that take two rows in opposite order both succeed."""
        await self.database.run(put, "a")
        await self.database.run(put, "b")
        runs: list[str] = []

        def both(txn: Txn, first: str, second: str) -> None:
            runs.append(first)
            txn.execute("UPDATE epochs SET value = value + 1 WHERE name = :name", {"name": first})
            time.sleep(0.1)
            txn.execute("UPDATE epochs SET value = value + 1 WHERE name = :name", {"name": second})

        await gatherResults([self.database.run(both, *order) for order in (("a", "b"), ("b", "a"))])
        self.assertEqual(await self.database.run(epochs), {"a": 2, "b": 2})
        self.assertGreater(len(runs), 2)

    async def test_a_swallowed_deadlock_commits_nothing_by_half(self) -> None:
        """A function that catches the error of a deadlock runs again all the same: the server had undone its first half."""
        await self.database.run(put, "a")
        await self.database.run(put, "b")

        def both(txn: Txn, first: str, second: str) -> None:
            txn.execute("UPDATE epochs SET value = value + 1 WHERE name = :name", {"name": first})
            time.sleep(0.1)
            try:
                txn.execute("UPDATE epochs SET value = value + 1 WHERE name = :name", {"name": second})
            except Exception:
                return

        await gatherResults([self.database.run(both, *order) for order in (("a", "b"), ("b", "a"))])
        self.assertEqual(await self.database.run(epochs), {"a": 2, "b": 2})

    async def test_survives_killed_connections(self) -> None:
        """When every connection was killed, idle or at work, no caller sees an error and nothing is missing or there twice.

        A commit whose answer was lost runs again: what stores write carries ids of their own, as here.
        """
        names = iter(range(1000))

        def add(txn: Txn, name: str) -> None:
            txn.insert("epochs", ("name", "value"), [(name, 1)], ignore=True)
            time.sleep(0.02)

        for _ in range(3):
            await gatherResults([self.database.run(add, f"n{next(names)}") for _ in range(8)])
            self.assertGreater(self.kill_connections(), 0)
        running = [self.database.run(add, f"n{next(names)}") for _ in range(8)]
        await deferToThread(self.kill_connections)
        await gatherResults(running)
        self.assertEqual(await self.database.read(epochs), {f"n{number}": 1 for number in range(32)})

    async def test_is_away_while_the_server_is_stopped(self) -> None:
        """Stopped: Unavailable, at once for a crowd. Started: everything works again without a word."""
        await gatherResults([self.database.run(put, f"n{number}") for number in range(8)])
        await deferToThread(self.server.stop)
        try:
            started_at = time.monotonic()
            for answer in [self.database.run(epochs) for _ in range(50)] + [self.database.read(epochs) for _ in range(50)]:
                await self.assertFailure(answer, Unavailable)
            self.assertLess(time.monotonic() - started_at, 10)
        finally:
            await deferToThread(self.server.start)
        self.assertEqual(len(await self.recovered(self.database.run)), 8)
        self.assertEqual(len(await self.recovered(self.database.read)), 8)
        self.flushLoggedErrors()

    async def test_loses_no_commit_in_a_power_cut(self) -> None:
        """What was answered before the server was killed is there afterwards."""
        await gatherResults([self.database.run(put, f"n{number}") for number in range(20)])
        await deferToThread(self.server.kill)
        await self.assertFailure(self.database.run(epochs), Unavailable)
        await deferToThread(self.server.start)
        self.assertEqual(len(await self.recovered(self.database.run)), 20)
        self.flushLoggedErrors()

    async def test_a_statement_may_take_longer_than_a_connect(self) -> None:
        """`connect_timeout` bounds the greeting, not the statements."""
        database = open_database(f"{self.server.url(self.name)}?connect_timeout=1", reactor=reactor)
        self.assertEqual(await database.run(lambda txn: txn.row("SELECT SLEEP(1.2)")), (0,))
        await database.close()

    async def test_an_unknown_database_is_away(self) -> None:
        """A name that the server does not know is Unavailable and logged."""
        other = open_database(self.server.url("no_such_database"), reactor=reactor)
        await self.assertFailure(other.run(epochs), Unavailable)
        await other.close()
        self.flushLoggedErrors()
