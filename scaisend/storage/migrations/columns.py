"""Column types of the schema, each the same to the programs on SQLite, MariaDB and MySQL.

A moment is a BIGINT of microseconds since the epoch, UTC: it compares, sorts and pages exactly, and needs no conversion.
Ids and tokens are ASCII compared byte by byte; text is utf8mb4 compared byte by byte.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, SmallInteger, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine


def an_id(name: str = "id", comment: str = "", *, primary_key: bool = False, null: bool = False, length: int = 48) -> Column[str]:
    """An id or another short ASCII word."""
    kind: TypeEngine[str] = String(length).with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
    return Column(name, kind, primary_key=primary_key, nullable=null, comment=comment)


def short_text(name: str, comment: str, *, length: int = 255, null: bool = False, default: str | None = None) -> Column[str]:
    kind: TypeEngine[str] = String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    return Column(name, kind, nullable=null, comment=comment, server_default=default)


def long_text(name: str, comment: str, *, null: bool = True) -> Column[str]:
    """Text up to 16 MB; JSON is kept so, and read by the program alone."""
    kind: TypeEngine[str] = Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    return Column(name, kind, nullable=null, comment=comment)


def blob(name: str, comment: str, *, null: bool = True) -> Column[bytes]:
    return Column(name, LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=null, comment=comment)


def moment(name: str, comment: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger(), nullable=null, comment=comment)


def number(name: str, comment: str, *, null: bool = False, default: int | None = 0) -> Column[int]:
    return Column(name, Integer(), nullable=null, comment=comment, server_default=None if default is None else str(default))


def big_number(name: str, comment: str, *, null: bool = False, default: int | None = 0) -> Column[int]:
    return Column(name, BigInteger(), nullable=null, comment=comment, server_default=None if default is None else str(default))


def small_number(name: str, comment: str, *, null: bool = False, default: int | None = 0) -> Column[int]:
    return Column(name, SmallInteger(), nullable=null, comment=comment, server_default=None if default is None else str(default))


def ratio(name: str, comment: str) -> Column[float]:
    return Column(name, Float(), nullable=True, comment=comment)


def flag(name: str, comment: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False, comment=comment, server_default="1" if default else "0")


def row_number() -> Column[int]:
    """A number the database counts up: the order of insertion, and the primary key."""
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Column("number", kind, primary_key=True, autoincrement=True, comment="order of insertion")
