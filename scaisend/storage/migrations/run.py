"""Brings a database to the schema of this program, forward only, one at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import BigInteger, Connection, Engine, String, Table, column, create_engine, event, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from scaisend.faults import Unavailable
from scaisend.storage.migrations import resume  # noqa: F401  # Alembic finds it by being imported
from scaisend.storage.url import MysqlAddress, SqliteAddress, alchemy_url, driver_options, parse_database_url

LOCK_WAIT_S = 300
_HERE = Path(__file__).parent
_SCHEMA_SERVES = table(
    "schema_serves", column("revision", String), column("oldest_program", String), column("applied_at", BigInteger),
)


def migrate(url: str) -> list[str]:
    """The database has the newest schema; the revisions that were applied just now, oldest first.

    Two at once do no harm: the second waits for the first. Raises: Invalid for the URL, Unavailable when another migration
    holds the lock for LOCK_WAIT_S, and what the driver raises.
    """
    config = _config()
    with locked_connection(url) as connection:
        config.attributes["connection"] = connection
        applied: list[str] = config.attributes.setdefault("applied", [])
        command.upgrade(config, "head")
    return applied


def newest_revision() -> str:
    """The revision that this program's stores are written for."""
    return installed_revisions()[-1].revision


def installed_revisions() -> list[Script]:
    """The migrations, oldest first."""
    return list(ScriptDirectory.from_config(_config()).walk_revisions())[::-1]


@contextmanager
def locked_connection(url: str) -> Iterator[Connection]:
    """A connection that no other migration of the same database has beside it.

    Raises: Unavailable when the database cannot be reached.
    """
    address = parse_database_url(url)
    engine = _engine(address)
    try:
        if isinstance(address, SqliteAddress):
            with _locked_folder(Path(address.path)), _connected(engine) as connection:
                yield connection
        else:
            with _connected(engine) as connection, _locked_server(connection):
                yield connection
    finally:
        engine.dispose()


def run_revisions(connection: Connection, *, forward: bool = True) -> None:
    """Runs what Alembic's command chose, each revision in a transaction of its own that also notes whom the schema serves.

    Called by env.py. Raises: CommandError for a downgrade.
    """
    if not forward:
        raise CommandError("migrations only go forward: restore a backup to go back")
    applied = context.config.attributes.get("applied", [])

    def note(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
        module = step.up_revision.module
        row = {
            "revision": step.up_revision_id, "oldest_program": module.oldest_program, "applied_at": int(time.time() * 1_000_000),
        }
        ctx.impl.bulk_insert(_SCHEMA_SERVES, [row])
        applied.append(step.up_revision_id)

    event.listen(Table, "before_create", _innodb)
    try:
        context.configure(
            connection=connection, transaction_per_migration=True, on_version_apply=note, render_as_batch=True,
            transactional_ddl=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        event.remove(Table, "before_create", _innodb)


def database_url() -> str:
    """DATABASE_URL of the environment or of `.env` in this folder, else the file `scaisend.db` in DATA_DIR."""
    settings = {**_dot_env(Path(".env")), **os.environ}
    if settings.get("DATABASE_URL"):
        return settings["DATABASE_URL"]
    folder = Path(settings.get("DATA_DIR") or "scaisend-data")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{folder.absolute()}/scaisend.db"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _engine(address: SqliteAddress | MysqlAddress) -> Engine:
    if isinstance(address, MysqlAddress):
        return create_engine(alchemy_url(address), poolclass=NullPool, connect_args={**driver_options(address), "read_timeout": None})
    engine = create_engine(alchemy_url(address), poolclass=NullPool)
    event.listen(engine, "connect", _manual_transactions)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except DBAPIError as error:
        raise Unavailable("database", f"the database cannot be reached: {error.orig}") from error


def _manual_transactions(connection: Any, record: Any) -> None:
    """Python's sqlite3 commits before DDL by itself; so a migration could be left half done."""
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _innodb(new: Table, connection: Connection | None, **kwargs: Any) -> None:
    if connection is not None and connection.dialect.name == "mysql":
        new.dialect_options["mysql"]["engine"] = "InnoDB"
        new.dialect_options["mysql"]["charset"] = "utf8mb4"


@contextmanager
def _locked_folder(path: Path) -> Iterator[None]:
    """SQLite's own locks would be lost if the database file were opened and closed here; so the folder is locked."""
    try:
        folder = os.open(path.absolute().parent, os.O_RDONLY)
    except OSError as error:
        raise Unavailable("database", f"the folder of the database cannot be opened: {error}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _locked_server(connection: Connection) -> Iterator[None]:
    """Holds MySQL's lock of this database (locks are the server's, so the name has the database in it)."""
    name = connection.execute(text("SELECT LEFT(CONCAT('scaisend_migrate.', DATABASE()), 64)")).scalar_one()
    got = connection.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S}).scalar()
    connection.commit()
    if got != 1:
        raise Unavailable("database", "another migration of this database is running")
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
        connection.commit()


def _dot_env(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
