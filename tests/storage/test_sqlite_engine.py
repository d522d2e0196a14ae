"""SQLite files under the Database contract, and several users of one file."""

import sqlite3
import time
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from scaisend.faults import Unavailable
from scaisend.storage.database import Txn
from scaisend.storage.migrations.run import migrate
from scaisend.storage.pool import open_database
from tests.base import ReactorTestCase
from tests.storage.contract_database import DatabaseContract, add_one, epochs, put


class SqliteCase(ReactorTestCase):
    """A migrated file and the pools on it."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        self.url = f"sqlite:///{self.path}"
        migrate(self.url)
        self.database = open_database(self.url, reactor=reactor)
        self.addCleanup(self.database.close)


class SqliteContract(DatabaseContract, SqliteCase):
    """The contract."""


class SqliteEngineTests(SqliteCase):
    """What only files do."""

    async def test_two_processes_share_a_file(self) -> None:
        """Two writers of one file wait for each other and lose nothing."""
        other = open_database(self.url, reactor=reactor)
        await self.database.run(put, "a")
        await gatherResults([database.run(add_one, "a") for _ in range(30) for database in (self.database, other)])
        self.assertEqual(await self.database.read(epochs), {"a": 60})
        await other.close()

    async def test_reads_beside_a_writer(self) -> None:
        """A read is answered, with what was committed, while another transaction holds the lock."""
        writer = sqlite3.connect(self.path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO epochs VALUES ('a', 1)")
        self.assertEqual(await self.database.read(epochs), {})
        writer.execute("COMMIT")
        writer.close()
        self.assertEqual(await self.database.read(epochs), {"a": 1})

    async def test_waits_for_a_lock(self) -> None:
        """A transaction that finds the file locked waits, and then runs once."""
        writer = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        writer.execute("BEGIN IMMEDIATE")
        waiting = self.database.run(put, "a")
        await deferToThread(time.sleep, 0.2)
        writer.execute("COMMIT")
        writer.close()
        self.assertEqual(await waiting, 1)

    async def test_is_durable_and_strict(self) -> None:
        """The writer flushes each commit, uses WAL and checks foreign keys."""

        def pragmas(txn: Txn) -> list[object]:
            return [(txn.row(f"PRAGMA {name}") or (None,))[0] for name in ("journal_mode", "synchronous", "foreign_keys")]

        self.assertEqual(await self.database.run(pragmas), ["wal", 2, 1])

    async def test_a_file_that_cannot_be_opened_is_away(self) -> None:
        """A folder that is not there is Unavailable."""
        away = open_database(f"sqlite:///{self.path}.no/such/file.db", reactor=reactor)
        await self.assertFailure(away.run(epochs), Unavailable)
        await away.close()
        self.flushLoggedErrors()
