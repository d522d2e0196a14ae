"""The door to Redis: scripts and commands, each answered or refused within seconds.

One connection serves all callers; a blocking command has one of its own by name. While a connection is away its calls fail at
once; it comes back by itself. A connection whose reply does not come in time is cut, so that the next call need not find out.
"""

import hashlib
from typing import Any, cast

import txredisapi
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from scaisend.faults import Unavailable
from scaisend.storage.redis_endpoints import TIMEOUT_S, MasterEndpoint, Telling, host_endpoint, server_endpoint
from scaisend.storage.redis_url import RedisAddress

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
    trouble: str | None = None

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


class _Protocol(Telling, txredisapi.RedisProtocol):
    """Speaks with a server."""


class _Factory(_Watched, txredisapi.RedisFactory):
    """Connects to one server."""

    protocol = _Protocol


class _MasterProtocol(Telling, txredisapi.SentinelRedisProtocol):
    """Tells its role as text: the library compares it with text, and drops the connection when replies are bytes.

    A connection that ends before its role is known has none; a login that fails is told as a reply, which the library looks at where it matters.
    """

    def role(self) -> Any:
        role = cast(Any, super()).role()
        return role.addCallbacks(lambda reply: [text_of(reply[0]), *reply[1:]], lambda _: ["unknown"])

    def auth(self, password: str, username: str | None = None) -> Any:
        answered = cast(Any, super()).auth(password, username)
        return answered.addErrback(lambda failure: txredisapi.ResponseError(failure.getErrorMessage()))


class _MasterFactory(_Watched, txredisapi.SentinelConnectionFactory):
    """Connects to the master that the sentinels name."""

    protocol = _MasterProtocol


class _SentinelFactory(txredisapi.RedisFactory):
    """Connects to one sentinel."""

    protocol = _Protocol
    trouble: str | None = None


class _Sentinels(txredisapi.Sentinel):
    """The sentinels of an address."""

    discovery_timeout: float = DISCOVERY_S  # type: ignore[assignment]  # seconds

    def __init__(self, address: RedisAddress) -> None:
        cast(Any, super()).__init__([])
        self._factories = [_connecting(address, host, port) for host, port in address.hosts]
        self.sentinels = [factory.handler for factory in self._factories]

    @property
    def trouble(self) -> str | None:
        """What TLS failed of at one of them."""
        return next((f"a sentinel's {each.trouble}" for each in self._factories if each.trouble and not each.pool), None)


class _Link:
    """One connection that is kept up."""

    def __init__(self, address: RedisAddress, sentinels: _Sentinels | None, *, reply_timeout_s: float | None) -> None:
        options = {
            "dbid": address.database, "charset": None, "password": address.password, "username": address.username,
            "replyTimeout": reply_timeout_s, "convertNumbers": False, "uuid": "redis", "poolsize": 1, "isLazy": True,
        }
        self._sentinels = sentinels
        if sentinels is not None:
            self._factory = cast(Any, _MasterFactory)(sentinel_manager=sentinels, service_name=address.service, is_master=True, **options)
            endpoint: Any = MasterEndpoint(address, sentinels, self._factory)
        else:
            self._factory, endpoint = cast(Any, _Factory)(**options), server_endpoint(address)
        self._factory.watch(no_delay=address.path is None)
        self._factory.startConnecting(endpoint)
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
            raise Unavailable("redis", self._distrust())
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

    def _distrust(self) -> str | None:
        """Why there is no connection, where that is for TLS."""
        trouble = self._factory.trouble or (self._sentinels.trouble if self._sentinels is not None else None)
        return f"redis is not trusted: {trouble}" if trouble else None

    async def close(self) -> None:
        self._factory.settle()
        await self._factory.disconnect()


class Redis:
    """One Redis server, or the master of a Sentinel service; `prefix` stands before every key."""

    def __init__(self, address: RedisAddress) -> None:
        self.prefix = address.prefix
        self._address = address
        self._sentinels = _Sentinels(address) if address.service is not None else None
        self._link = _Link(address, self._sentinels, reply_timeout_s=TIMEOUT_S)
        self._blocking: dict[str, _Link] = {}
        self._closed = False

    @property
    def way(self) -> str:
        """How it is reached, for people; without passwords."""
        return self._address.way

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
            link = self._blocking[key] = _Link(self._address, self._sentinels, reply_timeout_s=None)
        return await link.call(("BLPOP", key, f"{wait_s:.3f}"), timeout_s=wait_s + TIMEOUT_S) is not None

    async def close(self) -> None:
        """The connections are closed; calls that wait fail with Unavailable. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for link in (self._link, *self._blocking.values()):
            await link.close()
        if self._sentinels is not None:
            await cast(Any, self._sentinels).disconnect()


def text_of(reply: Reply) -> str:
    """A reply as text."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _too_late(result: object, timeout_s: float) -> None:
    raise txredisapi.TimeoutError("no reply")


def _connecting(address: RedisAddress, host: str, port: int) -> Any:
    factory = cast(Any, _SentinelFactory)(uuid=f"{host}:{port}", dbid=None, poolsize=1, isLazy=True, password=address.sentinel_password)
    factory.startConnecting(host_endpoint(address, host, port))
    return factory
