"""A transaction on a PyMySQL connection, and values as SQL literals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from pymysql import MySQLError
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from scaisend.storage.database import DuplicateKey, Parameters, Row, Value
from scaisend.storage.dialect import MYSQL, Dialect
from scaisend.storage.statement import Place, take_apart

MAX_STATEMENT_BYTES = 8_000_000

DUPLICATE = {1062, 1586}
# The server has undone the whole transaction: a function that caught this error must not commit the rest.
UNDONE = {1213, 1205}

_NONE: Mapping[str, Value] = {}


class MysqlTxn:
    """Txn on `connection`, whose session has backslash escapes and utf8mb4.

    `packet_bytes` is the server's max_allowed_packet. `failure` is an error that undid the whole transaction; `used` tells
    whether there is anything to commit.
    """

    __slots__ = ("_cursor", "_packet_bytes", "failure", "used")

    dialect: Dialect = MYSQL

    def __init__(self, connection: "Connection[Cursor]", packet_bytes: int) -> None:
        self._cursor = connection.cursor()
        self._packet_bytes = packet_bytes
        self.failure: MySQLError | None = None
        self.used = False

    def execute(self, sql: str, parameters: Parameters = _NONE) -> int:
        return self._run(text_of(sql, parameters))

    def rows(self, sql: str, parameters: Parameters = _NONE) -> list[Row]:
        self._run(text_of(sql, parameters))
        return list(self._cursor.fetchall())

    def row(self, sql: str, parameters: Parameters = _NONE) -> Row | None:
        self._run(text_of(sql, parameters))
        found: Row | None = self._cursor.fetchone()
        return found

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, ignore: bool = False) -> int:
        head = f"INSERT {'IGNORE ' if ignore else ''}INTO {table} ({', '.join(columns)}) VALUES "
        inserted = 0
        for count, values in self._portions(rows):
            got = self._run(head + values)
            if ignore and self._cursor.warning_count > count - got:
                raise ValueError(f"a row for {table} has values that its columns do not take")
            inserted += got
        return inserted

    def upsert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, keys: Sequence[str], update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        changes = [*[f"{column} = VALUES({column})" for column in update], *[f"{column} = {column} + VALUES({column})" for column in add]]
        news = ", ".join(changes) or f"{keys[0]} = {table}.{keys[0]}"
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        for _, values in self._portions(rows):
            self._run(f"{head}{values} ON DUPLICATE KEY UPDATE {news}")

    def _run(self, text: str) -> int:
        if len(text) >= self._packet_bytes:  # the server would hang up, which looks like a lost connection
            raise ValueError(f"a statement of {len(text)} characters is over the server's max_allowed_packet")
        self.used = True
        try:
            return self._cursor.execute(text)
        except MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in DUPLICATE:
                raise DuplicateKey(str(error.args[1])) from None
            if code in UNDONE:
                self.failure = error
            raise

    def _portions(self, rows: Iterable[Sequence[Value]]) -> Iterable[tuple[int, str]]:
        """(number of rows, their text) for statements that the server's packet limit lets through."""
        most = min(MAX_STATEMENT_BYTES, self._packet_bytes // 2)
        portion: list[str] = []
        size = 0
        for row in rows:
            text = f"({','.join([literal(value) for value in row])})"
            length = len(text) if text.isascii() else len(text.encode())
            if portion and size + length > most:
                yield len(portion), ",".join(portion)
                portion, size = [], 0
            portion.append(text)
            size += length + 1
        if portion:
            yield len(portion), ",".join(portion)


def text_of(sql: str, parameters: Parameters) -> str:
    """The statement with its parameters' values in it."""
    statement = take_apart(sql)
    if not statement.places:
        return sql
    pieces = [statement.texts[0]]
    for place, text in zip(statement.places, statement.texts[1:], strict=True):
        value = parameters[place.name]
        pieces.append(_list(place, value) if type(value) is list or type(value) is tuple else literal(value))
        pieces.append(text)
    return "".join(pieces)


def literal(value: Any) -> str:
    """The value in MySQL's notation, for a session with backslash escapes.

    Raises: TypeError for what is no Value, ValueError for a float that is no number.
    """
    write = _WRITERS.get(type(value))
    if write is None:
        return _other(value)
    return write(value)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _bytes(value: bytes) -> str:
    return f"_binary X'{value.hex()}'" if value else "''"


def _float(value: float) -> str:
    if not isfinite(value):
        raise ValueError(f"{value} has no place in a database")
    return repr(value)


def _other(value: Any) -> str:
    """For subclasses, such as enumerations."""
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, bytearray | memoryview):
        return _bytes(bytes(value))
    raise TypeError(f"{type(value).__name__} is no value of a statement")


def _list(place: Place, items: Sequence[Any]) -> str:
    """Without items: `IN (NULL)`, which is answered without looking at a row; `NOT IN` an empty set, which is true."""
    if not items:
        nulls = ",".join(["NULL"] * place.width)
        if place.negated:
            return f"(SELECT {nulls} FROM DUAL WHERE FALSE)"
        return f"(({nulls}))" if place.width > 1 else "(NULL)"
    if type(items[0]) is tuple:
        return "(" + ",".join(["(" + ",".join([literal(value) for value in item]) + ")" for item in items]) + ")"
    return "(" + ",".join([literal(item) for item in items]) + ")"


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    int: int.__repr__,
    type(None): lambda value: "NULL",
    bytes: _bytes,
    bool: lambda value: "1" if value else "0",
    float: _float,
}
