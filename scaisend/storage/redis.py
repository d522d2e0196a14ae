"""The door to Redis: scripts and commands, each answered or refused within seconds.

One connection serves all callers; a blocking command has one of its own by name. While a connection is away its calls fail at
once; it comes back by itself. A connection whose reply does not come in time is cut, so that the next call need not find out.
"""

import hashlib
from typing import Any, cast

import txredisapi
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure

from scaisend.faults import Unavailable
from scaisend.storage.redis_url import RedisAddress

TIMEOUT_S = 2.0
DISCOVERY_S = 1.0  # for sentinels to name a master that is up; while none is, they are asked again

Reply = str | int | bytes | list[Any] | None


class _NoScript(Exception):
    """The server does not know the script's hash."""


class Script:
    """A Lua script and its hash."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.sha = hashlib.sha1(self.text).hexdigest()


class _Watched:
    """Mixed into a txredisapi factory: it never stops trying, and tells when its connection is first up."""

    initialDelay = 0.1
    maxDelay = 2
    pool: list[Any]
    deferred: Any

    def watch(self, *, no_delay: bool) -> None:
        self.settled = False
        self._no_delay = no_delay
        self.deferred.addErrback(lambda _: None)  # a refused login; txredisapi has logged it
        self._waiting: list[Deferred[None]] = []

    def stopTrying(self) -> "Deferred[None]":
        """A refused login or a server that still loads is asked again later, not given up for ever."""
        return succeed(None)

    def addConnection(self, connection: Any) -> None:
        super().addConnection(connection)  # type: ignore[misc]  # the other base of the factories below
        if self._no_delay and connection.connected:
            connection.transport.setTcpNoDelay(True)
        self.settle()

    def settle(self, _: object = None) -> None:
        """It is known whether the first attempt to connect succeeded."""
        self.settled = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def first_failed(self, failure: Failure) -> None:
        """Told from the middle of a step of ClientService, which cannot be stopped just then."""
        if isinstance(failure.value, CancelledError):
            self.settle()
        else:
            cast(Any, reactor).callLater(0, self.settle)

    async def first_attempt(self) -> None:
        if not self.settled:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            call = cast(Any, reactor).callLater(TIMEOUT_S, self.settle)
            try:
                await waiting
            finally:
                if call.active():
                    call.cancel()


class _Factory(_Watched, txredisapi.RedisFactory):
    """Connects to one server."""


class _MasterProtocol(txredisapi.SentinelRedisProtocol):
    """Tells its role as text: the library compares it with text, and drops the connection when replies are bytes."""

    def role(self) -> Any:
        role = cast(Any, super()).role()
        return role.addCallback(lambda reply: [text_of(reply[0]), *reply[1:]])


class _MasterFactory(_Watched, txredisapi.SentinelConnectionFactory):
    """Connects to the master that the sentinels name."""

    protocol = _MasterProtocol


class _Link:
    """One connection that is kept up."""

    def __init__(self, address: RedisAddress, sentinel: Any, *, reply_timeout_s: float | None) -> None:
        options = {
            "dbid": address.database, "charset": None, "password": address.password, "username": address.username,
            "replyTimeout": reply_timeout_s, "convertNumbers": False,
        }
        if address.service is not None:
            self._factory = _master(sentinel, address.service, options)
        else:
            self._factory = cast(Any, _Factory)(uuid="redis", poolsize=1, isLazy=True, **options)
            self._factory.watch(no_delay=address.path is None)
            self._factory.startConnecting(_endpoint(address))
        self._cut: Any = None
        first = self._factory.slots[0].service.whenConnected(failAfterFailures=1)
        first.addErrback(self._factory.first_failed)

    @property
    def up(self) -> bool:
        """Whether a connection stands that did not let a call wait in vain."""
        return bool(self._factory.pool) and self._factory.pool[0] is not self._cut

    async def call(self, arguments: tuple[object, ...], *, timeout_s: float | None = None) -> Reply:
        """The reply. Raises: Unavailable, also when the server refuses; _NoScript when it does not know the script."""
        if not self.up:
            await self._factory.first_attempt()
        if not self.up:
            raise Unavailable("redis")
        connection = self._factory.pool[0]
        try:
            reply: Deferred[Reply] = connection.execute_command(*arguments)
            if timeout_s is not None:
                reply.addTimeout(timeout_s, cast(Any, reactor), _too_late)
            return await reply
        except txredisapi.ResponseError as error:
            if str(error).startswith("NOSCRIPT"):
                raise _NoScript from error
            if str(error).startswith("READONLY"):
                self._cut = connection  # no master any more: look for the new one
                connection.transport.abortConnection()
            raise Unavailable("redis", f"redis refuses: {error}") from error
        except txredisapi.RedisError as error:
            self._cut = connection
            connection.transport.abortConnection()
            raise Unavailable("redis") from error

    async def close(self) -> None:
        self._factory.settle()
        await self._factory.disconnect()


class Redis:
    """One Redis server, or the master of a Sentinel service; `prefix` stands before every key."""

    def __init__(self, address: RedisAddress) -> None:
        self.prefix = address.prefix
        self._address = address
        self._sentinel = _sentinel(address) if address.service is not None else None
        self._link = _Link(address, self._sentinel, reply_timeout_s=TIMEOUT_S)
        self._blocking: dict[str, _Link] = {}
        self._closed = False

    @property
    def is_up(self) -> bool:
        """Whether a connection stands at this moment."""
        return self._link.up

    async def command(self, *arguments: str | bytes | int) -> Reply:
        """The reply to one command. Raises: Unavailable("redis")."""
        return await self._link.call(arguments)

    async def run(self, script: Script, keys: tuple[str, ...], *arguments: str | bytes | int) -> Reply:
        """The script's result; its text travels only when the server does not know it. Raises: Unavailable("redis")."""
        tail = (len(keys), *keys, *arguments)
        try:
            return await self._link.call(("EVALSHA", script.sha, *tail))
        except _NoScript:
            pass
        return await self._link.call(("EVAL", script.text, *tail))

    async def wait_for(self, key: str, wait_s: float) -> bool:
        """Whether an element could be taken from the list `key` within about `wait_s`; on a connection of the key's own.

        Raises: Unavailable("redis").
        """
        link = self._blocking.get(key)
        if self._closed:
            raise Unavailable("redis")
        if link is None:
            link = self._blocking[key] = _Link(self._address, self._sentinel, reply_timeout_s=None)
        return await link.call(("BLPOP", key, f"{wait_s:.3f}"), timeout_s=wait_s + TIMEOUT_S) is not None

    async def close(self) -> None:
        """The connections are closed; calls that wait fail with Unavailable. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for link in (self._link, *self._blocking.values()):
            await link.close()
        if self._sentinel is not None:
            await self._sentinel.disconnect()


def text_of(reply: Reply) -> str:
    """A reply as text."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _too_late(result: object, timeout_s: float) -> None:
    raise txredisapi.TimeoutError("no reply")


