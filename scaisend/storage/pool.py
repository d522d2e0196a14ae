"""The pool of connections, one a thread; the only user of adbapi.

A transaction that met a deadlock or a dead connection runs again in its own thread: from outside, each of four dead
connections would have to be met before one works.
"""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from scaisend.faults import Invalid, Unavailable
from scaisend.storage.database import Database, Txn
from scaisend.storage.engine import Engine, Verdict
from scaisend.storage.mysql_engine import MysqlEngine
from scaisend.storage.sqlite_engine import SqliteEngine
from scaisend.storage.url import SqliteAddress, parse_database_url

P = ParamSpec("P")
T = TypeVar("T")
Observer = Callable[[float, float], None]

TRIES = 5
GIVE_UP_S = 10.0  # no rerun after this long
ONCE_MORE_S = 0.5
FAIL_FAST_S = 0.5  # after a failed connect nobody tries again for so long
CLOSE_WAIT_S = 10.0
SQLITE_READERS = 4

_log = Logger()


def open_database(
    url: str, *, reactor: Any, pool_size: int = 4, read_url: str | None = None, observe: Observer | None = None,
) -> "PooledDatabase":
    """The database at `url`, not yet connected to; `read` goes to `read_url` where one is given.

    `pool_size` threads, each with a connection, run transactions, and at most as many run reads. `observe(seconds_waited,
    seconds_run)` is called in the pool's threads after each. Raises: Invalid for a URL.
    """
    address = parse_database_url(url)
    read_address = parse_database_url(read_url, "DATABASE_READ_URL") if read_url else address
    if type(read_address) is not type(address):
        raise Invalid("the replica is of another kind than the database", "DATABASE_READ_URL")
    engines: list[Engine] = [
        SqliteEngine(each, reader=reader) if isinstance(each, SqliteAddress) else MysqlEngine(each, reader=reader)
        for each, reader in ((address, False), (read_address, True))
    ]
    sizes = (1, SQLITE_READERS) if isinstance(address, SqliteAddress) else (pool_size, pool_size)
    return PooledDatabase(
        writer=ThreadedConnections(engines[0], size=sizes[0], reactor=reactor, observe=observe),
        reader=ThreadedConnections(engines[1], size=sizes[1], reactor=reactor, observe=observe),
        reactor=reactor,
    )


