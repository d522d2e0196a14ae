"""SQLite: one writer at a time, readers beside it."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from scaisend import faultpoints
from scaisend.storage.dialect import SQLITE, Dialect
from scaisend.storage.engine import Verdict
from scaisend.storage.sqlite_txn import SqliteTxn
from scaisend.storage.url import SqliteAddress

BUSY_TIMEOUT_MS = 5_000

_VERDICTS = {
    sqlite3.SQLITE_BUSY: Verdict.RERUN, sqlite3.SQLITE_LOCKED: Verdict.RERUN, sqlite3.SQLITE_PROTOCOL: Verdict.RERUN,
    sqlite3.SQLITE_FULL: Verdict.AWAY, sqlite3.SQLITE_IOERR: Verdict.AWAY, sqlite3.SQLITE_CANTOPEN: Verdict.AWAY,
    sqlite3.SQLITE_NOMEM: Verdict.AWAY, sqlite3.SQLITE_CORRUPT: Verdict.AWAY, sqlite3.SQLITE_NOTADB: Verdict.AWAY,
}


class SqliteEngine:
    """Transactions on an SQLite file; a `reader` refuses to write and takes no lock."""

    dialect: Dialect = SQLITE
    driver = "sqlite3"

    def __init__(self, address: SqliteAddress, *, reader: bool) -> None:
        self.options: Mapping[str, Any] = {
            "database": address.path, "isolation_level": None, "check_same_thread": False, "cached_statements": 512,
            "timeout": BUSY_TIMEOUT_MS / 1000,
        }
        self._reader = reader

    def prepare(self, connection: sqlite3.Connection) -> None:
        """WAL, so that readers and the writer do not wait for each other; FULL, so that a commit survives a power cut."""
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -16000"):
            connection.execute(f"PRAGMA {pragma}")
        if self._reader:
            connection.execute("PRAGMA query_only = ON")

    def transact(
        self, connection: sqlite3.Connection, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any],
    ) -> Any:
        """The writer begins with IMMEDIATE: a transaction that read first could not be made to wait for the lock later."""
        if self._reader:
            return fn(SqliteTxn(connection), *args, **kwargs)
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = fn(SqliteTxn(connection), *args, **kwargs)
            faultpoints.reach("db.before_commit")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        faultpoints.reach("db.after_commit")
        return result

    def verdict(self, error: BaseException) -> Verdict:
        code = getattr(error, "sqlite_errorcode", None)
        return Verdict.RAISE if code is None else _VERDICTS.get(code & 0xFF, Verdict.RAISE)
