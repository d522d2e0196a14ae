"""Limits, time and the end: what one peer may take, and how the listener closes."""

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from scaisend.smtp.limits import Limits
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.sessions import source_of
from tests.base import PlainTestCase
from tests.world.smtp_session import Mailbox, Peer, Wire

ENVELOPE = b"MAIL FROM:<>\r\nRCPT TO:<b@b.test>\r\n"


class TimeTests(PlainTestCase):
    def after(self, peer: Peer, seconds: int, says: bytes = b"") -> Peer:
        """That many seconds later, the peer having said `says` each second."""
        for _ in range(seconds):
            if says:
                peer.says(says)
            peer.clock.advance(1)
        return peer

    def test_silence(self) -> None:
        """A peer that gives no command for `command_s` gets 421, and is cut off when it does not close."""
        peer = self.after(Peer(), 299)
        self.assertEqual(peer.said(), b"")
        self.assertEqual(self.after(peer, 3).codes(), [421])
        self.assertTrue(peer.is_over)
        self.assertFalse(peer.wire.aborted)
        self.after(peer, 12)
        self.assertTrue(peer.wire.aborted)

    def test_a_dripping_command_is_silence(self) -> None:
        """Octets without a line end are no sign of life."""
        peer = self.after(Peer(), 303, b"x")
        self.assertEqual(peer.codes(), [421])

    def test_silence_in_a_mail(self) -> None:
        """A mail may pause for `block_s`, no longer."""
        peer = Peer().opens_mail().says(b"x" * 100_000)
        self.assertEqual(self.after(peer, 179).said(), b"")
        self.assertEqual(self.after(peer, 3).codes(), [421])

    def test_trickling_mail(self) -> None:
        """A mail that arrives slower than `body_rate` is given up after the grace."""
        peer = Peer().opens_mail()
        self.assertEqual(self.after(peer, 59, b"x" * 100).said(), b"")
        self.assertEqual(self.after(peer, 3, b"x" * 100).said(), b"421 4.4.2 the mail arrives too slowly\r\n")

    def test_steady_mail_is_left_alone(self) -> None:
        """A slow mail above the rate may take its time."""
        peer = self.after(Peer().opens_mail(), 600, b"x" * 600)
        self.assertEqual(peer.said(), b"")

    def test_session_age(self) -> None:
        """An old session ends between two mails; within one it is bounded too."""
        peer = self.after(Peer(limits=Limits(commands=100_000)), 3605, b"NOOP\r\n")
        self.assertEqual(peer.codes()[-1], 421)
        peer = self.after(Peer().says(ENVELOPE + b"DATA\r\n"), 7205, b"x" * 600)
        self.assertEqual(peer.codes()[-1], 421)

    def test_our_own_time_does_not_count(self) -> None:
        """While a verdict waits on us the peer is never blamed."""
        mailbox = Mailbox(waits={"message": Deferred()})
        peer = Peer(mailbox=mailbox).opens_mail().says(b"x\r\n.\r\n")
        self.assertEqual(self.after(peer, 1000).said(), b"")
        mailbox.waits["message"].callback(None)
        self.assertEqual(peer.codes(), [250])
        self.assertEqual(self.after(peer, 200).said(), b"")


