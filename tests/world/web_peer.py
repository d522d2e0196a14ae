"""A web server of somebody else's, on loopback: answers as it is told, and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.protocol import Protocol
from twisted.web.http import HTTPChannel, HTTPFactory, Request


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    """One answer: `hang` answers nothing, `stall` begins the body and never ends it, `hang_up` closes the connection."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    stall: bool = False
    hang_up: bool = False


Speaker = Callable[[Asked], Says]


class WebPeer:
    """Listens on 127.0.0.1 (`port`, `url`); answers `says` to everything, or what a function of the request says."""

    def __init__(self, reactor: Any, says: Says | Speaker = Says(), *, context: Any = None) -> None:
        self.asked: list[Asked] = []
        self.says = says
        self.connections: list[Protocol] = []
        self._waiting: list[tuple[int, Deferred[None]]] = []
        self._gone: list[Deferred[None]] = []
        factory = _PeerFactory(self)
        listen = reactor.listenTCP if context is None else reactor.listenSSL
        more = () if context is None else (context,)
        self._port = listen(0, factory, *more, interface="127.0.0.1")
        self.port = self._port.getHost().port
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"

    def arrived(self, count: int) -> "Deferred[None]":
        """Fires when `count` requests came in all."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append((count, waiting))
        self._tell()
        return waiting

    async def stop(self) -> None:
        """Nothing listens any more and every connection was cut."""
        await self._port.stopListening()
        gone = [connection.gone for connection in self.connections]  # type: ignore[attr-defined]
        for connection in list(self.connections):
            connection.transport.abortConnection()  # type: ignore[union-attr]
        await DeferredList(gone)

    def answer(self, request: Request) -> None:
        asked = Asked(
            request.method.decode(), request.uri.decode(),
            {name.decode().lower(): values[0].decode() for name, values in request.requestHeaders.getAllRawHeaders()},
            request.content.read(),
        )
        self.asked.append(asked)
        says = self.says(asked) if callable(self.says) else self.says
        if says.hang_up:
            request.channel.transport.abortConnection()
        elif not says.hang:
            request.setResponseCode(says.status)
            for name, value in says.headers.items():
                request.setHeader(name, value)
            if not says.stall:
                request.setHeader("content-length", str(len(says.body)))
            request.write(says.body)
            if not says.stall:
                request.finish()
        self._tell()

    def _tell(self) -> None:
        for count, waiting in list(self._waiting):
            if len(self.asked) >= count:
                self._waiting.remove((count, waiting))
                waiting.callback(None)


class _PeerRequest(Request):
    def process(self) -> None:
        self.channel.factory.peer.answer(self)


class _PeerChannel(HTTPChannel):
    requestFactory = _PeerRequest

    def connectionMade(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self.factory.peer.connections.append(self)
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self.factory.peer.connections.remove(self)
        super().connectionLost(reason)
        self.gone.callback(None)


class _PeerFactory(HTTPFactory):
    protocol = _PeerChannel

    def __init__(self, peer: WebPeer) -> None:
        super().__init__()
        self.peer = peer

    def startFactory(self) -> None:
        """No log file and no timer."""

    def stopFactory(self) -> None:
        """Nothing to stop."""

    def log(self, request: Request) -> None:
        """No access log."""
