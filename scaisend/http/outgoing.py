"""Requests to the outside: the only file that knows treq.

A target of a tenant's choosing is reached only at an address that was looked up and checked for this very connection: the
name is resolved once, and its answer is what is connected to, so that a second answer to the same name cannot lead inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol, IProtocolFactory
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web import client
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from scaisend.dns import DnsTrouble, NoRecords, NoSuchName, Resolver
from scaisend.faults import ScaiSendError
from scaisend.http.targets import blocked, url_fault

CONNECT_TIMEOUT_S = 10
BODY_MOST = 64 * 1024
IDLE_CONNECTIONS_A_HOST = 2
MOST_ADDRESSES = 4

# Twisted's client is only half typed.
_client: Any = client


class NotAnswered(ScaiSendError):
    """The other side gave no HTTP answer; the message says why, in words that the target's owner may read.

    `is_refused`: it was we who did not call, because the target must not be called.
    """

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered; `body` is its beginning, as it was sent (packed, if it was packed unasked)."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Outgoing:
    """Calls others over HTTP. Redirects are not followed, cookies not kept, certificates always checked.

    With a `resolver`, targets are of others' choosing: https alone (unless `allow_http`), and public addresses alone (unless
    `allow_private`). Without one they are the operator's own, resolved as the system does, and anything may be called.

    `repeats`: a request whose connection ended before any answer is made once more on a fresh one, for what may arrive twice. A
    server closes an idle connection whenever it likes, also just when the next request is on its way.
    """

    def __init__(
        self, *, reactor: Any, resolver: Resolver | None, allow_http: bool = False, allow_private: bool = False,
        policy: Any = None, repeats: bool = False,
    ) -> None:
        self._reactor = reactor
        self._repeats = repeats
        self._is_free = resolver is None
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._pool = _client.HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = IDLE_CONNECTIONS_A_HOST
        # A request that was sent once must not be sent twice behind its maker's back.
        self._pool.retryAutomatically = False
        endpoints = _Endpoints(
            reactor=reactor, resolver=resolver, allow_private=allow_private, policy=policy or _client.BrowserLikePolicyForHTTPS()
        )
        self._agent: Any = _AsSent(_client.Agent.usingEndpointFactory(reactor, endpoints, self._pool))
        fresh = _client.HTTPConnectionPool(reactor, persistent=False)
        self._fresh_agent: Any = _AsSent(_client.Agent.usingEndpointFactory(reactor, endpoints, fresh))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, *, body_most: int = BODY_MOST) -> Answer:
        """What a POST was answered, within `timeout_s` from the look-up to the last byte; the first `body_most` bytes of it.

        Raises: NotAnswered.
        """
        return await self.request("POST", url, body, headers, timeout_s, body_most=body_most)

    async def get(self, url: str, headers: Mapping[str, str], timeout_s: float, *, body_most: int = BODY_MOST) -> Answer:
        """As `post`, for a GET."""
        return await self.request("GET", url, None, headers, timeout_s, body_most=body_most)

    async def request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, *, body_most: int = BODY_MOST,
    ) -> Answer:
        """As `post`, for any method."""
        fault = url_fault(url, allow_http=self._allow_http or self._is_free, allow_private=self._allow_private or self._is_free)
        if fault:
            raise NotAnswered(f"the URL {fault}", is_refused=True)
        going = ensureDeferred(self._ask_again(method, url, body, headers, body_most))
        timer = self._reactor.callLater(timeout_s, going.cancel)
        try:
            return await going
        except NotAnswered:
            raise
        except Exception as error:
            if not timer.active():
                raise NotAnswered(f"no answer within {timeout_s:g} s") from None
            raise NotAnswered(why_not(error)) from error
        finally:
            if timer.active():
                timer.cancel()

    async def close(self) -> None:
        """The idle connections are closed."""
        await self._pool.closeCachedConnections()

    async def _ask_again(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        try:
            return await self._ask(self._agent, method, url, body, headers, most)
        except Exception as error:
            if not self._repeats or not _ended_unanswered(error):
                raise
        return await self._ask(self._fresh_agent, method, url, body, headers, most)

    async def _ask(self, agent: Any, method: str, url: str, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        # A client of its own for each request: it would keep cookies from one for the next.
        response = await HTTPClient(agent).request(
            method, url, data=body, headers=Headers({name: [value] for name, value in headers.items()}), allow_redirects=False,
            unbuffered=True, reactor=self._reactor,
        )
        begun = _Beginning(most)
        response.deliverBody(begun)
        await begun.ended
        found = {name.decode("latin-1").lower(): values[-1].decode("latin-1") for name, values in response.headers.getAllRawHeaders()}
        return Answer(response.code, bytes(begun.body), found)


class _Beginning(Protocol):
    """The first `most` bytes of a body. `ended` fires when they or the whole body are there; cancelling it cuts the connection."""

    def __init__(self, most: int) -> None:
        self.body = bytearray()
        self.ended: Deferred[None] = Deferred(self._cut)
        self._most = most

    def dataReceived(self, data: bytes) -> None:
        self.body += data[: self._most - len(self.body)]
        if len(self.body) >= self._most and not self.ended.called:
            self._cut()
            self.ended.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.ended.called:
            return
        # A body without a length ends with its connection.
        if isinstance(reason.value, ResponseDone | PotentialDataLoss):
            self.ended.callback(None)
        else:
            self.ended.errback(reason)

    def _cut(self, ended: object = None) -> None:
        # The stand-in that Twisted gives a body for its transport can only say goodbye, which over TLS waits for the peer.
        transport: Any = getattr(self.transport, "_producer", None) or self.transport
        if transport is not None:
            transport.abortConnection()


class _AsSent:
    """An agent whose answers are not unpacked: a small packed body could fill the memory (treq asks for gzip by itself)."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def request(self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None) -> "Deferred[Any]":
        kept = (headers or Headers()).copy()
        kept.removeHeader(b"accept-encoding")
        answered: Deferred[Any] = self._agent.request(method, uri, kept, bodyProducer)
        return answered.addCallback(self._bare)

    def _bare(self, response: Any) -> Any:
        response.headers.removeHeader(b"content-encoding")
        return response


