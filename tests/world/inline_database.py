"""A Database in memory that runs each transaction at once, in the caller's thread: under the same contract as the pools."""

import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from scaisend import faultpoints
from scaisend.faults import Unavailable
from scaisend.storage.database import Txn
from scaisend.storage.dialect import SQLITE
from scaisend.storage.migrations.run import migrate
from scaisend.storage.sqlite_txn import SqliteTxn

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _migrated() -> bytes:
    """The bytes of an empty database with the newest schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        migrate(f"sqlite:///{path}")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = DELETE")  # a database in memory cannot have a WAL
        template = connection.serialize()
        connection.close()
        return template


class InlineDatabase:
    """Answers fired Deferreds. While `away` is true every transaction is refused as when the server is down.

    `lost_commits` counts down: so many of the next transactions are committed and then reported as Unavailable, as when the
    connection is lost during COMMIT.
    """

    dialect = SQLITE

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.deserialize(_migrated())
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.away = False
        self.lost_commits = 0
        self.commits = 0

    def run(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        try:
            return succeed(self.now(fn, *args, **kwargs))
        except Exception:
            return fail()

    def read(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        self.connection.execute("PRAGMA query_only = ON")
        try:
            if self.away:
                raise Unavailable("database")
            return succeed(fn(SqliteTxn(self.connection), *args, **kwargs))
        except Exception:
            return fail()
        finally:
            self.connection.execute("PRAGMA query_only = OFF")

    def now(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, but answers the result itself: for a test's own preparations and questions."""
        if self.away:
            raise Unavailable("database")
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = fn(SqliteTxn(self.connection), *args, **kwargs)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        faultpoints.reach("db.before_commit")
        self.connection.execute("COMMIT")
        faultpoints.reach("db.after_commit")
        self.commits += 1
        if self.lost_commits:
            self.lost_commits -= 1
            raise Unavailable("database")
        return result

    def rows(self, sql: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        """What a query answers, with `?` parameters: for assertions."""
        return self.connection.execute(sql, values).fetchall()

    def close(self) -> "Deferred[None]":
        self.connection.close()
        return succeed(None)


def inline_database() -> InlineDatabase:
    """A new, empty database with the newest schema."""
    return InlineDatabase()
