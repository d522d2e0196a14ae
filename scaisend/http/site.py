"""The web server: the table of routes, and what all its connections share.

The only file that knows Klein, which holds the table and matches paths and methods; hot routes are found in a dictionary
before it. What happens on a connection is in connection.py.
"""

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimeUp
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http, server
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from scaisend.faults import Fault, Invalid, NotFound
from scaisend.http.body import unpack
from scaisend.http.connection import Channel, Request
from scaisend.http.door import Door, Visit
from scaisend.http.proxies import Proxies
from scaisend.http.reply import BODILESS, Reply, error_reply, failure_reply
from scaisend.http.route import Route
from scaisend.http.wire import head, is_sound_request_id, path_text

IDLE_TIMEOUT_S = 60
STEPS_A_TURN = 4
QUIET_S = 1.0


class HttpSite(server.Site):
    """Makes a `Channel` for each connection and knows all routes. `draining` ends every connection after its next answer."""

    protocol = Channel  # the inherited one wraps it for HTTP/2
    noisy = False

    def __init__(
        self, routes: Iterable[Route], *, door: Door, reactor: IReactorTime, access_log: bool, idle_timeout: float,
        proxies: Iterable[str], log: Logger,
    ) -> None:
        self.door = door
        self.draining = False
        self.open_requests = 0
        self.connections = 0
        self._klein = Klein()
        self._routes: dict[str, Route] = {}
        self._hot: dict[tuple[bytes, bytes], Route] = {}
        self._access_log = access_log
        self._proxies = Proxies(proxies)
        self._log = log
        self._date = (0, "")
        self._drained: Deferred[None] | None = None
        for route in routes:
            self._add(route)
        self._match = self._klein.url_map.bind("").match
        super().__init__(  # type: ignore[no-untyped-call]
            self._klein.resource(), requestFactory=Request, timeout=idle_timeout, reactor=reactor, parsePOSTFormSubmission=False
        )

    def find(self, method: bytes, path: bytes) -> tuple[Route | None, Mapping[str, object], Reply | None]:
        """The route and its path's values; or None and the refusal."""
        hot = self._hot.get((method, path))
        if hot is not None:
            return hot, {}, None
        try:
            rule, values = self._match(path_text(path), method=method.decode("latin-1"), return_rule=True)
        except Invalid as error:
            return None, {}, error_reply(400, error.faults)
        except MethodNotAllowed as error:
            allow = (("Allow", ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))),)
            refusal = Reply(204, headers=allow) if method == b"OPTIONS" else error_reply(405, [Fault("method not allowed")], allow)
            return None, {}, refusal
        except HTTPException:
            return None, {}, error_reply(404, NotFound("not found").faults)
        return self._routes[rule.endpoint], values, None

    def visit(self, request: Request, route: Route | None, headers: Mapping[str, str]) -> Visit:
        """The request's head as the door sees it."""
        given = headers.get("x-request-id")
        request_id = given if given and is_sound_request_id(given) else self.door.new_request_id()
        remote = getattr(request.client, "host", "")
        if "x-forwarded-for" in headers:
            remote = self._proxies.client(remote, headers["x-forwarded-for"])
        return Visit(route, request.method.decode("latin-1"), headers, request_id, remote, self.door.clock())

    def written(self, visit: Visit, reply: Reply, *, is_last: bool, has_body: bool, is_old: bool = False) -> bytes:
        """The reply as it goes over the wire; it was counted."""
        date = self._today()
        try:
            top = head(reply, request_id=visit.request_id, verdict=visit.verdict, date=date, close=is_last, keep=is_old)
        except (ValueError, KeyError):
            self._log.failure("{path}: a reply that cannot be written, request id {id}", path=visit.route, id=visit.request_id)
            reply = failure_reply(visit.request_id)
            top = head(reply, request_id=visit.request_id, verdict=visit.verdict, date=date, close=is_last)
        self.door.answered(visit, reply.status)
        if self._access_log:
            path = visit.route.path if visit.route else "?"
            self._log.info("{status} {method} {path} {id}", status=reply.status, method=visit.method, path=path, id=visit.request_id)
        return top + reply.body if has_body and reply.status not in BODILESS else top

    def broken(self, status: int, message: str) -> bytes:
        """The last reply on a connection whose bytes are no request."""
        self.door.broken(status)
        reply = error_reply(status, [Fault(message)])
        return head(reply, request_id=self.door.new_request_id(), verdict=None, date=self._today(), close=True) + reply.body

    async def unpacked(self, packed: bytes, limit: int) -> bytes:
        """The unpacked body; the reactor had its turn every STEPS_A_TURN steps.

        Raises: as `unpack`.
        """
        pieces: list[bytes] = []
        for piece in unpack(packed, limit):
            pieces.append(piece)
            if len(pieces) % STEPS_A_TURN == 0:
                await deferLater(self.reactor, 0)
        return b"".join(pieces)

    async def drained(self, limit_s: float) -> bool:
        """True when no request is open any more, False when `limit_s` went by first. From now on connections end after an answer.

        Connections that a proxy keeps get QUIET_S more: what it sends on one of them in this moment is answered, and it hears that it ends.
        """
        self.draining = True
        clock: Any = self.reactor
        until = clock.seconds() + limit_s
        if not await self._answered_all(limit_s):
            return False
        if self.connections:
            await deferLater(self.reactor, min(QUIET_S, limit_s))
        return await self._answered_all(until - clock.seconds())

    async def _answered_all(self, limit_s: float) -> bool:
        if self.open_requests:
            self._drained = Deferred()
            try:
                await self._drained.addTimeout(max(0.0, limit_s), self.reactor)
            except TimeUp:
                return False
            finally:
                self._drained = None
        return True

    def closed_one(self) -> None:
        """One open request less."""
        self.open_requests -= 1
        if self._drained is not None and not self.open_requests and not self._drained.called:
            self._drained.callback(None)

    def report(self, failure: Failure) -> None:
        """A fault of this file was logged."""
        self._log.failure("a request was not answered", failure=failure)

    def log(self, request: http.Request) -> None:
        """Nothing: `written` has logged it."""

    def startFactory(self) -> None:
        """Nothing: the inherited one opens a log file and keeps a timer for its date."""

    def stopFactory(self) -> None:
        """Nothing."""

    def _add(self, route: Route) -> None:
        name = f"{route.method} {route.path}"
        if name in self._routes:
            raise ValueError(f"{name} stands twice in the routes")
        self._routes[name] = route
        # A lambda, since Klein asks a function for its name, and a partial has none.
        self._klein.route(route.path, methods=[route.method], endpoint=name, merge_slashes=False)(lambda call: route.call(call))  # type: ignore[type-var]  # a Call in place of a request
        if route.hot:
            self._hot[(route.method.encode(), route.path.encode())] = route

    def _today(self) -> str:
        now_s = int(self.door.clock())
        if now_s != self._date[0]:
            self._date = (now_s, formatdate(now_s, usegmt=True))
        return self._date[1]


def make_site(
    routes: Iterable[Route], *, door: Door, reactor: Any, access_log: bool = False, idle_timeout: float = IDLE_TIMEOUT_S,
    proxies: Iterable[str] = (), log: Logger | None = None,
) -> HttpSite:
    """A site with these routes, for any number of listeners.

    `proxies` are addresses and networks whose X-Forwarded-For is believed, besides this host's.

    Raises: ValueError when a route stands twice.
    """
    return HttpSite(
        routes, door=door, reactor=reactor, access_log=access_log, idle_timeout=idle_timeout, proxies=proxies, log=log or Logger()
    )
