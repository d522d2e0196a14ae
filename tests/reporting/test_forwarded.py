from typing import Any

import orjson

from scaisend.messages import event as events
from scaisend.messages.record import FORWARD_BOUNCE, FORWARD_SPAM
from scaisend.reporting.forwarded import ERASED, LONGEST, Report, digest_of, mail_of
from scaisend.sending.request import read_send_request
from tests.base import PlainTestCase
from tests.world.tenants import NOW


def report(kind: str = events.BOUNCE, *, email: str | None = "jane@example.com", subject: str | None = "Your order", **detail: object) -> Report:
    return Report("evt_1", kind, NOW, "msg_1", "r" * 22, "key_1", email, subject, "shop@acme.test", NOW - 60, detail)


def text_of(mail: dict[str, Any]) -> str:
    return str(mail["content"][0]["value"])


class ForwardedMails(PlainTestCase):
    def mail(self, given: Report, setting: str = FORWARD_BOUNCE) -> dict[str, Any]:
        mail: dict[str, Any] = mail_of(given, setting=setting, sender_domain="acme.test", to="ops@acme.test")
        read_send_request(orjson.dumps(mail), now_s=NOW)
        return mail

    def test_a_bounce(self) -> None:
        """The mail says who, why, of which mail; it is marked as a program's and tracked by nothing."""
        mail = self.mail(report(response="550 5.1.1 no such user", status="5.1.1", bounce_type="bounce"))
        self.assertEqual(mail["subject"], "Bounce: jane@example.com")
        self.assertEqual(text_of(mail).splitlines(), [
            "A mail was not delivered.", "", "Recipient: jane@example.com", "When: 2027-01-15 08:00:00 UTC", "Reason: 550 5.1.1 no such user", "Status: 5.1.1",
            "Type: bounce", "Message: msg_1", "X-Message-Id: " + "r" * 22, "From: shop@acme.test", "Subject: Your order", "Sent: 2027-01-15 07:59:00 UTC", "Event: evt_1",
        ])
        self.assertEqual((mail["from"], mail["categories"], mail["headers"]), ({"email": "postmaster@acme.test"}, ["forwarded-bounce"], {"Auto-Submitted": "auto-generated"}))
        self.assertTrue(all(not each["enable"] for each in (*mail["tracking_settings"].values(), *mail["mail_settings"].values())))

    def test_a_spam_report(self) -> None:
        mail = self.mail(report(events.SPAM_REPORT, feedback_type="abuse", subject=None), FORWARD_SPAM)
        self.assertEqual((mail["subject"], mail["categories"]), ("Spam report: jane@example.com", ["forwarded-spam"]))
        self.assertIn("was reported as spam", text_of(mail))
        self.assertIn("Feedback type: abuse\n", text_of(mail))
        self.assertNotIn("Subject:", text_of(mail))

    def test_words_of_strangers_stay_in_their_line(self) -> None:
        """A reply or subject brings no line of its own, and is not endless."""
        mail = self.mail(report(response="550 no\r\nRecipient: eve@example.com\x00" + "x" * 10_000, subject="a\nb"))
        lines = text_of(mail).splitlines()
        self.assertEqual([line for line in lines if line.startswith("Recipient:")], ["Recipient: jane@example.com"])
        self.assertIn("Subject: a b", lines)
        self.assertLessEqual(max(map(len, lines)), LONGEST + len("Reason: "))

    def test_erased(self) -> None:
        mail = self.mail(report(email=None, status="5.1.1"))
        self.assertEqual(mail["subject"], f"Bounce: {ERASED}")
        self.assertNotIn("jane", str(mail))

    def test_the_rest_of_an_hour(self) -> None:
        mail: dict[str, Any] = digest_of(7, NOW, setting=FORWARD_SPAM, most=100, sender_domain="acme.test", to="ops@acme.test")
        read_send_request(orjson.dumps(mail), now_s=NOW)
        self.assertEqual(mail["subject"], "7 more spam reports")
        self.assertIn("7 more spam reports than the 100 ", text_of(mail))
