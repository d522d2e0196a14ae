"""STARTTLS: what was said in clear text must have no effect under TLS (CVE-2011-0411, RFC 3207 4.2)."""

import smtplib
import socket
import ssl

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.tls import ServerTls
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.smtp_session import Mailbox, Peer

NOW_S = 1_800_000_000.0


def untrusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class PipelinedTests(PlainTestCase):
    def test_commands_behind_starttls(self) -> None:
        """A session with anything behind STARTTLS in the buffer ends without TLS."""
        for behind in (b"RSET\r\n", b"MAIL FROM:<>\r\n", b"x", b"\x16\x03\x01"):
            mailbox = Mailbox()
            factory = ReceiverFactory(
                deliveries=mailbox, hostname="mx.example.test", reactor=Peer().clock, tls=ServerTls.self_signed("mx.example.test", NOW_S),
            )
            peer = Peer(mailbox=mailbox, factory=factory).says(b"STARTTLS\r\n" + behind)
            self.assertEqual(peer.codes(), [554])
            self.assertTrue(peer.is_over)


class ListeningTests(ReactorTestCase):
    def setUp(self) -> None:
        self.mailbox = Mailbox()
        factory = ReceiverFactory(
            deliveries=self.mailbox, hostname="mx.example.test", reactor=reactor, tls=ServerTls.self_signed("mx.example.test", NOW_S),
        )
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = port.getHost().port
        self.addCleanup(port.stopListening)
        self.addCleanup(factory.drain, 5)

    async def test_envelope_does_not_survive(self) -> None:
        """After the handshake the session is new: the sender and the EHLO of the clear text are forgotten, TLS is not offered again."""

        def talk() -> list[int]:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                client.ehlo()
                codes = [client.mail("injected@evil.test")[0], client.starttls(context=untrusting())[0]]
                codes += [client.docmd("RCPT TO:<b@b.test>")[0], client.docmd("MAIL FROM:<>")[0], client.ehlo()[0]]
                return [*codes, client.docmd("STARTTLS")[0]]

        self.assertEqual(await deferToThread(talk), [250, 220, 503, 503, 250, 503])

    async def test_mail_over_tls(self) -> None:
        """A mail over TLS arrives, and the session says so."""
        body = b"Subject: x\r\n\r\n" + b".dotted line\r\n" * 20_000

        def talk() -> None:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                client.starttls(context=untrusting())
                client.sendmail("a@a.test", ["b@b.test", "c@c.test"], body)

        await deferToThread(talk)
        self.assertEqual(self.mailbox.mails, [("a@a.test", ("b@b.test", "c@c.test"), body)])
        self.assertEqual((self.mailbox.sessions[0].tls, self.mailbox.sessions[0].protocol), ("TLSv1.3", "ESMTPS"))

    async def test_clear_text_after_starttls(self) -> None:
        """Commands in clear text after the 220 break the handshake; none is answered."""

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                client.recv(1000)
                client.sendall(b"STARTTLS\r\n")
                client.recv(1000)
                client.sendall(b"EHLO x\r\nMAIL FROM:<>\r\n")
                try:
                    return client.recv(1000)
                except ConnectionResetError:
                    return b""

        self.assertNotIn(b"250", await deferToThread(talk))
        self.assertEqual(self.mailbox.mails, [])

    async def test_old_tls_is_refused(self) -> None:
        """TLS 1.1 is not spoken."""

        def talk() -> None:
            context = untrusting()
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                client.starttls(context=context)

        await self.assertFailure(deferToThread(talk), ssl.SSLError, OSError)