class PooledDatabase(Database):
    """Database on two pools of threads: one that writes and one that reads, so that a report cannot keep mail waiting."""

    def __init__(self, *, writer: "ThreadedConnections", reader: "ThreadedConnections", reactor: Any) -> None:
        self.dialect = writer.engine.dialect
        self._writer = writer
        self._reader = reader
        self._reactor = reactor
        self._closing = False

    @property
    def in_flight(self) -> int:
        """Transactions that were asked for and are not over."""
        return self._writer.in_flight + self._reader.in_flight

    @property
    def pool_waiting(self) -> int:
        """Those of them that wait for a thread."""
        return self._writer.waiting + self._reader.waiting

    def run(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        if self._closing:
            return fail(Unavailable("database", "the database is being closed"))
        return self._writer.submit(fn, args, kwargs)

    def read(self, fn: Callable[Concatenate[Txn, P], T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        if self._closing:
            return fail(Unavailable("database", "the database is being closed"))
        return self._reader.submit(fn, args, kwargs)

    async def close(self) -> None:
        """New transactions are refused; those in flight had CLOSE_WAIT_S to end. May be called twice."""
        if self._closing:
            return
        self._closing = True
        until = self._reactor.seconds() + CLOSE_WAIT_S
        for pool in (self._writer, self._reader):
            await pool.quiet(until - self._reactor.seconds())
        for pool in (self._writer, self._reader):
            await pool.release()


class _Ended:
    """What adbapi commits or rolls back after each function: our transactions have ended by then."""

    def __init__(self, pool: adbapi.ConnectionPool) -> None:
        pass

    def commit(self) -> None:
        """Nothing is left to commit."""

    def rollback(self) -> None:
        """Nothing is left to roll back."""


class ThreadedConnections(adbapi.ConnectionPool):
    """At most `size` threads, each with a connection of its own that is opened when first needed."""

    connectionFactory = _Ended  # type: ignore[assignment]

    def __init__(self, engine: Engine, *, size: int, reactor: Any, observe: Observer | None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # adbapi has no types
            engine.driver, cp_min=0, cp_max=size, cp_reactor=reactor, cp_openfun=self._prepare, **engine.options,
        )
        self.engine = engine
        self.in_flight = 0
        self._observe = observe
        self._quiet: list[Deferred[None]] = []
        self._unreachable_until = 0.0  # monotonic; 0 while the last connect went well
        self._unreachable_for: Exception | None = None  # what the last connect met
        self._probe = Lock()

    @property
    def waiting(self) -> int:
        return max(0, self.in_flight - self.max)

    def submit(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> "Deferred[T]":
        """Fires with the function's result after its commit."""
        self.in_flight += 1
        done: Deferred[T] = self.runWithConnection(self._timed, time.monotonic(), fn, args, kwargs)  # type: ignore[no-untyped-call]
        done.addBoth(self._over)
        return done

    async def quiet(self, timeout_s: float) -> None:
        """Nothing is in flight, or the time is up."""
        if self.in_flight and timeout_s > 0:
            quiet: Deferred[None] = Deferred()
            self._quiet.append(quiet)
            timer = self._reactor.callLater(timeout_s, self._tell_quiet)
            await quiet
            if timer.active():
                timer.cancel()

    async def release(self) -> None:
        """The threads have ended and the connections are closed; a thread that is still busy freezes nobody."""
        if self.shutdownID:
            self._reactor.removeSystemEventTrigger(self.shutdownID)
        if self.startID:
            self._reactor.removeSystemEventTrigger(self.startID)
        await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self.finalClose)

    def _over(self, result: Any) -> Any:
        self.in_flight -= 1
        if not self.in_flight and self._quiet:
            self._tell_quiet()
        return result

    def _tell_quiet(self) -> None:
        quiet, self._quiet = self._quiet, []
        for each in quiet:
            each.callback(None)

    def _timed(
        self, ended: "_Ended", asked_at: float, fn: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any],
    ) -> T:
        began_at = time.monotonic()
        try:
            return self._attempts(began_at, fn, args, kwargs)
        finally:
            if self._observe is not None:
                self._observe(began_at - asked_at, time.monotonic() - began_at)

    def _attempts(self, began_at: float, fn: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T:
        """The result of the first attempt that no deadlock and no dead connection spoilt."""
        tries = 0
        while True:
            tries += 1
            connection = self._connected()
            try:
                result: T = self.engine.transact(connection, fn, args, kwargs)
                return result
            except Exception as error:
                verdict = self.engine.verdict(error)
                if verdict is Verdict.RAISE:
                    raise
                if verdict is not Verdict.RERUN:
                    self.disconnect(connection)  # type: ignore[no-untyped-call]
                if verdict is Verdict.AWAY or tries >= TRIES or time.monotonic() - began_at > GIVE_UP_S:
                    _log.error("a transaction was given up after {tries} tries: {error!r}", tries=tries, error=error)
                    raise Unavailable("database") from error
            if tries > 1 or verdict is Verdict.RERUN:
                time.sleep(random.uniform(0.002, 0.01) * 2**tries)

    def _connected(self) -> Any:
        """This thread's connection.

        Raises: Unavailable when there is none to be had. While the database is unreachable one thread at a time tries, and
        the others are told so at once.
        """
        connection = self.connections.get(self.threadID())  # type: ignore[no-untyped-call]
        if connection is not None:
            return connection
        if not self._unreachable_until:
            return self._connect()
        if time.monotonic() < self._unreachable_until or not self._probe.acquire(blocking=False):
            raise Unavailable("database") from self._unreachable_for
        try:
            return self._connect()
        finally:
            self._probe.release()

    def _connect(self) -> Any:
        began_at = time.monotonic()
        try:
            try:
                connection = self.connect()  # type: ignore[no-untyped-call]
            except Exception:
                # One that broke just as it opened says little; a server that is away says so again as quickly.
                if time.monotonic() - began_at > ONCE_MORE_S:
                    raise
                connection = self.connect()  # type: ignore[no-untyped-call]
        except Exception as error:
            if not self._unreachable_until:
                _log.error("the database cannot be reached: {error!r}", error=error)
            self._unreachable_for = error
            self._unreachable_until = time.monotonic() + FAIL_FAST_S
            raise Unavailable("database") from error
        if self._unreachable_until:
            self._unreachable_until, self._unreachable_for = 0.0, None
            _log.info("the database can be reached again")
        return connection

    def _close(self, connection: Any) -> None:
        """A connection that was closed already is closed."""
        with suppress(Exception):
            connection.close()

    def _prepare(self, connection: Any) -> None:
        try:
            self.engine.prepare(connection)
        except BaseException:
            connection.close()
            raise
