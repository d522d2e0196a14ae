"""A private MariaDB server, one a test process: started when first asked for, ended with the process."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from unittest import SkipTest

import pymysql

from scaisend.storage.migrations.run import migrate
from tests.world.ports import free_port

START_S = 60


class PrivateMariadb:
    """A server in a folder of its own, on a socket and a loopback port; each commit is flushed. User root, no password.

    `arguments` go to mariadbd.
    """

    def __init__(self, folder: Path, *, buffer: str = "64M", arguments: Sequence[str] = ()) -> None:
        self._folder = folder
        self._buffer = buffer
        self._arguments = arguments
        (folder / "tmp").mkdir(parents=True, exist_ok=True)  # of its own: a starting server clears its tmpdir of others' tables
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._migrated: str | None = None
        self.socket = str(folder / "socket")
        self.port = free_port()
        with open(folder / "install.log", "wb") as log:
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal",
                 "--skip-test-db", "--skip-name-resolve", f"--tmpdir={folder / 'tmp'}", *_as_root()],
                check=True, stdout=log, stderr=log,
            )
        self.start()

    def start(self) -> None:
        """The server answers."""
        if self._process is not None:
            return
        with open(self._folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [_server(), "--no-defaults", f"--datadir={self._folder / 'data'}", f"--socket={self.socket}", f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--tmpdir={self._folder / 'tmp'}", f"--pid-file={self._folder / 'pid'}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=1",
                 f"--innodb-buffer-pool-size={self._buffer}", "--innodb-log-file-size=64M", "--performance-schema=OFF", "--skip-log-bin", *self._arguments, *_as_root()],
                stdout=log, stderr=log,
            )
        until = time.monotonic() + START_S
        while True:
            try:
                self.connect().close()
                return
            except pymysql.MySQLError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((self._folder / "server.log").read_text()[-2000:])
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The server's process. Raises: AssertionError while it is stopped."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """The server has shut down in good order; connections to it fail."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """The server is gone without a goodbye, as in a power cut."""
        self._end(signal.SIGKILL)

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection of the test's own, in autocommit mode."""
        return pymysql.connect(unix_socket=self.socket, user="root", database=database, autocommit=True, charset="utf8mb4")

    def create_database(self) -> str:
        """The name of a new, empty database."""
        name = f"scaisend_{os.getpid()}_{next(self._names)}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def empty_database(self) -> str:
        """The name of the process's database with the newest schema, emptied."""
        if self._migrated is None:
            name = self.create_database()
            migrate(self.url(name))
            self._migrated = name
        with self.connect(self._migrated) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            for (table,) in cursor.fetchall():
                if table not in ("alembic_version", "schema_serves"):
                    cursor.execute(f"DELETE FROM {table}")
        return self._migrated

    def url(self, database: str) -> str:
        """Its DATABASE_URL, over TCP."""
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        """Nothing is left of the server."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, signal_number: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(START_S)
            self._process = None


@cache
def private_mariadb() -> PrivateMariadb:
    """The process's server. Raises: SkipTest where MariaDB is not installed; an AssertionError instead where CI is true."""
    if _server() is None:
        if os.environ.get("CI") == "true":
            raise AssertionError("mariadbd is not installed, and this is CI")
        raise SkipTest("mariadbd is NOT INSTALLED: nothing was tested on MariaDB")
    server = PrivateMariadb(Path(tempfile.mkdtemp(prefix="scaisend-mariadb-")))
    atexit.register(server.close)
    return server


def _server() -> str | None:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