def _endpoint(address: RedisAddress) -> Any:
    if address.path is not None:
        return cast(Any, UNIXClientEndpoint)(reactor, address.path, timeout=TIMEOUT_S)
    host, port = address.hosts[0]
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=TIMEOUT_S)
    if not address.tls:
        return endpoint
    return wrapClientTLS(optionsForClientTLS(host, trustRoot=_authorities(address.ssl_ca)), endpoint)


def _authorities(ssl_ca: str | None) -> Any:
    if ssl_ca is None:
        return None
    with open(ssl_ca) as file:
        ends = file.read().split("-----END CERTIFICATE-----")[:-1]
    certificates = [Certificate.loadPEM((each + "-----END CERTIFICATE-----\n").encode()) for each in ends]
    return cast(Any, trustRootFromCertificates)(certificates)


def _sentinel(address: RedisAddress) -> Any:
    sentinel = cast(Any, txredisapi.Sentinel)(list(address.hosts), password=address.sentinel_password, connectTimeout=TIMEOUT_S)
    sentinel.discovery_timeout = DISCOVERY_S
    return sentinel


def _master(sentinel: Any, service: str, options: dict[str, Any]) -> Any:
    """The factory that follows the service's master."""
    made = []

    def build(**arguments: Any) -> Any:
        factory = cast(Any, _MasterFactory)(isLazy=True, **arguments)
        factory.watch(no_delay=True)
        made.append(factory)
        return factory

    sentinel.master_for(service, factory_class=build, poolsize=1, **options)
    return made[0]
