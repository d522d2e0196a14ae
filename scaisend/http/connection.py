"""One connection of the web server, and one request on it.

A `Channel` bounds how long a request may take to arrive. A `Request`'s route is found when its head is complete, so that what
must be refused is refused before its body:

    head --> find route --> unknown path or method, length over the limit, no credential: refused
         --> body over EARLY_BYTES: reading stops until the door admitted the caller
    body --> counted against the route's limit while it arrives
         --> door.admit --> unpack --> door.call --> answer
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web import http

from scaisend.faults import ScaiSendError, TooLarge
from scaisend.http.body import Intake, is_packed, unpacked_limit
from scaisend.http.door import Visit
from scaisend.http.reply import Reply
from scaisend.http.wire import KEEP, OLD, PlainHead, header_map, origin_form, path_values, plain_head, query_values

if TYPE_CHECKING:
    from scaisend.http.site import HttpSite

ARRIVAL_TIMEOUT_S = 120
LINGER_S = 2
EARLY_BYTES = 64 * 1024

# Twisted's parser is only half typed.
_HTTPChannel: Any = http.HTTPChannel
_HTTPRequest: Any = http.Request


class Channel(_HTTPChannel):  # type: ignore[misc]  # Any, as above
    """One connection. A request must arrive whole within ARRIVAL_TIMEOUT_S, however slowly it keeps talking."""

    maxHeaders = 100
    site: "HttpSite"
    is_refused = False
    _has_begun = False
    _deadline: DelayedCall | None = None
    _lingering: DelayedCall | None = None

    def connectionMade(self) -> None:
        self.site.connections += 1
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if not self._handlingRequest:
            plain = None if self._has_begun or self._buffer else plain_head(data)
            self._has_begun = True
            if plain is not None:
                self._take(plain)
            else:
                super().dataReceived(data)
        else:
            super().dataReceived(data)
        if self._has_begun and self._deadline is None and not self.is_refused:
            self._deadline = self.callLater(ARRIVAL_TIMEOUT_S, self._too_slow)
        elif not self._has_begun:
            self._forget_deadline()

    def allContentReceived(self) -> None:
        self._has_begun = False
        self._forget_deadline()
        super().allContentReceived()

    def connectionLost(self, reason: Failure) -> None:
        self.site.connections -= 1
        self._forget_deadline()
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        super().connectionLost(reason)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._respondToBadRequestAndDisconnect()

    def _take(self, plain: PlainHead) -> None:
        """The head was taken in one step instead of one for each line, and so was the body if it is whole.

        It leaves behind just what the inherited parser would.
        """
        self.resetTimeout()
        request = self.requestFactory(self)
        self.requests.append(request)
        self.persistent = 1
        self._command, self._path, self._version = plain.method, plain.uri, plain.version
        request.begin(plain.headers, plain.length)
        if self.is_refused:
            return
        self.setRawMode()
        if len(plain.body) < plain.length:
            self._transferDecoder = http._IdentityTransferDecoder(  # type: ignore[no-untyped-call]
                plain.length, request.handleContentChunk, self._finishRequestBody
            )
            if plain.body:
                self._transferDecoder.dataReceived(plain.body)  # type: ignore[no-untyped-call]
            return
        self._has_begun = False
        self._handlingRequest = True
        self._savedTimeOut = self.timeOut
        if plain.body:
            request.handleContentChunk(plain.body)
        if not self.is_refused:
            request.requestReceived(plain.method, plain.uri, plain.version)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection stays open: as inherited, and for HTTP/1.0 clients that ask for it."""
        if version == OLD:
            return bool(request.requestHeaders.getRawHeaders(b"connection", [b""])[0].lower() == KEEP.encode())
        return bool(super().checkPersistence(request, version))

    def timeoutConnection(self) -> None:
        """As inherited, without its line in the log for each idle connection; one whose request is handled is not idle."""
        if self._handlingRequest and not self.is_refused:
            self.setTimeout(self.timeOut)
            return
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def refuse(self, content: bytes) -> None:
        """The reply was written, what still comes is dropped, and the connection ends after LINGER_S.

        Closing at once would reset it while the client still sends, and the reply would be lost.
        """
        self.is_refused = True
        self._has_begun = False
        for request in self.requests:
            request.forget()
        self._forget_deadline()
        self.setTimeout(None)
        self.transport.write(content)
        for entrance in ("dataReceived", "lineReceived", "rawDataReceived"):
            setattr(self, entrance, _drop)
        self._networkProducer.resumeProducing()
        self._lingering = self.callLater(LINGER_S, self.timeoutConnection)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """The parser's one way of refusing, which by itself writes no body and reads on in what cannot be trusted."""
        if not self.is_refused:
            self.refuse(self.site.broken(400, "Bad Request"))

    def _send100Continue(self) -> None:
        if not self.is_refused:
            super()._send100Continue()

    def _too_slow(self) -> None:
        self._deadline = None
        self.refuse(self.site.broken(408, "the request took too long to arrive"))

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Request(_HTTPRequest):  # type: ignore[misc]  # Any, as above
    """One request: its body comes into memory, its answer goes out in one write."""

    site: "HttpSite"
    visit: Visit
    _path: Mapping[str, object]
    _intake: Intake
    _refusal: Reply | None = None
    _admission: "Deferred[Reply | None] | None" = None
    _is_packed = False
    _is_counted = False
    _is_whole = False

    def gotLength(self, length: int | None) -> None:
        """The parser has read the head."""
        self.begin(header_map(self.requestHeaders.getAllRawHeaders()), length)

    def begin(self, headers: Mapping[str, str], length: int | None) -> None:
        """The head is complete: the route is found, and what can be refused by the head alone is."""
        # The parser keeps these two to itself until the body is complete, which is too late for us.
        self.method, self.uri = self.channel._command, self.channel._path
        self.site = self.channel.site
        self.site.open_requests += 1
        self._is_counted = True
        target: bytes = self.uri if self.uri.startswith(b"/") else origin_form(self.uri)
        path, _, self._query = target.partition(b"?")
        route, self._path, self._refusal = self.site.find(self.method, path)
        self.visit = visit = self.site.visit(self, route, headers)
        if route is not None:
            self._intake = Intake(route.body_limit)
            try:
                self._is_packed = is_packed(headers.get("content-encoding"))
                self.site.door.check_head(visit, length)
            except ScaiSendError as error:
                self._refusal = self.site.door.refuse(visit, error)
        is_large = length is None or length > EARLY_BYTES
        if self._refusal is not None:
            if is_large or self._refusal.status == 413 or (length and "expect" in headers):
                self._refuse(self._refusal)
        elif is_large and length is not None:
            self._admit_early()

    def handleContentChunk(self, data: bytes) -> None:
        if self._refusal is not None or self.channel.is_refused:
            return
        try:
            self._intake.add(data)
        except TooLarge as error:
            self._refuse(self.site.door.refuse(self.visit, error))
            return
        if self._admission is None and self._intake.size_bytes > EARLY_BYTES:
            self._admit_early()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.channel.is_refused:
            return
        self._is_whole = True
        self.clientproto = version
        Deferred.fromCoroutine(self._serve()).addErrback(self.site.report)

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        if not self._is_whole:
            self.forget()

    def forget(self) -> None:
        """The request will never be whole; what came of its body is let go."""
        self._intake = Intake(0)
        self._uncount()

    async def _serve(self) -> None:
        """The request was answered. When its client goes away meanwhile, its handler goes on all the same."""
        reply = self._refusal
        if reply is not None:
            reply = await self.site.door.count_lost(self.visit, reply)
        else:
            reply = await (self.site.door.admit(self.visit) if self._admission is None else self._admission)
        if reply is None:
            reply = await self._call()
        self._answer(reply)

    async def _call(self) -> Reply:
        door, visit, route = self.site.door, self.visit, self.visit.route
        assert route is not None
        body = self._intake.whole()
        self._intake = Intake(0)
        try:
            query = query_values(self._query)
            if self._is_packed:
                body = await self.site.unpacked(body, unpacked_limit(route.body_limit))
        except ScaiSendError as error:
            return door.refuse(visit, error)
        return await door.call(visit, route, path_values(self._path) if self._path else {}, query, body)

    def _admit_early(self) -> None:
        """A large body: nothing more of it is read until its caller was admitted."""
        self._admission = Deferred.fromCoroutine(self.site.door.admit(self.visit))
        if not self._admission.called:
            self.channel._networkProducer.pauseProducing()
        self._admission.addCallback(self._admitted)

    def _admitted(self, refusal: Reply | None) -> Reply | None:
        if self._disconnected or self.channel.is_refused:
            return refusal
        self.channel._networkProducer.resumeProducing()
        if refusal is not None and not self._is_whole:
            self._refuse(refusal)
        return refusal

    def _refuse(self, reply: Reply) -> None:
        """The reply went out before the body was read, and the connection ends with it."""
        self._refusal = reply
        self.channel.refuse(self.site.written(self.visit, reply, is_last=True, has_body=self.method != b"HEAD"))

    def _answer(self, reply: Reply) -> None:
        self._uncount()
        if self._disconnected:
            self.site.door.answered(self.visit, reply.status)
            return
        channel = self.channel
        if self.site.draining:
            channel.persistent = 0
        self.startedWriting = 1
        content = self.site.written(
            self.visit, reply, is_last=not channel.persistent, has_body=self.method != b"HEAD", is_old=self.clientproto == OLD
        )
        channel.transport.write(content)
        self.finish()

    def _uncount(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self.site.closed_one()


def _drop(data: bytes) -> None:
    """What comes after a refusal."""
