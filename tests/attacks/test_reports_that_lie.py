"""Mails to our return paths and mailboxes that want to crash the reader, keep it busy, or have somebody suppressed."""

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.inbound.read import read
from scaisend.inbound.reading import KINDS
from tests.base import PlainTestCase
from tests.inbound.reports import dsn
from tests.world.garbled import garbled, judged_mails, torture

HEAD = b"From: MAILER-DAEMON@x\r\nReturn-Path: <>\r\nSubject: failure notice\r\n"
PIECES = (
    b"a", b" ", b"\n", b"<", b"<a@", b"a@b.c\n", b"<a@b.c>:\n", b"550 5.1.1 ", b"--", b"=?utf-8?b?", b"message-id: ", b"to: a\nfrom: b\n", b"could not be delivered ",
    b"delivery to ", b"&#1;", b"<style>", b"<!--", b"bounces+", b"is not ", b"mail x ", b"failed to deliver to '", b"Final-Recipient: rfc822; a@b.c\nAction: failed\n\n",
)
OPENINGS = (b"", b"your message to a@b.c could not be delivered\n", b"The following address(es) failed:\n")


class HostileMails(PlainTestCase):
    def test_garbled_mails(self) -> None:
        """Two thousand real mails with things cut, doubled, spliced and put in: each is some kind of mail, none raises or takes long."""
        draw, mails = random.Random(7), judged_mails()
        for _ in range(2000):
            mail = garbled(draw, mails)
            began = time.process_time()
            self.assertIn(read(mail).kind, KINDS)
            self.assertLess(time.process_time() - began, 5.0)

    def test_mails_made_to_keep_the_reader_busy(self) -> None:
        """Half a megabyte of what costs most, in body, page, header and report part, is read in bounded time."""
        for piece in PIECES:
            much = piece * (400_000 // len(piece))
            line = much.replace(b"\n", b" ")
            for mail in (
                *(HEAD + b"\r\n" + opening + much for opening in OPENINGS), HEAD + b"Content-Type: text/html\r\n\r\n" + much, HEAD + b"X: " + line + b"\r\n\r\nx",
                HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\n" + much, HEAD + b"Content-Type: message/delivery-status\r\n\r\n" + much,
                HEAD + b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: " + line + b"\nAction: failed\nDiagnostic-Code: " + line,
            ):
                began = time.process_time()
                read(mail)
                self.assertLess(time.process_time() - began, 5.0, piece)

    def test_nesting_and_many_recipients(self) -> None:
        """Ten thousand levels and a hundred thousand recipients end in bounded time with bounded results."""
        nested = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(10_000))
        self.assertIn(read(nested).kind, KINDS)
        many = b"".join(b"Final-Recipient: rfc822; a%d@b.c\nAction: failed\nStatus: 5.1.1\n\n" % n for n in range(100_000))
        self.assertLessEqual(len(read(HEAD + b"Content-Type: message/delivery-status\r\n\r\n" + many).recipients), 1000)

    @settings(deadline=None, max_examples=300)
    @given(st.binary(max_size=3000))
    def test_any_octets(self, octets: bytes) -> None:
        """Anything at all is some kind of mail, also below a header that promises a report."""
        self.assertIn(read(octets).kind, KINDS)
        self.assertIn(read(dsn("a@b.test").replace(b"Final-Recipient", octets[:200] + b"Final-Recipient")).kind, KINDS)

    def test_forged_reports_suppress_nobody(self) -> None:
        """A thousand garbled reports with tokens that are not ours: no suppression, and no token believed."""
        self.assertEqual(torture(random.Random(11), 1000), [])
