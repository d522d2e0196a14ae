"""A client of our web server, in memory: bytes in, parsed replies out, one Clock."""

import json as json_module
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import Logger
from twisted.python.failure import Failure

from scaisend.caller import Caller
from scaisend.faults import Unauthenticated
from scaisend.http.cookies import CookieSession
from scaisend.http.door import BAD_CREDENTIAL, Door
from scaisend.http.route import Route
from scaisend.http.site import HttpSite, make_site
from scaisend.storage.limiter import Limit
from scaisend.storage.memory_limiter import MemoryLimiter

NOW_S = 1_800_000_000.0
CALLER = Caller(tenant_id="tnt_a", partner_id="prt_a", credential_id="key_a", permissions=frozenset({"mail.send", "stats.read"}))


class Callers:
    """An identity that knows the callers it was made with, by credential."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self.callers = callers
        self.asked = 0
        self.from_memory: list[str | None] = []
        self.wait: Any = None

    async def authenticate(self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None) -> Caller:
        self.asked += 1
        if self.wait is not None:
            await self.wait
        if credential not in self.callers:
            raise Unauthenticated(BAD_CREDENTIAL)
        return self.callers[credential]

    async def authenticate_cached(
        self, credential: str, *, now_s: float, remote: str, on_behalf_of: str | None, permission: str | None = None
    ) -> Caller:
        self.from_memory.append(permission)
        return await self.authenticate(credential, now_s=now_s, remote=remote, on_behalf_of=on_behalf_of)


class Counts:
    """Metrics as a list."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        self.seen.append((route, method, status))


@dataclass(frozen=True, slots=True)
class Answered:
    """One parsed reply; header names in lower case."""

    status: int
    phrase: str
    headers: dict[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        return json_module.loads(self.body)


class Web:
    """A site over `routes`, its clock, its callers (`good` is CALLER's credential) and what it counted."""

    def __init__(
        self, routes: Iterable[Route], *, limits: dict[str, Limit | None] | None = None, session: CookieSession | None = None, identity: Any = None,
        limit_of: Any = lambda tenant_id, name, limit: limit, **more: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(NOW_S)
        self.identity = Callers({"good": CALLER})
        self.metrics = Counts()
        self._made = 0
        door = Door(
            identity=identity or self.identity, limiter=MemoryLimiter(clock=self.clock.seconds), limits=limits or {}, clock=self.clock.seconds,
            new_request_id=self._new_request_id, metrics=self.metrics, log=Logger(), session=session, limit_of=limit_of,
        )
        self.site: HttpSite = make_site(routes, door=door, reactor=self.clock, **more)

    def connect(self, peer: str = "192.0.2.7") -> "Connection":
        return Connection(self.site, peer)

    def ask(self, method: str, path: str, *, body: bytes = b"", credential: str | None = "good", **headers: str) -> Answered:
        """One request on a connection of its own."""
        connection = self.connect()
        connection.send(request(method, path, body=body, credential=credential, **headers))
        replies = connection.replies(head=method == "HEAD")
        assert len(replies) == 1, replies
        return replies[0]

    def _new_request_id(self) -> str:
        self._made += 1
        return f"made-{self._made}"


class Connection:
    """One connection to the site."""

    def __init__(self, site: HttpSite, peer: str) -> None:
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", peer, 40_000))
        self.channel: Any = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes, *, step: int | None = None) -> None:
        """The bytes arrive, `step` at a time."""
        for start in range(0, len(data), step or max(1, len(data))):
            self.channel.dataReceived(data[start : start + step] if step else data)

    def lose(self) -> None:
        """The client went away."""
        self.channel.connectionLost(Failure(ConnectionDone()))

    def replies(self, *, head: bool = False) -> list[Answered]:
        """What was answered since the last call."""
        data = self.transport.value()
        self.transport.clear()
        found = []
        while data:
            answered, data = _read(data, head)
            found.append(answered)
        return found


def request(method: str, path: str, *, body: bytes = b"", credential: str | None = "good", **headers: str) -> bytes:
    """A request's bytes; header names are given with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: api.test"]
    if credential is not None:
        lines.append(f"Authorization: Bearer {credential}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _read(data: bytes, head: bool) -> tuple[Answered, bytes]:
    top, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    _, status, phrase = first.split(" ", 2)
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    cookies = tuple(line.partition(": ")[2] for line in lines if line.lower().startswith("set-cookie:"))
    size = 0 if head else int(headers.get("content-length", "0"))
    return Answered(int(status), phrase, headers, rest[:size], cookies), rest[size:]
