from scaisend.inbound.arf import read_arf
from scaisend.inbound.mime import read_mail
from tests.base import PlainTestCase
from tests.inbound.reports import arf, dsn

JMRP = (
    b'From: <staff@hotmail.com>\r\nSubject: complaint about message from 192.0.2.1\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: ann@hotmail.com\r\nTo: someone@x.test\r\nSubject: Hi\r\n\r\nHello\r\n--b--\r\n"
)


class ArfTests(PlainTestCase):
    def test_types(self):
        """Each registered type is told; an unknown one is `other`."""
        for kind, shown in (("abuse", "abuse"), ("Not-Spam", "not-spam"), ("auth-failure", "auth-failure"), ("fraud", "fraud"), ("x-new", "other")):
            found = read_arf(read_mail(arf("ann@x.test", kind=kind)))
            self.assertEqual((found.feedback_type, [each.recipient for each in found.recipients]), (shown, ["ann@x.test"]), kind)
        self.assertEqual((found.source_ip, found.reporter), ("192.0.2.9", "Provider/1.0"))

    def test_the_recipient_may_be_in_the_original_alone(self):
        """Without Original-Rcpt-To the original's To is told."""
        report = arf("ann@x.test", original="To: Bob <bob@x.test>\r\nSubject: x").replace(b"Original-Rcpt-To: ann@x.test\r\n", b"")
        self.assertEqual([each.recipient for each in read_arf(read_mail(report)).recipients], ["bob@x.test"])

    def test_plain_forms(self):
        """Microsoft's reports have no report part: sender, subject and the attached mail make them."""
        found = read_arf(read_mail(JMRP))
        self.assertEqual((found.rule, found.feedback_type, found.recipients[0].recipient), ("arf.jmrp", "abuse", "ann@hotmail.com"))
        for one in (JMRP.replace(b"staff@hotmail.com", b"ann@x.test"), JMRP.replace(b"complaint about", b"a complaint on"), JMRP.replace(b"message/rfc822", b"text/plain")):
            self.assertIsNone(read_arf(read_mail(one)))

    def test_what_is_no_feedback(self):
        """Delivery reports, plain mails and an empty report part are none."""
        for one in (dsn("a@x.test"), b"Subject: spam!\r\n\r\nThis is spam", b"Content-Type: message/feedback-report\r\n\r\n\r\n"):
            self.assertIsNone(read_arf(read_mail(one)))