class _Endpoints:
    """Where each URL's connection goes."""

    def __init__(self, *, reactor: Any, resolver: Resolver | None, allow_private: bool, policy: Any) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._allow_private = allow_private
        self._policy = policy

    def endpointForURI(self, uri: Any) -> Any:
        host = uri.host.decode("ascii")
        endpoint: Any
        if self._resolver is None:
            endpoint = HostnameEndpoint(self._reactor, host.strip("[]"), uri.port, timeout=CONNECT_TIMEOUT_S)
        else:
            endpoint = _CheckedEndpoint(
                reactor=self._reactor, resolver=self._resolver, allow_private=self._allow_private, host=host, port=uri.port
            )
        if uri.scheme == b"https":
            return wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        return endpoint


class _CheckedEndpoint:
    """Connects to the first address of a host that answers, all of them having been checked before."""

    def __init__(self, *, reactor: Any, resolver: Resolver, allow_private: bool, host: str, port: int) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._allow_private = allow_private
        self._host = host
        self._port = port

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":
        return ensureDeferred(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        failure: Exception | None = None
        for address in await checked_addresses(self._host, self._resolver, allow_private=self._allow_private):
            try:
                kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
                return await kind(self._reactor, address, self._port, timeout=CONNECT_TIMEOUT_S).connect(factory)
            except CancelledError:
                raise
            except Exception as error:
                failure = error
        raise NotAnswered(f"{self._host} took no connection on port {self._port}") from failure


async def checked_addresses(host: str, resolver: Resolver, *, allow_private: bool) -> list[str]:
    """The first MOST_ADDRESSES addresses of a host, or itself if it is one, IPv4 first; none of them is blocked.

    One blocked address blocks the host: a name that points both outside and inside means no good.

    Raises: NotAnswered when there are none, or one is blocked.
    """
    literal = host.strip("[]")
    if blocked(literal) == "not an address":
        addresses = await _look_up(literal, resolver)
    else:
        addresses = [literal]
    for address in addresses:
        reason = blocked(address)
        if reason and not (allow_private and reason != "not an address"):
            raise NotAnswered(f"{host} has an address that may not be called ({reason})", is_refused=True)
    return addresses[:MOST_ADDRESSES]


async def _look_up(host: str, resolver: Resolver) -> list[str]:
    addresses: list[str] = []
    trouble = False
    for kind in ("A", "AAAA"):
        try:
            answer = await resolver.resolve(host, kind)
        except (NoSuchName, NoRecords):
            continue
        except DnsTrouble:
            trouble = True
            continue
        addresses += [record for record in answer.records if isinstance(record, str)]
    if not addresses:
        raise NotAnswered(f"{host} could not be looked up for now" if trouble else f"{host} has no address")
    return addresses


def _ended_unanswered(error: Exception) -> bool:
    """Whether the connection ended, cleanly or not, before the answer began."""
    reasons: list[Failure] = getattr(error, "reasons", None) or []
    return bool(reasons) and all(isinstance(reason.value, ConnectionDone | ConnectionLost) for reason in reasons)


def why_not(error: Exception) -> str:
    """One line that says what went wrong on the wire."""
    reasons = getattr(error, "reasons", None)
    if reasons:
        inner = reasons[0].value
        if isinstance(inner, NotAnswered):
            return str(inner)
        error = inner
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
