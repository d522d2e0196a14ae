from scaisend.delivery.transaction import CannotSend, Extensions, envelope, stuffed
from tests.base import PlainTestCase
from tests.delivery.jobs import a_job

ALL = Extensions({"SIZE": "1000", "8BITMIME": "", "SMTPUTF8": ""})


class EnvelopeTests(PlainTestCase):
    def test_what_the_host_offers_is_used(self):
        """SIZE is told, BODY and SMTPUTF8 only where the mail needs them."""
        self.assertEqual(envelope(a_job(), b"x\r\n", ALL)[0], b"MAIL FROM:<b+1@out.test> SIZE=3\r\n")
        self.assertEqual(envelope(a_job(), b"x\r\n", Extensions({}))[0], b"MAIL FROM:<b+1@out.test>\r\n")
        job = a_job(to="jürgen@bücher.test", domain="xn--bcher-kva.test")
        mail, rcpt = envelope(job, "ü\r\n".encode(), ALL)
        self.assertEqual(mail, b"MAIL FROM:<b+1@out.test> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n")
        self.assertEqual(rcpt, "RCPT TO:<jürgen@xn--bcher-kva.test>\r\n".encode())

    def test_an_ascii_local_part_needs_no_smtputf8(self):
        """A domain goes out as A-label."""
        mail, rcpt = envelope(a_job(to="j@bücher.test", domain="xn--bcher-kva.test"), b"x\r\n", Extensions({}))
        self.assertEqual((mail, rcpt), (b"MAIL FROM:<b+1@out.test>\r\n", b"RCPT TO:<j@xn--bcher-kva.test>\r\n"))

    def test_an_empty_return_path_is_written_so(self):
        """`<>` is the return path of what must not bounce."""
        self.assertEqual(envelope(a_job(sender=""), b"x\r\n", Extensions({}))[0], b"MAIL FROM:<>\r\n")

    def test_what_the_host_lacks_is_refused_here(self):
        """Too large, 8-bit, or an address it cannot take: said as the host would have."""
        rows = [
            (a_job(), b"x" * 1001, ALL, "5.3.4"),
            (a_job(), b"\xff\r\n", Extensions({}), "5.6.3"),
            (a_job(to="ü@in.test"), b"x\r\n", Extensions({}), "5.6.7"),
        ]
        for job, body, extensions, enhanced in rows:
            self.assertEqual(self.assertRaises(CannotSend, envelope, job, body, extensions).enhanced, enhanced)

    def test_a_strange_size_means_no_limit(self):
        """SIZE 0, SIZE without a number and SIZE with words limit nothing (RFC 1870 4)."""
        for value in ("", "0", "many", "-1", "٣", "9" * 30):
            self.assertEqual(Extensions({"SIZE": value}).size_limit, 0)


class StuffedTests(PlainTestCase):
    def test_lines_that_start_with_a_dot_get_another(self):
        """The first line too."""
        self.assertEqual(stuffed(b".\r\na.b\r\n..\r\n.x\r\n"), b"..\r\na.b\r\n...\r\n..x\r\n")
        body = b"no dots at line starts. none\r\n"
        self.assertIs(stuffed(body), body)