class BoundTests(PlainTestCase):
    def test_errors(self) -> None:
        """After too many refusals the session ends; an accepted mail forgives the earlier ones."""
        peer = Peer(limits=Limits(errors=3))
        self.assertEqual(peer.says(b"X\r\nX\r\n" + ENVELOPE + b"DATA\r\n").says(b".\r\n").says(b"X\r\nX\r\nX\r\nNOOP\r\n").codes()[-4:], [500, 500, 500, 421])
        self.assertTrue(peer.is_over)

    def test_what_is_put_off_is_no_error(self) -> None:
        """Many recipients over the limit do not end the session before its mail."""
        peer = Peer(limits=Limits(recipients=1, errors=3)).says(ENVELOPE + b"RCPT TO:<c@c.test>\r\n" * 9 + b"DATA\r\n")
        self.assertEqual(peer.codes(), [250, 250] + [452] * 9 + [354])

    def test_commands_without_a_mail(self) -> None:
        """Commands that lead to no mail are counted."""
        peer = Peer(limits=Limits(commands=5)).says(b"NOOP\r\n" * 9)
        self.assertEqual(peer.codes(), [250] * 4 + [421])

    def test_recipients(self) -> None:
        """The recipient over the limit is put off (RFC 5321 4.5.3.1.10); the mail goes to the others."""
        peer = Peer(limits=Limits(recipients=2)).says(ENVELOPE + b"RCPT TO:<c@c.test>\r\nRCPT TO:<d@d.test>\r\nDATA\r\n")
        self.assertEqual(peer.codes(), [250, 250, 250, 452, 354])
        self.assertEqual(peer.says(b".\r\n").mailbox.mails[0][1], ("b@b.test", "c@c.test"))

    def test_size(self) -> None:
        """A declared size over the limit is refused at MAIL, a real one after its end, and the session keeps step."""
        peer = Peer(limits=Limits(size_bytes=10))
        self.assertEqual(peer.says(b"MAIL FROM:<> SIZE=11\r\n").codes(), [552])
        peer.opens_mail().says(b"x" * 30 + b"\r\nRSET\r\n" * 5 + b"\r\n.\r\nNOOP\r\n")
        self.assertEqual(peer.codes(), [552, 250])
        self.assertEqual(peer.mailbox.mails, [])

    def test_long_lines(self) -> None:
        """A command line over the limit is one error however it arrives; a long line in a mail is none."""
        peer = Peer()
        peer.says(b"NOOP " + b"x" * 100_000 + b"\r\nNOOP\r\n", tuple(range(0, 100_000, 999)))
        self.assertEqual(peer.codes(), [500, 250])
        peer.opens_mail().says(b"y" * 100_000 + b"\r\nMAIL FROM:<evil@evil.test>\r\n.\r\n")
        self.assertEqual(peer.codes(), [250])
        self.assertEqual(len(peer.mailbox.mails), 1)

    def test_backlog(self) -> None:
        """Reading pauses while a verdict waits and much is buffered, and goes on afterwards."""
        mailbox = Mailbox(waits={"a@a.test": Deferred()})
        peer = Peer(mailbox=mailbox, limits=Limits(commands=100_000, backlog_bytes=60_000))
        peer.says(b"MAIL FROM:<a@a.test>\r\n" + b"NOOP\r\n" * 5_000)
        self.assertEqual(peer.wire.producerState, "producing")
        peer.says(b"NOOP\r\n" * 6_000)
        self.assertEqual(peer.wire.producerState, "paused")
        mailbox.waits["a@a.test"].callback(None)
        self.assertEqual(peer.wire.producerState, "producing")
        self.assertEqual(len(peer.codes()), 11_001)

    def test_peer_that_reads_no_replies(self) -> None:
        """Commands of a peer that leaves its replies unread are not obeyed until it reads on."""
        peer = Peer()
        peer.receiver.pauseProducing()
        self.assertEqual(peer.says(b"NOOP\r\n").said(), b"")
        self.assertEqual(peer.wire.producerState, "paused")
        peer.receiver.resumeProducing()
        self.assertEqual(peer.codes(), [250])
        self.assertEqual(peer.wire.producerState, "producing")

    def test_mails_held_in_memory(self) -> None:
        """Mails that wait for their verdict share a bound; one alone is always taken."""
        mailbox = Mailbox(waits={"message": Deferred()})
        first = Peer(mailbox=mailbox, limits=Limits(held_bytes=10)).opens_mail().says(b"x" * 20 + b"\r\n.\r\n")
        second = Peer(factory=first.factory).opens_mail().says(b"y\r\n.\r\n")
        self.assertEqual(second.said(), b"452 4.3.1 no room for the mail now, try again later\r\n")
        mailbox.waits.pop("message").callback(None)
        second.opens_mail().says(b"y\r\n.\r\n")
        self.assertEqual(len(mailbox.mails), 2)


