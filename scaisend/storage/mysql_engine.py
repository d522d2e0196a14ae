"""MySQL 8 and MariaDB 10.6 or later, through PyMySQL."""

import contextlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pymysql import InterfaceError, MySQLError
from pymysql.connections import Connection
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor

from scaisend import faultpoints
from scaisend.storage.dialect import MYSQL, Dialect
from scaisend.storage.engine import Verdict
from scaisend.storage.mysql_txn import UNDONE, MysqlTxn
from scaisend.storage.url import MysqlAddress, driver_options

LOCK_WAIT_S = 5
# No ONLY_FULL_GROUP_BY, ANSI_QUOTES or NO_BACKSLASH_ESCAPES: the same on every server, whatever its own default.
SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

_RERUN = UNDONE | {1020}  # deadlock, lock wait, record changed since it was read
_RECONNECT = {
    2006, 2013, 2055, 2014, 2027,  # gone, lost, lost, out of step, malformed packet
    1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031,  # shutting down, aborted, packet errors, killed, idle
    1290, 1836,  # read-only: another server is the primary now
}
_AWAY = {
    1040, 1203, 1226, 2002, 2003, 2005,  # too many connections, cannot connect
    1044, 1045, 1049, 1130, 1698, 2059, 2061,  # refused at the door
    3, 28, 1021, 1037, 1041, 1114, 1135,  # disk full, out of memory, table full, no thread
}


class MysqlEngine:
    """Transactions at READ COMMITTED; a `reader` is in autocommit mode, needs no COMMIT and refuses to write."""

    dialect: Dialect = MYSQL
    driver = "pymysql"

    def __init__(self, address: MysqlAddress, *, reader: bool) -> None:
        options = driver_options(address)
        self._read_timeout_s = options["read_timeout"]
        self.options: Mapping[str, Any] = {
            **options, "read_timeout": options["connect_timeout"], "host": address.host, "port": address.port, "user": address.user,
            "password": address.password, "database": address.database, "client_flag": CLIENT.FOUND_ROWS, "autocommit": reader,
            "conv": {**conversions, FIELD_TYPE.DECIMAL: _number, FIELD_TYPE.NEWDECIMAL: _number},
        }
        self._reader = reader
        self._packet_bytes = 1

    def prepare(self, connection: "Connection[Cursor]") -> None:
        """Two statements, because MySQL and MariaDB have no common name for the isolation level in the second form."""
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(
                f"SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_S}, sql_mode = '{SQL_MODE}'",
            )
            if self._reader:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SELECT @@max_allowed_packet, @@sql_mode")
            ((self._packet_bytes, mode),) = cursor.fetchall()
        # PyMySQL bounds the greeting by read_timeout: so a silent server is found out like one that cannot be connected to, and
        # statements get their longer time only here.
        connection._read_timeout = self._read_timeout_s  # type: ignore[attr-defined]
        if "NO_BACKSLASH_ESCAPES" in mode:
            raise InterfaceError(0, "the server keeps NO_BACKSLASH_ESCAPES in its SQL mode: literals would not be safe")

    def transact(
        self, connection: "Connection[Cursor]", fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any],
    ) -> Any:
        """A function that used no statement, and a reader, leave nothing to commit."""
        txn = MysqlTxn(connection, self._packet_bytes)
        if self._reader:
            return fn(txn, *args, **kwargs)
        try:
            result = fn(txn, *args, **kwargs)
            if txn.failure is not None:
                raise txn.failure
            faultpoints.reach("db.before_commit")
            if txn.used:
                connection.commit()
        except BaseException:
            _undo(connection)
            raise
        faultpoints.reach("db.after_commit")
        return result

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, InterfaceError):
            return Verdict.RECONNECT
        if not isinstance(error, MySQLError):
            return Verdict.RAISE
        code = error.args[0] if error.args else 0
        if code in _RERUN:
            return Verdict.RERUN
        if code in _RECONNECT:
            return Verdict.RECONNECT
        return Verdict.AWAY if code in _AWAY else Verdict.RAISE


def _undo(connection: "Connection[Cursor]") -> None:
    """A connection that cannot even roll back is closed: the server undoes its transaction, and the next use reconnects."""
    try:
        connection.rollback()
    except Exception:
        with contextlib.suppress(Exception):
            connection.close()


def _number(text: str) -> int | Decimal:
    """SUM() of whole numbers is a DECIMAL to MySQL, and an integer to SQLite."""
    return Decimal(text) if "." in text else int(text)
