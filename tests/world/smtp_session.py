"""One SMTP session in memory: a scripted peer on one side, a taker of mail that keeps what it gets on the other."""

from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from scaisend.smtp.limits import Limits
from scaisend.smtp.receiver import Receiver
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import RECIPIENT_OK, Verdict

KEPT = Verdict(250, "2.0.0", "kept")


@dataclass
class Mailbox:
    """Takes all mail. A Deferred in `waits` under an address, or under `message`, holds that verdict back until it fires."""

    mails: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    refusals: dict[str, Verdict] = field(default_factory=dict)
    waits: dict[str, "Deferred[None]"] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        await self._pass(sender)
        return self.refusals.get(sender)

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        await self._pass(recipient)
        return self.refusals.get(recipient, RECIPIENT_OK)

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        await self._pass("message")
        self.sessions.append(session)
        self.mails.append((envelope.sender, tuple(envelope.recipients), content))
        return self.refusals.get("message", KEPT)

    async def _pass(self, door: str) -> None:
        if door in self.waits:
            await self.waits[door]
        if door in self.faults:
            raise self.faults[door]


class Wire(StringTransport):
    """A transport that can be aborted."""

    def abortConnection(self) -> None:
        self.disconnecting = self.aborted = True

    aborted = False


class Peer:
    """The other end. What it says is fed in as one segment, or in segments cut at `cuts`."""

    def __init__(self, *, mailbox: Mailbox | None = None, limits: Limits | None = None, clock: Clock | None = None,
                 factory: ReceiverFactory | None = None, greet: bool = True) -> None:
        self.mailbox = mailbox or Mailbox()
        self.clock = clock or Clock()
        self.factory = factory or ReceiverFactory(
            deliveries=self.mailbox, hostname="mx.example.test", reactor=self.clock, limits=limits,
        )
        self.wire = Wire()
        self.receiver: Receiver = self.factory.buildProtocol(None)
        self.receiver.makeConnection(self.wire)
        if greet:
            self.said()
            self.says(b"EHLO peer.example.test\r\n")
            self.said()

    def says(self, octets: bytes, cuts: tuple[int, ...] = ()) -> "Peer":
        marks = [0, *sorted(cuts), len(octets)]
        for start, stop in zip(marks, marks[1:], strict=False):
            self.receiver.dataReceived(octets[start:stop])
        return self

    def said(self) -> bytes:
        """What the receiver answered since the last call."""
        octets = self.wire.value()
        self.wire.clear()
        return octets

    def codes(self) -> list[int]:
        """The codes of the answers since the last call, one a reply."""
        return [int(line[:3]) for line in self.said().split(b"\r\n") if line and line[3:4] != b"-"]

    def opens_mail(self) -> "Peer":
        """Is asked for the mail (354)."""
        self.says(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n")
        self.said()
        return self

    def hangs_up(self) -> None:
        self.receiver.connectionLost(Failure(ConnectionDone()))

    @property
    def is_over(self) -> bool:
        return self.wire.disconnecting
