from scaisend.inbound.read import read
from tests.accuracy import FIXTURES, measure
from tests.base import PlainTestCase
from tests.inbound.reports import VACATION, arf, dsn


class ReadTests(PlainTestCase):
    def test_kinds(self):
        """One door tells bounces, delays, successes, complaints, automatic replies and the rest apart."""
        rows = {
            dsn("a@x.test"): "bounce", dsn("a@x.test", action="delayed", status="4.0.0"): "delay", dsn("a@x.test", action="relayed", status="2.0.0"): "success",
            arf("a@x.test"): "arf", VACATION: "autoreply", b"Subject: hi\r\n\r\nhello": "other", b"": "other", b"\n\n\n": "other",
        }
        self.assertEqual({content: read(content).kind for content in rows}, rows)

    def test_the_original(self):
        """Its Message-ID is told from an attached mail, an attached header or a copy below the words, never from the report's own."""
        self.assertEqual(read(dsn("a@x.test", original="Message-ID: <one@x.test>")).original_message_id, "<one@x.test>")
        self.assertIsNone(read(dsn("a@x.test").replace(b"Subject:", b"Message-ID: <own@mx>\r\nSubject:", 1)).original_message_id)
        text = b"From: MAILER-DAEMON@mx\r\nMessage-ID: <own@mx>\r\n\r\nThe following address failed:\r\n\r\n  a@x.test\r\n\r\n--- Original message follows.\r\nMessage-Id:\r\n <two@x.test>\r\n"
        self.assertEqual(read(text).original_message_id, "<two@x.test>")

    def test_a_report_in_a_wrapper(self):
        """A gateway that puts a report into a mail of its own is seen through; a person who forwards one is not."""
        wrapped = b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nsee below\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n" + dsn("a@x.test") + b"\r\n--o--\r\n"
        self.assertEqual(read(b"From: postmaster@gw.test\r\nSubject: Delivery Status Notification (Failure)\r\n" + wrapped).kind, "bounce")
        self.assertEqual(read(b"From: Ann <ann@x.test>\r\nSubject: Fwd: look\r\n" + wrapped).kind, "other")

    def test_challenges_dressed_as_reports(self):
        """A filter that answers with a report about a waiting mail is a challenge."""
        self.assertEqual(read(dsn("a@x.test").replace(b"From: MAILER-DAEMON@mx.example.net (Mail Delivery System)", b"From: Boxbe <no-reply@boxbe.com>")).kind, "autoreply")


class AccuracyTests(PlainTestCase):
    def test_judged_mails(self):
        """At least 99 % of the plain ones and 85 % of the worded ones are read rightly, and nothing harmless is taken for a bounce or complaint."""
        result = measure(FIXTURES)
        self.assertGreaterEqual(result.share(1), 0.99, result.wrong)
        self.assertGreaterEqual(result.share(2), 0.95, result.wrong)
        self.assertEqual(result.false_alarms, [])
