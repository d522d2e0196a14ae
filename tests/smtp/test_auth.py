"""AUTH: who may log in, when, how often, and what an attacker gets out of it."""

from base64 import b64encode

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress

from scaisend.faults import Unavailable
from scaisend.smtp.auth import AuthRules
from scaisend.smtp.receiver_factory import ReceiverFactory
from scaisend.smtp.tls import ServerTls
from scaisend.smtp.verdict import Verdict
from tests.base import PlainTestCase
from tests.world.smtp_session import Mailbox, Peer, Wire

REFUSED = Verdict(535, "5.7.8", "Authentication failed: no")
LOOPBACK = IPv4Address("TCP", "127.0.0.1", 4000)


def b64(text: str) -> bytes:
    return b64encode(text.encode())


class Client(Peer):
    """A client of a receiver that asks for a login; user `apikey` with the password `good` is let in."""

    def __init__(self, *, address: IAddress = LOOPBACK, is_plain_on_loopback: bool = True, is_tls: bool = False, attempts: int = 3) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.verdicts: dict[str, Exception | Deferred[None]] = {}
        self._address = address
        mailbox = Mailbox()
        clock = Peer().clock
        factory = ReceiverFactory(
            deliveries=mailbox, hostname="mx.example.test", reactor=clock, tls=ServerTls.self_signed("mx.example.test", 1_800_000_000.0),
            auth=AuthRules(self.authenticate, is_plain_on_loopback=is_plain_on_loopback, attempts=attempts),
        )
        super().__init__(mailbox=mailbox, clock=clock, factory=factory)
        self.wire = Wire()
        self.receiver = factory.buildProtocol(address)
        self.receiver.makeConnection(self.wire)
        if is_tls:
            self.receiver.session.tls = "TLSv1.3"
        self.said()
        self.says(b"EHLO app.example.test\r\n")
        self.offers = self.said()

    async def authenticate(self, user: str, password: str, peer: str) -> object:
        self.asked.append((user, password, peer))
        verdict = self.verdicts.get(password)
        if isinstance(verdict, Exception):
            raise verdict
        if verdict is not None:
            await verdict
        return "caller" if (user, password) == ("apikey", "good") else REFUSED


