from scaisend.inbound.auto_reply import is_challenge, read_auto_reply, read_other_report
from scaisend.inbound.mime import read_mail
from tests.base import PlainTestCase


def read(head: str, body: str = "hello", by_mail_system: bool = False):
    found = read_auto_reply(read_mail(f"{head}\r\n\r\n{body}".encode()), by_mail_system)
    return None if found is None else found.rule


class AutoReplyTests(PlainTestCase):
    def test_automatic_replies(self):
        """Headers of RFC 3834 and of vacation programs, subjects in many languages, challenges."""
        for head in (
            "Auto-Submitted: auto-replied\r\nFrom: ann@x.test", "X-Autoreply: yes", "Precedence: auto_reply", "X-Apple-Action: VACATION",
            "X-MS-Exchange-Inbox-Rules-Loop: ann@x.test", "Subject: Out of Office: hello", "Subject: Automatic reply: hello",
            "Subject: =?utf-8?q?R=C3=A9ponse_automatique=C2=A0=3A_x?=", "Subject: Automatische Antwort: Termin", "Subject: 自动回复: 你好", "Subject: [Autoreply] x",
            "From: Boxbe <confirm@boxbe.com>", "X-Challenge: 1",
        ):
            self.assertIsNotNone(read(head), head)
        self.assertEqual(read("Subject: x", "Please click to verify that you are human."), "autoreply.challenge")

    def test_others_are_not(self):
        """Ordinary mail is none, nor is what a mail system marks as its own doing, nor a subject that only speaks of automation."""
        for head in ("Subject: Re: hello", "Auto-Submitted: no", "Auto-Submitted: auto-generated", "Subject: Automation conference", "Subject: Your auto insurance", "Precedence: bulk"):
            self.assertIsNone(read(head), head)
        self.assertIsNone(read("Auto-Submitted: auto-replied", by_mail_system=True))

    def test_challenges_by_header(self):
        """Known services; a text that only speaks of one is none."""
        self.assertTrue(is_challenge(read_mail(b"From: x@boxbe.com\r\n\r\n")))
        self.assertFalse(is_challenge(read_mail(b"From: ann@x.test\r\nSubject: Confirmation of your delivery\r\n\r\n")))

    def test_reports_of_other_kinds(self):
        """TLS, DMARC and disposition reports are told apart from all else."""
        rows = {
            "Content-Type: multipart/report; report-type=tlsrpt; boundary=b": "report.tls", "Subject: Report domain: x.test Submitter: google.com Report-ID: 1": "report.dmarc",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b": "report.disposition", "Subject: Report of the month": None,
        }
        found = {head: read_other_report(read_mail(f"{head}\r\n\r\nx".encode())) for head in rows}
        self.assertEqual({head: each and each.rule for head, each in found.items()}, rows)
