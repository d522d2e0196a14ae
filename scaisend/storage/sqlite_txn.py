"""A transaction on an SQLite connection."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scaisend.storage.database import DuplicateKey, Parameters, Row, Value
from scaisend.storage.dialect import SQLITE, Dialect
from scaisend.storage.statement import Place, take_apart

_NONE: Mapping[str, Value] = {}
_DUPLICATES = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}


class SqliteTxn:
    """Txn on `connection`, which is in autocommit mode (`isolation_level=None`): whoever made this begins and commits."""

    dialect: Dialect = SQLITE

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Parameters = _NONE) -> int:
        return max(self._run(sql, parameters).rowcount, 0)

    def rows(self, sql: str, parameters: Parameters = _NONE) -> list[Row]:
        return self._run(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = _NONE) -> Row | None:
        cursor = self._run(sql, parameters)
        found: Row | None = cursor.fetchone()
        cursor.close()
        return found

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, ignore: bool = False) -> int:
        sql = _insert(table, columns) + (" ON CONFLICT DO NOTHING" if ignore else "")
        return max(self._run_many(sql, rows).rowcount, 0)

    def upsert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, keys: Sequence[str], update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        news = ", ".join([*[f"{column} = excluded.{column}" for column in update], *[f"{column} = {column} + excluded.{column}" for column in add]])
        what = f"UPDATE SET {news}" if news else "NOTHING"
        self._run_many(f"{_insert(table, columns)} ON CONFLICT ({', '.join(keys)}) DO {what}", rows)

    def _run(self, sql: str, parameters: Parameters) -> sqlite3.Cursor:
        values: Any = parameters
        for value in parameters.values():
            if type(value) is list or type(value) is tuple:
                sql, values = _expanded(sql, parameters)
                break
        try:
            return self._connection.execute(sql, values)
        except sqlite3.IntegrityError as error:
            raise _named(error) from None

    def _run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> sqlite3.Cursor:
        try:
            return self._connection.executemany(sql, rows)
        except sqlite3.IntegrityError as error:
            raise _named(error) from None


def _named(error: sqlite3.IntegrityError) -> Exception:
    return DuplicateKey(str(error)) if error.sqlite_errorcode in _DUPLICATES else error


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _expanded(sql: str, parameters: Parameters) -> tuple[str, list[Any]]:
    """The statement with `?` for every value, lists spread out, and the values in their order."""
    statement = take_apart(sql)
    pieces = [statement.texts[0]]
    values: list[Any] = []
    for place, text in zip(statement.places, statement.texts[1:], strict=True):
        value = parameters[place.name]
        if type(value) is list or type(value) is tuple:
            pieces.append(_list(place, value, values))
        else:
            pieces.append("?")
            values.append(value)
        pieces.append(text)
    return "".join(pieces), values


def _list(place: Place, items: Sequence[Any], values: list[Any]) -> str:
    if not items:
        return f"(SELECT {', '.join(['NULL'] * place.width)} WHERE 0)"
    if type(items[0]) is tuple:
        for item in items:
            values.extend(item)
        return "(VALUES " + ", ".join(["(" + ", ".join("?" * len(items[0])) + ")"] * len(items)) + ")"
    values.extend(items)
    return "(" + ", ".join("?" * len(items)) + ")"
