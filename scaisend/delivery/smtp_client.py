"""The socket around one session: an opening, then a conversation, then QUIT.

It is no subclass of ESMTPClient: what that would lend (EHLO, STARTTLS) is the clean `opening.py`, which knows what the stock one does not.
There are no timers of commands: each connection has one `deadline`, and its owner sweeps over all of them once a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol as Seam

from OpenSSL.SSL import Connection
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectBindError, ConnectionDone
from twisted.internet.interfaces import IHandshakeListener, IPullProducer
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.delivery.conversation import Conversation
from scaisend.delivery.job import CONNECT, Job, Outcome
from scaisend.delivery.lanes import Lane
from scaisend.delivery.opening import FAILED, READY, START_TLS, TLS, Opening
from scaisend.delivery.reply_reader import Reply
from scaisend.delivery.sources import Source
from scaisend.delivery.tls_client import FAILED as BROKE
from scaisend.delivery.tls_client import NO_STARTTLS, BadCertificate, Flaw, HostTls, described
from scaisend.delivery.tls_policy import NONE, Rung
from scaisend.delivery.tls_result import TellTls, TlsResult
from scaisend.delivery.transaction import Extensions, Peer

QUIT_S = 10.0


class Call(Seam):
    """A call that was scheduled."""

    def cancel(self) -> None: ...
    def active(self) -> bool: ...


class Reactor(Seam):
    """What delivery needs of a reactor."""

    def seconds(self) -> float: ...
    def callLater(self, delay: float, called: Callable[..., object], *arguments: object) -> Call: ...
    def connectTCP(self, host: str, port: int, factory: ClientFactory, timeout: float, bindAddress: tuple[str, int] | None) -> "Connector": ...


class Connector(Seam):
    """A connection under way."""

    def disconnect(self) -> None: ...


class Address(Seam):
    """One end of a TCP connection."""

    host: str


class Wire(Seam):
    """What a session needs of its transport, before and after STARTTLS."""

    def write(self, data: bytes) -> None: ...
    def setTcpNoDelay(self, enabled: bool) -> None: ...
    def startTLS(self, context: HostTls) -> None: ...
    def getHandle(self) -> Connection: ...
    def getHost(self) -> Address: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def registerProducer(self, producer: "Pieces", streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...


class SessionTrouble(Exception):
    """No session came about.

    `reply`: what the host said, if anything; `ours`: the fault is this host's own, not the destination's; `tls_failed`: it might do without TLS;
    `tls_result`: what is to be reported of that; `rung`: how the host was to be spoken to.
    """

    def __init__(
        self, stage: str, text: str, *, reply: Reply | None = None, ours: bool = False, tls_failed: bool = False, dialogue: str | None = None,
        tls_result: TlsResult | None = None, rung: Rung | None = None,
    ) -> None:
        super().__init__(text)
        self.stage = stage
        self.text = text
        self.reply = reply
        self.ours = ours
        self.tls_failed = tls_failed
        self.host: str | None = None
        self.address: str | None = None
        self.source: str | None = None
        self.dialogue = dialogue
        self.lane: Lane | None = None
        self.tls_result = tls_result
        self.rung = rung

    @property
    def rung_words(self) -> tuple[str | None, str | None]:
        """How the host was to be spoken to, and why so, if that is known."""
        return (None, None) if self.rung is None else (self.rung.name, self.rung.why)

    def tell_tls(self, domain: str, tell: TellTls | None) -> None:
        """What came of TLS is told for the domain whose mail was to go."""
        if tell is not None and self.tls_result is not None:
            tell(domain, self.tls_result)


@dataclass(frozen=True, slots=True)
class Periods:
    """How long a connection waits, in seconds. `dot_s` is for the answer to a final dot (RFC 5321 4.5.3.2.6)."""

    connect_s: float
    command_s: float
    dot_s: float
    idle_s: float


class Owner(Seam):
    """Who hands jobs to a session and hears of it."""

    def take(self, session: "SmtpClient") -> Job | None: ...
    def settle(self, session: "SmtpClient", job: Job, outcome: Outcome) -> None: ...
    def give_back(self, job: Job) -> None: ...
    def went_idle(self, session: "SmtpClient") -> None: ...
    def closed(self, session: "SmtpClient") -> None: ...
    def flush(self) -> None:
        """Tell those who wait what was settled: only now may they submit more."""


@implementer(IHandshakeListener)  # type: ignore[no-untyped-call]  # as above
class SmtpClient(Protocol):
    """One connection. `ready` fires when it can take mail, or fails with SessionTrouble; its owner finds it in a `lane` then."""

    lane: Lane

    transport: Wire  # type: ignore[assignment]  # the stock annotation knows neither TLS nor TCP

    def __init__(
        self, *, reactor: Reactor, opening: Opening, tls: HostTls, rung: Rung, host: str, address: str, source: Source, periods: Periods, owner: Owner,
        tls_failed: TlsResult | None = None,
    ) -> None:
        """`tls_failed`: what came of TLS with this host just before, when this session does without."""
        self.ready: Deferred[SmtpClient] = Deferred()
        self.connector: Connector | None = None
        self.conversation: Conversation | None = None
        self.deadline = float("inf")
        self.open = False
        self.begun = 0
        self.host, self.address = host, address
        self._reactor, self._opening, self._tls, self._source = reactor, opening, tls, source
        self._periods, self._owner = periods, owner
        self.rung = rung
        self.cipher: str | None = None
        self.tls_result: TlsResult | None = None
        self._told_for: set[str] = set()
        self._tls_failed = tls_failed
        self._flaw: Flaw | None = None
        self.fault = ""
        self._quitting = False

    def connectionMade(self) -> None:
        self.open = True
        self.transport.setTcpNoDelay(True)
        self._wait(self._periods.command_s)

    # Opening.

    def dataReceived(self, data: bytes) -> None:
        if self.conversation is not None:
            self._converse(self.conversation, data)
        elif not self.fault:
            self._write(self._opening.receive(data))
            self._wait(self._periods.command_s)
            self._after_opening_step()

    def handshakeCompleted(self) -> None:
        try:
            connection = self.transport.getHandle()
            self._flaw = self._tls.check(connection)
        except BadCertificate as error:
            self._flaw = Flaw(error.kind, str(error))
            self.abort(str(error))
            return
        self.cipher = described(connection)
        self._write(self._opening.secured())

    def _after_opening_step(self) -> None:
        step = self._opening.step
        if step == START_TLS:
            self.transport.startTLS(self._tls)
        elif step == READY:
            opening = self._opening
            source = self._source.address or self.transport.getHost().host
            peer = Peer(self.host, self.address, source, self.cipher, tuple(opening.lines), self.rung.name, self.rung.why)
            self.tls_result = self._result()
            self.conversation = Conversation(
                extensions=Extensions(opening.capabilities), peer=peer, take=self._take, settle=partial(self._owner.settle, self), give_back=self._owner.give_back,
            )
            self._wait(self._periods.idle_s)
            self.ready.callback(self)
        elif step == FAILED:
            self.abort(self._opening.fault)

    # Conversation.

    @property
    def usable(self) -> bool:
        """It could begin a job now."""
        conversation = self.conversation
        return self.open and not self._quitting and conversation is not None and conversation.idle and not conversation.closing

    def begin(self) -> bool:
        """The next job of the owner was started, if there is one. Only when idle."""
        conversation = self.conversation
        if conversation is None or not self.usable:
            return False
        written = conversation.begin()
        if not written:
            return False
        self.transport.write(written)
        self._wait(self._periods.command_s)
        return True

    def _converse(self, conversation: Conversation, data: bytes) -> None:
        if self._quitting:
            self.transport.loseConnection()
            return
        if conversation.closing:
            return
        written = conversation.receive(data)
        if written:
            self.transport.write(written)
        if conversation.has_pieces:
            self.transport.registerProducer(Pieces(self, conversation), False)
        self._rest(conversation)

    def _rest(self, conversation: Conversation) -> None:
        """After each turn: the deadline, the end of the connection, or an idle session."""
        if conversation.closing:
            self.transport.abortConnection()
        elif conversation.idle:
            self._wait(self._periods.idle_s)
            self._owner.went_idle(self)
        else:
            self._wait(self._periods.dot_s if conversation.awaits_dot and not conversation.has_pieces else self._periods.command_s)
        self._owner.flush()

    def _take(self) -> Job | None:
        job = self._owner.take(self)
        if job is not None:
            self.begun += 1
        return job

    # Ends.

    def sweep(self, now: float) -> None:
        """The deadline is looked at: an idle session ends with QUIT, one that waited too long is cut."""
        if now < self.deadline:
            return
        if self.conversation is not None and self.conversation.idle and not self._quitting:
            self.quit()
        else:
            self.abort(f"timed out waiting for the answer to {(self.conversation or self._opening).stage.upper()}")

    def quit(self) -> None:
        """Ends an idle session politely; cut when that takes more than QUIT_S."""
        if not self._quitting:
            self._quitting = True
            self._wait(QUIT_S)
            self._write(b"QUIT\r\n")

    def abort(self, fault: str) -> None:
        """Cut at once; what was in hand is settled when the connection is gone."""
        self.fault = self.fault or fault
        if self.open:
            self.transport.abortConnection()
        elif self.connector is not None and not self.ready.called:
            self.connector.disconnect()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.open = False
        self.deadline = float("inf")
        why = self.fault or ("the host closed the connection" if reason.type is ConnectionDone else f"connection lost: {reason.getErrorMessage()}")
        if self.conversation is not None:
            self.conversation.lost(why)
        elif not self.ready.called:
            opening = self._opening
            dialogue = "\n".join((*opening.lines, f"({why})"))
            reply = opening.reply if opening.step == FAILED and opening.refused else None
            result = self._result() if opening.stage == TLS else None
            if result is not None and self._tls.flaw is not None and not self.fault:
                why = f"{self._tls.flaw.text}: {why}"
            self.ready.errback(
                SessionTrouble(opening.stage, why, reply=reply, tls_failed=opening.tls_failed, dialogue=dialogue, tls_result=result, rung=self.rung)
            )
        self._owner.closed(self)
        self._owner.flush()

    def tell_tls(self, domain: str, tell: TellTls | None) -> None:
        """What came of TLS is told once for each domain whose mail goes here."""
        if tell is not None and self.tls_result is not None and domain not in self._told_for:
            self._told_for.add(domain)
            tell(domain, self.tls_result)

    def _result(self) -> TlsResult | None:
        """What came of TLS, once the session is open or was broken off."""
        rung, opening = self.rung, self._opening
        if rung.name == NONE:
            return None
        source = self._source.address or (self.transport.getHost().host if self.open else None)
        if self.cipher is not None:
            failure, text = (self._flaw.kind, self._flaw.text) if self._flaw else (None, "")
        elif self._tls_failed is not None:
            return self._tls_failed
        elif opening.stage == TLS and (flaw := self._flaw or self._tls.flaw) is not None:
            failure, text = flaw.kind, flaw.text
        elif opening.stage == TLS and "STARTTLS" in opening.capabilities:
            failure, text = BROKE, self.fault or opening.fault
        else:
            failure, text = NO_STARTTLS, "the host does not offer STARTTLS"
        return TlsResult(rung.kind, self.host, failure, text[:200], self.address, source, rung.published)

    def _write(self, written: bytes) -> None:
        if written:
            self.transport.write(written)

    def _wait(self, period_s: float) -> None:
        self.deadline = self._reactor.seconds() + period_s


@implementer(IPullProducer)  # type: ignore[no-untyped-call]  # as above
class Pieces:
    """A large body in steps, so that the send buffer stays small; each step moves the deadline."""

    def __init__(self, session: SmtpClient, conversation: Conversation) -> None:
        self._session = session
        self._conversation = conversation

    def resumeProducing(self) -> None:
        session, conversation = self._session, self._conversation
        if conversation.has_pieces and not conversation.closing:
            session.transport.write(conversation.next_piece())
        if not conversation.has_pieces:
            session.transport.unregisterProducer()
        session._rest(conversation)

    def stopProducing(self) -> None:
        """The connection is gone; the conversation is told by the session."""


class Connecting(ClientFactory):
    """Makes one session and hears when there is no connection."""

    noisy = False

    def __init__(self, session: SmtpClient) -> None:
        self._session = session

    def buildProtocol(self, address: object) -> SmtpClient:
        return self._session

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        if not self._session.ready.called:
            ours = reason.type is not None and issubclass(reason.type, ConnectBindError)
            self._session.ready.errback(SessionTrouble(CONNECT, self._session.fault or reason.getErrorMessage(), ours=ours))


def connect(reactor: Reactor, session: SmtpClient, *, port: int, periods: Periods, source: Source) -> None:
    """The session's connection is under way; its `ready` tells the end."""
    bind = None if source.address is None else (source.address, 0)
    session.connector = reactor.connectTCP(session.address, port, Connecting(session), timeout=periods.connect_s, bindAddress=bind)
