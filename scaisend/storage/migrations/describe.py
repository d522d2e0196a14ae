"""Writes docs/schema.md from the migrations: `python -m scaisend.storage.migrations.describe > docs/schema.md`."""

import re
import sys
from collections.abc import Iterator
from typing import Any

from alembic.ddl.mysql import MySQLImpl
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Index, Table
from sqlalchemy.dialects import mysql

from scaisend.storage.migrations.run import installed_revisions

_HEAD = """# The schema

Written from `scaisend/storage/migrations` by `python -m scaisend.storage.migrations.describe`; a test holds it to that.

Types are those of MySQL and MariaDB. A moment (`…_at`) is a `BIGINT` of microseconds since the epoch, UTC. JSON is text that only
the program reads. Ids are ASCII and compared byte by byte, and so is text. `tenant_id` names the one tenant that a row belongs to.
There are no foreign keys: what belongs together is written in one transaction and deleted in portions.
"""


def describe() -> str:
    """The page: each table with its columns, keys and comments, in alphabetical order."""
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True})
    recorder = _Recorder(context.dialect, None, True, None, None, {})
    context.impl = recorder
    with Operations.context(context):
        for revision in installed_revisions():
            revision.module.upgrade()
    return "\n".join([_HEAD, *(_section(table, recorder.indexes) for _, table in sorted(recorder.tables.items()))])


class _Recorder(MySQLImpl):
    """Keeps what the migrations make, and stops at an operation that it cannot follow."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tables: dict[str, Table] = {}
        self.indexes: list[Index] = []

    def create_table(self, table: Table, **kw: Any) -> None:
        self.tables[table.name] = table

    def create_index(self, index: Index, **kw: Any) -> None:
        self.indexes.append(index)

    def add_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        self.tables[table_name].append_column(column._copy())

    def execute(self, *args: Any, **kw: Any) -> None:
        """Rows are not described."""

    def _exec(self, construct: Any, *args: Any, **kw: Any) -> None:
        raise TypeError(f"describe.py does not follow {type(construct).__name__}")


def _section(table: Table, indexes: list[Index]) -> str:
    lines = [f"## {table.name}", "", _sentence(table.comment), "", "| column | type | what it is |", "| --- | --- | --- |"]
    lines += [f"| {column.name} | {_type(column)} | {column.comment or ''} |" for column in table.columns]
    return "\n".join([*lines, "", *_keys(table, indexes), ""])


def _keys(table: Table, indexes: list[Index]) -> Iterator[str]:
    yield f"- primary key ({', '.join(column.name for column in table.primary_key.columns)})"
    for index in indexes:
        if index.table is not None and index.table.name == table.name:
            columns = ", ".join(str(getattr(each, "name", each)) for each in index.expressions)
            yield f"- {'unique' if index.unique else 'index'} `{index.name}` ({columns})"


def _type(column: Column[Any]) -> str:
    words = column.type.compile(dialect=mysql.dialect()).replace("CHARACTER SET ascii COLLATE ascii_bin", "ASCII")
    words = re.sub(r" CHARACTER SET \w+ COLLATE \w+", "", words)
    default: Any = column.server_default
    if column.nullable:
        words += ", may be null"
    return words if default is None else f"{words}, default `{str(default.arg) or '(empty)'}`"


def _sentence(comment: str | None) -> str:
    text = comment or ""
    return text[:1].upper() + text[1:] + "."


if __name__ == "__main__":
    sys.stdout.write(describe())
