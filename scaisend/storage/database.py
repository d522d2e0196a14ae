"""The database seam. `pool.py` opens what stands behind it; `tests/world/inline_database.py` stands behind it in tests."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from scaisend.storage.dialect import Dialect

__all__ = ["Database", "Dialect", "DuplicateKey", "Parameters", "Row", "Txn", "Value"]

P = ParamSpec("P")
T = TypeVar("T")

Value = str | int | float | bytes | None
Row: TypeAlias = tuple[Any, ...]  # a row's columns have the types its statement says
Parameters = Mapping[str, Any]  # Value, or a list or tuple of Value or of row values


class DuplicateKey(Exception):
    """The statement would have made a second row with the same primary or unique key; it alone was undone."""


class Txn(Protocol):
    """One open transaction in a pool thread. Functions that take it never await and have no effect but SQL: they may rerun.

    SQL is written with `:name` parameters. A list parameter expands to `(a, b, …)`, a list of tuples to the dialect's list of
    row values; both stand after `IN`; an empty list matches nothing. Raises: DuplicateKey, by every statement that writes.
    """

    dialect: Dialect

    def execute(self, sql: str, parameters: Parameters = ...) -> int:
        """Runs a statement; the number of rows it matched."""

    def rows(self, sql: str, parameters: Parameters = ...) -> list[Row]:
        """All rows of a query."""

    def row(self, sql: str, parameters: Parameters = ...) -> Row | None:
        """The only row, or None."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, ignore: bool = False,
    ) -> int:
        """All rows in one statement (or several under the packet limit); with `ignore`, rows whose key exists are skipped.

        The number of rows inserted.
        """

    def upsert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, keys: Sequence[str], update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        """Rows whose `keys` exist get the new values of the `update` columns, and their `add` columns grow by the values given; the
        others are inserted.
        """


class Database(Protocol):
    """Runs transaction functions in pool threads."""

    dialect: Dialect

    def run(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """fn(txn, …) ran and was committed (READ COMMITTED, or BEGIN IMMEDIATE); it reran after a deadlock or a lost connection.

        Raises: what fn raised, after a rollback; Unavailable("database") when the database is away.
        """

    def read(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """As `run` for functions that only read; may be answered by a replica or a reader connection."""

    def close(self) -> Awaitable[None]:
        """No transaction runs any more and the connections are closed."""
