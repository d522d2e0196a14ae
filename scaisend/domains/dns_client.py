"""The resolver: dnspython's messages and retries on sockets of this reactor, behind a cache.

A name that does not exist, or has no such record, is remembered too, and trouble for some seconds. While a name's servers are
in trouble, the last answer for MX, A and AAAA is given for up to a day (RFC 8767). Every query leaves from a port of its own,
chosen by the system, and takes answers from the server it asked alone.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns._asyncbackend import Backend, DatagramSocket, StreamSocket
from twisted.internet.defer import Deferred, DeferredQueue, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.address import a_labels
from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName, Record

TIMEOUT_S = 3.0
LIFETIME_S = 10.0
EDNS_BYTES = 1_232
NEGATIVE_CAP_S = 60.0
TROUBLE_S = 5.0
STALE_FOR_S = 86_400.0
STALE_KINDS = ("MX", "A", "AAAA")
MOST_REMEMBERED = 20_000
LOOPBACK = ("127.", "::1")

Refusal = NoSuchName | NoRecords | DnsTrouble
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a lookup brought; kept until `until_s`, and until `stale_until_s` for times of trouble."""

    result: Answer | Refusal
    until_s: float
    stale_until_s: float = 0.0


class DnsClient:
    """Looks names up at `nameservers` (the system's when None); `clock` tells epoch seconds.

    Answers are kept for their TTL, at most `cache_cap_s`; with 0 nothing is kept, for those who ask whether DNS has changed.
    `secure` is believed of a server on this host alone (RFC 6840 5.7).
    """

    def __init__(
        self, *, reactor: Any, nameservers: Sequence[Address] | None, clock: Callable[[], float], cache_cap_s: float = 300,
        timeout_s: float = TIMEOUT_S, lifetime_s: float = LIFETIME_S,
    ) -> None:
        self._backend = _Backend(reactor)
        self._clock = clock
        self._cap_s = cache_cap_s
        self._resolver = _configured(nameservers, timeout_s, lifetime_s)
        self._cache: dict[tuple[str, str], _Found] = {}
        self._asking: dict[tuple[str, str], list[Deferred[Answer]]] = {}

    async def resolve(self, name: str, kind: str) -> Answer:
        """As the seam says. TXT strings are joined; hosts are lower case without the final dot, a null MX's host is `.`."""
        key = (name, kind)
        found = self._cache.get(key)
        if found is not None and self._clock() < found.until_s:
            if isinstance(found.result, Answer):
                return found.result
            raise _again(found.result)
        waiting: Deferred[Answer] = Deferred()
        if key in self._asking:
            self._asking[key].append(waiting)
        else:
            self._asking[key] = [waiting]
            ensureDeferred(self._ask(key))
        return await waiting

    async def _ask(self, key: tuple[str, str]) -> None:
        """All who wait for this lookup have its result, and it is remembered."""
        result, ttl_s = await self._lookup(*key)
        if self._cap_s > 0:
            result = self._remember(key, result, ttl_s)
        for waiting in self._asking.pop(key):
            if isinstance(result, Answer):
                waiting.callback(result)
            else:
                waiting.errback(_again(result))

    async def _lookup(self, name: str, kind: str) -> tuple[Answer | Refusal, float]:
        """The result and its TTL."""
        try:
            wanted = dns.name.from_text(name if name.isascii() else a_labels(name), dns.name.root)
            found = await self._resolver.resolve(wanted, kind, search=False, backend=self._backend)
        except dns.resolver.NXDOMAIN as error:
            return NoSuchName(f"{name} does not exist"), min([NEGATIVE_CAP_S, *map(_negative_ttl_s, cast(Any, error).responses().values())])
        except dns.resolver.NoAnswer as error:
            return NoRecords(f"{name} has no {kind} record"), _negative_ttl_s(cast(Any, error).response())
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape, ValueError):
            return NoSuchName(f"{name} is no name that could exist"), NEGATIVE_CAP_S
        except (dns.exception.DNSException, OSError) as error:
            return DnsTrouble(f"the {kind} records of {name} could not be looked up: {type(error).__name__}"), TROUBLE_S
        secure = bool(found.response.flags & dns.flags.AD) and str(found.nameserver).startswith(LOOPBACK)
        ttl_s = float(found.chaining_result.minimum_ttl)
        return Answer(tuple([_record(each) for each in found]), ttl_s, secure), ttl_s

    def _remember(self, key: tuple[str, str], result: Answer | Refusal, ttl_s: float) -> Answer | Refusal:
        """What is answered now: the result, or an older answer while there is trouble."""
        now_s = self._clock()
        old = self._cache.pop(key, None)
        until_s = now_s + min(ttl_s, self._cap_s)
        if len(self._cache) >= MOST_REMEMBERED:
            for each in list(self._cache)[: MOST_REMEMBERED // 4]:
                del self._cache[each]
        if isinstance(result, Answer):
            self._cache[key] = _Found(result, until_s, until_s + STALE_FOR_S if key[1] in STALE_KINDS else 0.0)
        elif isinstance(result, DnsTrouble) and old is not None and now_s < old.stale_until_s:
            self._cache[key] = replace(old, until_s=until_s)
            return old.result
        else:
            self._cache[key] = _Found(result, until_s)
        return result


def _configured(nameservers: Sequence[Address] | None, timeout_s: float, lifetime_s: float) -> dns.asyncresolver.Resolver:
    try:
        resolver = dns.asyncresolver.Resolver(configure=nameservers is None)
    except dns.resolver.NoResolverConfiguration:
        resolver, nameservers = dns.asyncresolver.Resolver(configure=False), [("127.0.0.1", 53)]
    if nameservers is not None:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]
    resolver.timeout, resolver.lifetime = timeout_s, lifetime_s
    resolver.use_edns(0, dns.flags.DO, EDNS_BYTES)
    resolver.flags = dns.flags.RD | dns.flags.AD
    return resolver


