"""One connection: octets in, replies out in order, one thing at a time; when it ends and when it waits.

`_pump` is the only loop. It hands the buffer to `_read`, which a subclass provides, until that wants more octets, or a verdict
is waited for (busy), or the peer does not read its replies (choked).
"""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.smtp import verdict as say
from scaisend.smtp.limits import Limits
from scaisend.smtp.session import Session
from scaisend.smtp.sessions import Sessions
from scaisend.smtp.verdict import Verdict

log = Logger()


@implementer(IHandshakeListener, IPushProducer)  # type: ignore[no-untyped-call]  # as above
class SessionLoop(Protocol):
    """The part of a session that knows sockets and time, and no SMTP but its replies' form."""

    transport: Any  # zope interfaces mean nothing to mypy

    def __init__(self, *, limits: Limits, sessions: Sessions, peer: str) -> None:
        self.peer = peer
        self.session = Session(peer)
        self._limits = limits
        self._sessions = sessions
        self._buffer = b""
        self._replies: list[bytes] = []
        self._is_busy = False
        self._is_pumping = False
        self._is_choked = False
        self._is_paused = False
        self._closing_at: float | None = None
        self._errors = 0
        self._born_at = self._heard_at = sessions.now_s

    # What the subclass provides

    def _greet(self, refusal: Verdict | None) -> None:
        """The peer is greeted, or turned away."""
        raise AssertionError("not a session")

    def _read(self) -> bool:
        """One command or one piece of a mail was taken from the buffer; False when more octets are needed."""
        raise AssertionError("not a session")

    def _is_receiving(self) -> bool:
        """Whether a mail is coming in, so that any octet is a sign of life."""
        raise AssertionError("not a session")

    def _overdue(self, now_s: float) -> Verdict | None:
        """Why the session must end now, or None."""
        raise AssertionError("not a session")

    def _drop_transaction(self) -> None:
        """Nothing of an open transaction is kept."""
        raise AssertionError("not a session")

    # What the transport calls

    def connectionMade(self) -> None:
        refusal = self._sessions.admit(self)
        self._born_at = self._heard_at = self._sessions.now_s
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._greet(refusal)
        # Octets written before the handshake would count as unread replies, and nothing be read until the peer took them.
        if not isinstance(self.transport, TLSMemoryBIOProtocol):
            self._flush()
        elif refusal is not None:
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        if self._closing_at is not None:
            return
        self._buffer = self._buffer + data if self._buffer else data
        if self._is_receiving():
            self._heard_at = self._sessions.now_s
        if not self._is_pumping:
            self._pump()

    def handshakeCompleted(self) -> None:
        self.session.tls = self.transport.getHandle().get_protocol_version_name()
        self._flush()  # the greeting, where the connection began with TLS (RFC 8314 3.3)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closing_at = self._sessions.now_s
        self._buffer = b""
        self._drop_transaction()
        self._sessions.leave(self)

    def pauseProducing(self) -> None:
        """The peer does not read its replies, so its commands are not read either."""
        self._is_choked = True
        self._throttle()

    def resumeProducing(self) -> None:
        self._is_choked = False
        if not self._is_pumping:
            self._pump()

    def stopProducing(self) -> None:
        self._is_choked = True

    # What the sessions call

    def check(self, now_s: float) -> None:
        """The session is ended if it is overdue; time that our own verdicts take does not count."""
        if self._closing_at is not None:
            if now_s - self._closing_at > self._limits.closing_s:
                self.abort()
        elif not self._is_busy and (verdict := self._overdue(now_s)) is not None:
            self._close(verdict)
            self._flush()

    def drain(self) -> None:
        """421 now, or after the mail that is coming in."""
        if not self._is_pumping:
            self._pump()

    def abort(self) -> None:
        """The connection is gone, whatever the peer does."""
        self.transport.abortConnection()

    # The loop

    def _pump(self) -> None:
        self._is_pumping = True
        while not (self._is_busy or self._is_choked) and self._closing_at is None:
            if self._sessions.is_draining and not self._is_receiving():
                self._close(say.DRAINING)
            elif not self._buffer or not self._read():
                break
        self._is_pumping = False
        self._flush()
        if self._is_busy or self._is_paused:
            self._throttle()

    def _run(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        """The session is busy until the work is done."""
        self._is_busy = True
        try:
            work.send(None)
        except StopIteration:  # most verdicts wait for nothing, and then need no Deferred
            self._is_busy = False
        except Exception:
            self._ran(Failure())  # type: ignore[no-untyped-call]  # Twisted leaves it so
        else:  # what it waits for yields itself again
            Deferred.fromCoroutine(work).addBoth(self._ran)

    def _ran(self, result: Failure | None) -> None:
        self._is_busy = False
        self._heard_at = self._sessions.now_s
        if isinstance(result, Failure):
            log.failure("SMTP session with {peer}", result, peer=self.peer)
            self._close(say.TROUBLE)
        if not self._is_pumping:
            self._pump()

    def _flush(self) -> None:
        if self._replies:
            replies, self._replies = self._replies, []
            self.transport.write(replies[0] if len(replies) == 1 else b"".join(replies))
        if self._closing_at is not None:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def _throttle(self) -> None:
        pause = self._is_choked or (self._is_busy and len(self._buffer) > self._limits.backlog_bytes)
        if pause != self._is_paused and self._closing_at is None:
            self._is_paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    # Replies

    def _reply(self, verdict: Verdict) -> None:
        """Permanent refusals are counted as the peer's errors; what is put off is not its fault."""
        self._replies.append(verdict.wire)
        if verdict.code >= 500:
            self._errors += 1
            if self._errors >= self._limits.errors:
                self._close(say.TOO_MANY_ERRORS)

    def _close(self, verdict: Verdict) -> None:
        """The last reply; the connection ends with the next flush."""
        if self._closing_at is None:
            self._closing_at = self._sessions.now_s
            self._buffer = b""
            self._replies.append(verdict.wire)