class ConnectionTests(PlainTestCase):
    def factory(self, **limits: int) -> ReceiverFactory:
        return ReceiverFactory(deliveries=Mailbox(), hostname="mx.example.test", reactor=Clock(), limits=Limits(**limits))

    def connect(self, factory: ReceiverFactory, host: str) -> tuple[object, bytes]:
        address = (IPv6Address if ":" in host else IPv4Address)("TCP", host, 4711)
        session, wire = factory.buildProtocol(address), Wire()
        session.makeConnection(wire)
        self.assertEqual(wire.disconnecting, not wire.value().startswith(b"220 "))
        return session, wire.value()[:9]

    def test_connections_from_one_address(self) -> None:
        """One address has its limit, a /64 of IPv6 counts as one, and a place is free again when a session ends."""
        factory = self.factory(connections_per_address=1)
        session, greeting = self.connect(factory, "192.0.2.1")
        self.assertEqual(greeting[:4], b"220 ")
        self.assertEqual(self.connect(factory, "192.0.2.1")[1], b"421 4.7.0")
        self.assertEqual(self.connect(factory, "192.0.2.2")[1][:4], b"220 ")
        self.assertEqual(self.connect(factory, "2001:db8::1")[1][:4], b"220 ")
        self.assertEqual(self.connect(factory, "2001:db8::2")[1], b"421 4.7.0")
        session.connectionLost()  # type: ignore[attr-defined]
        self.assertEqual(self.connect(factory, "192.0.2.1")[1][:4], b"220 ")

    def test_connections_in_all(self) -> None:
        """The listener has its limit; the refused ones do not count."""
        factory = self.factory(connections=2)
        for number in range(4):
            self.connect(factory, f"192.0.2.{number}")
        self.assertEqual(self.connect(factory, "192.0.2.9")[1], b"421 4.3.2")
        self.assertEqual(len(factory.sessions), 2)

    def test_sources(self) -> None:
        """An IPv4 address inside IPv6 counts as itself."""
        self.assertEqual(source_of("::ffff:192.0.2.1"), "192.0.2.1")
        self.assertEqual(source_of("fe80::1%eth0"), source_of("fe80::2"))

    def test_drain(self) -> None:
        """Idle sessions get 421 at once, a mail on its way is finished first, and no new session is taken."""
        idle, mailbox = Peer(), Mailbox(waits={"message": Deferred()})
        busy = Peer(mailbox=mailbox).opens_mail()
        drained = [peer.factory.drain(30) for peer in (idle, busy)]
        self.assertEqual((idle.codes(), idle.is_over), ([421], True))
        self.assertEqual((busy.codes(), busy.is_over), ([], False))
        self.assertEqual(Peer(factory=busy.factory, greet=False).said()[:9], b"421 4.3.2")
        busy.says(b"x\r\n.\r\nMAIL FROM:<>\r\n")
        mailbox.waits["message"].callback(None)
        self.assertEqual((busy.codes(), busy.is_over), ([250, 421], True))
        self.assertNoResult(drained[1])
        for peer in (idle, busy):
            peer.hangs_up()
        for each in drained:
            self.successResultOf(each)
        self.assertEqual(busy.clock.getDelayedCalls(), [])

    def test_drain_has_an_end(self) -> None:
        """What is still open at the limit is cut off."""
        peer = Peer().opens_mail()
        drained = peer.factory.drain(30)
        peer.clock.advance(30)
        self.assertTrue(peer.wire.aborted)
        peer.hangs_up()
        self.successResultOf(drained)