def _again(refusal: Refusal) -> Refusal:
    """A fresh exception of the same kind: one object raised many times would grow its traceback."""
    return type(refusal)(refusal.faults)


def _negative_ttl_s(response: Any) -> float:
    """How long a denial may be remembered (RFC 2308 5)."""
    for each in response.authority:
        if each.rdtype == dns.rdatatype.SOA:
            return float(min(NEGATIVE_CAP_S, each.ttl, each[0].minimum))
    return TROUBLE_S


def _record(rdata: Any) -> Record:
    """One record in the seam's form."""
    if rdata.rdtype == dns.rdatatype.MX:
        return int(rdata.preference), _host(rdata.exchange)
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings).decode("utf-8", "replace")
    if rdata.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        return str(rdata.address)
    if rdata.rdtype in (dns.rdatatype.PTR, dns.rdatatype.CNAME, dns.rdatatype.NS):
        return _host(rdata.target)
    return str(rdata.to_text())


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


class _Backend(Backend):
    """dnspython's sockets and sleeps, on a Twisted reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def name(self) -> str:
        return "twisted"

    async def make_socket(
        self, af: int, socktype: int, proto: int = 0, source: Any = None, destination: Any = None, timeout_s: Any = None,
        ssl_context: Any = None, server_hostname: Any = None,
    ) -> Any:
        """A datagram socket, not yet bound to a peer, or a connected stream."""
        if socktype == socket.SOCK_DGRAM:
            return _Datagrams(self._reactor, af)
        endpoint: Any = TCP6ClientEndpoint if af == socket.AF_INET6 else TCP4ClientEndpoint
        stream = _StreamProtocol()
        try:
            await cast(Any, connectProtocol)(endpoint(self._reactor, *destination, timeout_s or TIMEOUT_S), stream)
        except ConnectError as error:
            raise OSError(str(error)) from error
        return _Stream(self._reactor, af, stream)

    async def sleep(self, interval: float) -> None:
        await deferLater(self._reactor, interval)


async def _next(reactor: Any, queue: "DeferredQueue[Any]", timeout_s: float | None) -> Any:
    """What arrives next. Raises: dns.exception.Timeout; the exception that arrived."""
    waiting = queue.get()
    if timeout_s is not None:
        waiting.addTimeout(max(0.0, timeout_s), reactor, _too_late)
    arrived = await waiting
    if isinstance(arrived, Exception):
        raise arrived
    return arrived


def _too_late(result: object, timeout_s: float) -> None:
    raise cast(Any, dns.exception.Timeout)(timeout=timeout_s)


@implementer(IReadDescriptor)  # type: ignore[no-untyped-call]  # as above
class _Datagrams(DatagramSocket):
    """A UDP socket for one question, connected to its server, so that the system drops what others send.

    A reader of its own: the reactor's UDP port writes two lines into the log for each socket.
    """

    def __init__(self, reactor: Any, af: int) -> None:
        super().__init__(af, socket.SOCK_DGRAM)
        self._reactor = reactor
        self._arrived: DeferredQueue[Any] = DeferredQueue()
        self._socket = socket.socket(af, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    async def sendto(self, what: bytes, destination: Any, timeout_s: float | None) -> int:
        self._destination = destination
        self._socket.connect(destination)
        self._reactor.addReader(self)
        return self._socket.send(what)

    async def recvfrom(self, size: int, timeout_s: float | None) -> tuple[bytes, Any]:
        return await _next(self._reactor, self._arrived, timeout_s), self._destination

    async def close(self) -> None:
        self._reactor.removeReader(self)
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "dns"

    def doRead(self) -> None:
        try:
            self._arrived.put(self._socket.recv(65_535))
        except BlockingIOError:
            return
        except OSError as error:
            self._arrived.put(error)

    def connectionLost(self, reason: object) -> None:
        """The reactor drops a reader whose socket has an error, such as an ICMP port unreachable."""
        self._arrived.put(OSError("the name server's port is closed"))


class _StreamProtocol(Protocol):
    """Keeps the chunks that arrive; b"" when the peer is gone."""

    transport: Any

    def __init__(self) -> None:
        self.arrived: DeferredQueue[Any] = DeferredQueue()

    def dataReceived(self, data: bytes) -> None:
        self.arrived.put(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.arrived.put(b"")


class _Stream(StreamSocket):
    """A TCP connection for one question too large for UDP."""

    def __init__(self, reactor: Any, af: int, protocol: _StreamProtocol) -> None:
        super().__init__(af, socket.SOCK_STREAM)
        self._reactor = reactor
        self._protocol = protocol
        self._left = b""

    async def sendall(self, what: bytes, timeout_s: float | None) -> None:
        self._protocol.transport.write(what)

    async def recv(self, size: int, timeout_s: float | None) -> bytes:
        data = self._left or await _next(self._reactor, self._protocol.arrived, timeout_s)
        self._left = data[size:]
        return bytes(data[:size])

    async def close(self) -> None:
        self._protocol.transport.abortConnection()
