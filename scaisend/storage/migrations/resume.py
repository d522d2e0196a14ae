"""MySQL commits each DDL statement by itself, so a migration that was killed leaves a part: here it is taken up where it stopped."""

from typing import Any

from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Column, Index, Table, inspect


class ResumableMySQLImpl(MySQLImpl):
    """What the revision's first run has made already is not made again. Importing this file makes Alembic use it for MySQL."""

    __dialect__ = "mysql"

    def create_table(self, table: Table, **kw: Any) -> None:
        if self.as_sql or not self._look().has_table(table.name):
            super().create_table(table, **kw)

    def create_index(self, index: Index, **kw: Any) -> None:
        table = index.table
        if self.as_sql or table is None or index.name not in {each["name"] for each in self._look().get_indexes(table.name)}:
            super().create_index(index, **kw)

    def add_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        if self.as_sql or column.name not in {each["name"] for each in self._look().get_columns(table_name)}:
            super().add_column(table_name, column, **kw)

    def _look(self) -> Any:
        """A new inspector: an old one remembers."""
        return inspect(self.connection)