class LoginTests(PlainTestCase):
    def test_plain(self) -> None:
        """PLAIN with its answer in the command, or after an empty prompt; the session knows who it is, and its protocol says so."""
        for lines in ([b"AUTH PLAIN " + b64("\0apikey\0good")], [b"auth plain", b64("apikey\0apikey\0good")]):
            client = Client(is_tls=True)
            codes = [code for line in lines for code in client.says(line + b"\r\n").codes()]
            self.assertEqual(codes, [334, 235] if len(lines) == 2 else [235])
            self.assertEqual(client.asked, [("apikey", "good", "127.0.0.1")])
            client.opens_mail().says(b"x\r\n.\r\n")
            (session,) = client.mailbox.sessions
            self.assertEqual((session.login, session.protocol), ("caller", "ESMTPSA"))

    def test_login(self) -> None:
        """LOGIN asks with SendGrid's prompts; the user may come with the command."""
        client = Client()
        self.assertEqual(client.says(b"AUTH LOGIN\r\n").said(), b"334 VXNlcm5hbWU6\r\n")
        self.assertEqual(client.says(b64("apikey") + b"\r\n").said(), b"334 UGFzc3dvcmQ6\r\n")
        self.assertEqual(client.says(b64("good") + b"\r\n").said(), b"235 2.7.0 Authentication successful\r\n")
        client = Client()
        self.assertEqual(client.says(b"AUTH LOGIN " + b64("apikey") + b"\r\n").codes(), [334])
        self.assertEqual(client.says(b64("good") + b"\r\n").codes(), [235])

    def test_offered_only_when_safe(self) -> None:
        """AUTH is offered under TLS, on loopback where that is allowed, and nowhere else; asked for in clear text it is refused, unheard."""
        far, near = IPv4Address("TCP", "192.0.2.9", 4000), IPv6Address("TCP", "::ffff:127.0.0.1", 4000)
        for address, allowed, is_tls, offered in (
            (far, True, False, False), (far, True, True, True), (LOOPBACK, False, False, False), (LOOPBACK, True, False, True),
            (near, True, False, True), (near, False, True, True),
        ):
            client = Client(address=address, is_plain_on_loopback=allowed, is_tls=is_tls)
            self.assertEqual(b"AUTH PLAIN LOGIN" in client.offers, offered, (address, allowed, is_tls))
            codes = client.says(b"MAIL FROM:<a@a.test>\r\n").codes() + client.says(b"AUTH PLAIN " + b64("\0apikey\0good") + b"\r\n").codes()
            self.assertEqual(codes, [530, 235] if offered else [530, 538])
            self.assertEqual(len(client.asked), int(offered))

    def test_nothing_without_a_login(self) -> None:
        """Without a login no envelope begins, so nothing can be relayed; after a refused one neither."""
        client = Client(is_tls=True)
        client.says(b"AUTH PLAIN " + b64("\0apikey\0bad") + b"\r\nMAIL FROM:<a@a.test>\r\n")
        self.assertEqual(client.codes(), [554])  # pipelined: the session ends
        client = Client(is_tls=True)
        self.assertEqual(client.says(b"AUTH PLAIN " + b64("\0apikey\0bad") + b"\r\n").codes(), [535])
        lines = (b"MAIL FROM:<a@a.test>", b"RCPT TO:<b@b.test>", b"DATA", b"BDAT 3 LAST\r\nabc")
        self.assertEqual([client.says(line + b"\r\n").codes()[0] for line in lines], [530, 503, 503, 503])
        self.assertEqual(client.mailbox.mails, [])

    def test_nothing_may_be_pipelined_behind_auth(self) -> None:
        """What stands behind AUTH in the segment is never run, whatever the credentials are worth."""
        for line in (b"AUTH PLAIN " + b64("\0apikey\0good"), b"AUTH LOGIN", b"AUTH PLAIN"):
            client = Client(is_tls=True).says(line + b"\r\nMAIL FROM:<a@a.test>\r\n")
            self.assertEqual(client.codes(), [554])
            self.assertTrue(client.is_over)
            self.assertEqual(client.asked, [])

    def test_what_comes_while_a_verdict_waits(self) -> None:
        """Commands that come before the verdict wait for it, and its refusal holds for them."""
        client = Client(is_tls=True)
        wait: Deferred[None] = Deferred()
        client.verdicts["bad"] = wait
        client.says(b"AUTH PLAIN " + b64("\0apikey\0bad") + b"\r\n").says(b"MAIL FROM:<a@a.test>\r\n")
        self.assertEqual(client.said(), b"")
        wait.callback(None)
        self.assertEqual(client.codes(), [535, 530])

    def test_attempts_are_limited(self) -> None:
        """The third refusal ends the session; a dependency that is away is not the client's fault."""
        client = Client(is_tls=True)
        client.verdicts["away"] = Unavailable("database")
        attempt = b"AUTH PLAIN " + b64("\0apikey\0bad") + b"\r\n"
        for _ in range(4):
            self.assertEqual(client.says(b"AUTH PLAIN " + b64("\0apikey\0away") + b"\r\n").codes(), [451])
        self.assertEqual([client.says(attempt).codes() for _ in range(3)], [[535], [535], [535, 421]])
        self.assertTrue(client.is_over)

    def test_malformed(self) -> None:
        """Cancelled exchanges, foreign mechanisms and what is not base64 are refused by their codes, and change nothing."""
        client = Client(is_tls=True)
        for lines, codes in (
            ([b"AUTH"], [501]), ([b"AUTH CRAM-MD5"], [504]), ([b"AUTH PLAIN", b"*"], [334, 501]), ([b"AUTH LOGIN", b"MAIL FROM:<a@a.test>"], [334, 501]),
            ([b"AUTH PLAIN ="], [501]), ([b"AUTH PLAIN " + b64("apikey")], [501]), ([b"AUTH PLAIN " + b64("root\0apikey\0good")], [535]),
            ([b"AUTH PLAIN " + b64("\0apikey\0good\0more")], [501]), ([b"AUTH PLAIN " + b64encode(b"\0\xff\0x")], [501]),
            ([b"AUTH LOGIN " + b64("apikey"), b""], [334, 535]),
        ):
            self.assertEqual([code for line in lines for code in client.says(line + b"\r\n").codes()], codes, lines)
        self.assertEqual(client.asked, [("apikey", "", "127.0.0.1")])
        self.assertEqual(client.says(b"AUTH PLAIN " + b64("\0apikey\0good") + b"\r\n").codes(), [235])
        self.assertEqual(client.says(b"AUTH PLAIN " + b64("\0apikey\0good") + b"\r\n").codes(), [503])
        self.assertEqual(client.says(b"MAIL FROM:<a@a.test> AUTH=<>\r\n").codes(), [250])
        self.assertEqual(client.says(b"AUTH LOGIN\r\n").codes(), [503])

    def test_an_overlong_answer(self) -> None:
        """A line over the limit ends the exchange; what follows it is a command again."""
        client = Client(is_tls=True)
        client.says(b"AUTH LOGIN\r\n").says(b"A" * 5000 + b"\r\n").says(b"NOOP\r\n")
        self.assertEqual(client.codes(), [334, 500, 250])

    def test_helo_cannot_log_in(self) -> None:
        """AUTH is an extension: a client that said HELO has none. EHLO again keeps the login."""
        client = Client(is_tls=True).says(b"HELO x\r\nAUTH LOGIN\r\n")
        self.assertEqual(client.codes(), [250, 503])
        client = Client(is_tls=True).says(b"AUTH PLAIN " + b64("\0apikey\0good") + b"\r\n")
        self.assertEqual(client.says(b"EHLO y\r\n").says(b"MAIL FROM:<a@a.test>\r\n").codes(), [235, 250, 250])

    def test_without_rules(self) -> None:
        """A receiver of mail for others neither offers AUTH nor takes it, nor its parameter."""
        peer = Peer()
        self.assertEqual(peer.says(b"AUTH LOGIN\r\nMAIL FROM:<a@a.test> AUTH=<>\r\n").codes(), [502, 555])
