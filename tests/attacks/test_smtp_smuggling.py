"""SMTP smuggling: one mail must never be read as two, whatever its line ends (CVE-2023-51764 and its kin)."""

from scaisend.smtp.limits import Limits
from tests.base import PlainTestCase
from tests.world.smtp_session import Peer

SMUGGLED = b"MAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@b.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
FALSE_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\r\n.\r\r\n", b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n", b"\r\n. \r\n", b"\x0b.\x0c", b"\x85.\x85", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n..\r\n", b"\n\r.\n\r", b"\x1e.\x1e",
]


class SmugglingTests(PlainTestCase):
    def test_false_ends(self) -> None:
        """What only looks like the end of a mail is part of it; with a bare CR or LF the whole mail is refused, once."""
        for false_end in FALSE_ENDS:
            body = b"Subject: x\r\n\r\nfirst" + false_end + SMUGGLED[: -len(b"\r\n.\r\n")]
            stream = body + b"\r\n.\r\n"
            for cuts in ((), tuple(range(len(stream)))):
                peer = Peer().opens_mail().says(stream, cuts)
                is_bare = not body.count(b"\r\n") == body.count(b"\r") == body.count(b"\n")
                self.assertEqual(peer.codes(), [554 if is_bare else 250], false_end)
                self.assertEqual(len(peer.mailbox.mails), 0 if is_bare else 1, false_end)
                self.assertEqual(peer.says(b"NOOP\r\n").codes(), [250], false_end)

    def test_bare_line_ends_in_commands(self) -> None:
        """A bare LF or CR among the commands ends the session: what follows may be meant for somebody else."""
        for line in (b"NOOP\nNOOP\r\n", b"NOOP\rNOOP\r\n", b"\n", b"\r\r\n", b"NOOP\r\r\n", b"x" * 5000 + b"\ry\r\n", b"MAIL FROM:<a@b.test\nRCPT TO:<c@d.test>\r\n"):
            peer = Peer().says(line + SMUGGLED)
            self.assertEqual(peer.codes(), [521], line)
            self.assertTrue(peer.is_over)
            self.assertEqual(peer.mailbox.mails, [])

    def test_long_line(self) -> None:
        """A long line in a mail does not turn the rest of it into commands."""
        for size in (998, 2047, 2048, 16_384, 16_385, 65_536):
            peer = Peer().opens_mail().says(b"y" * size + b"\r\n" + SMUGGLED)
            self.assertEqual(peer.codes()[0], 250)
            self.assertEqual(len(peer.mailbox.mails), 1)

    def test_too_large_mail(self) -> None:
        """The rest of a mail over the limit is no command either."""
        peer = Peer(limits=Limits(size_bytes=100)).opens_mail().says(b"y" * 200 + b"\r\n" + SMUGGLED)
        self.assertEqual(peer.codes(), [552])
        self.assertEqual(peer.mailbox.mails, [])

    def test_mail_sent_before_it_was_asked_for(self) -> None:
        """A body pipelined behind DATA is how a smuggled mail travels; the session ends (RFC 2920 3.1)."""
        peer = Peer().says(SMUGGLED)
        self.assertEqual(peer.codes(), [250, 250, 554])
        self.assertTrue(peer.is_over)
        self.assertEqual(peer.mailbox.mails, [])

    def test_mail_behind_a_refused_data(self) -> None:
        """A body sent in spite of a refused DATA runs into the error limit or is known as foreign."""
        peer = Peer().says(b"MAIL FROM:<>\r\nDATA\r\n")
        self.assertEqual(peer.codes(), [250, 554])
        peer.says(b"Subject: x\r\n\r\n" + SMUGGLED)
        self.assertEqual(peer.codes(), [554])
        self.assertTrue(peer.is_over)

    def test_other_protocols(self) -> None:
        """An HTTP request whose body holds SMTP commands gets nowhere."""
        peer = Peer(greet=False).says(b"POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO x\r\n" + SMUGGLED)
        self.assertEqual(peer.codes(), [220, 554])
        self.assertTrue(peer.is_over)
