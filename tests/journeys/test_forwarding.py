"""Bounces and spam reports mailed to the tenant, by real processes: once, whenever the process dies."""

import smtplib

from tests.base import PlainTestCase
from tests.inbound.reports import arf, dsn
from tests.world.counting_sink import CountingSink
from tests.world.installation import DevInstallation, Installation
from tests.world.load import call
from tests.world.program import wait_until

OPS = "ops@r.test"


class ForwardingTests(PlainTestCase):
    def test_a_bounce_is_mailed_once(self) -> None:
        """The process is killed between the commit of the mail and the note that it was written, and started again: one signed mail that says what happened."""
        sink = CountingSink(keeps_content=True)
        self.addCleanup(sink.close)
        house = Installation(sink.port)
        self.addCleanup(house.close)
        died = house.start("all", fault="forwards.accepted")
        status, answer = call(house.url("all"), "PATCH", "/v3/mail_settings/forward_bounce", house.api_key, {"enabled": True, "email": OPS})
        self.assertEqual(status, 200, answer)
        status, answer = call(house.url("all"), "POST", "/v3/mail/send", house.api_key, {
            "personalizations": [{"to": [{"email": "refuse@r.test"}]}], "from": {"email": house.sender}, "subject": "Your order",
            "content": [{"type": "text/plain", "value": "hello"}],
        })
        self.assertEqual(status, 202, answer)
        wait_until(lambda: not died.alive, 60, house.logs)
        self.assertEqual(house.ask("SELECT COUNT(*) FROM forwards WHERE due_at IS NOT NULL"), [(1,)])
        house.start("all")
        wait_until(lambda: house.ask("SELECT COUNT(*) FROM forwards WHERE due_at IS NOT NULL") == [(0,)], 60, house.logs)
        wait_until(lambda: sink.copies[OPS] > 0, 60, house.logs)
        house.settled()
        self.assertEqual((dict(sink.copies), house.states()), ({OPS: 1}, {"bounced": 1, "delivered": 1}))
        content = sink.taken[0].content.decode()
        for line in (
            "From: postmaster@sender.test\r\n", "Subject: Bounce: refuse@r.test\r\n", "Auto-Submitted: auto-generated\r\n", "Recipient: refuse@r.test\r\n",
            "Reason: 550 5.1.1 no such user\r\n", "Subject: Your order\r\n",
        ):
            self.assertIn(line, content)
        self.assertIn("d=sender.test", content)
        self.assertNotIn("List-Unsubscribe", content)
        house.audit()
        self.assertEqual(house.alarms(), [])

    def test_reports_that_come_by_mail(self) -> None:
        """A delivery report and a complaint come back through the inbound listener; each is mailed to the address of its setting."""
        house = DevInstallation()
        self.addCleanup(house.close)
        house.start()
        for setting in ("bounce", "spam"):
            status, answer = call(house.api_url, "PATCH", f"/v3/mail_settings/forward_{setting}", house.api_key, {"enabled": True, "email": f"{setting}@r.test"})
            self.assertEqual(status, 200, answer)
        status, answer = call(house.api_url, "POST", "/v3/mail/send", house.api_key, {
            "personalizations": [{"to": [{"email": each}]} for each in ("gone@r.test", "angry@r.test")], "from": {"email": house.sender},
            "subject": "Your order", "content": [{"type": "text/plain", "value": "hello"}],
        })
        self.assertEqual(status, 202, answer)
        wait_until(lambda: len(house.inbox()) == 2, 30, house.logs)
        paths = {mail["rcpt_to"][0]: mail["mail_from"] for mail in house.inbox()}
        reports = (
            (dsn("gone@r.test"), paths["gone@r.test"]),
            (arf("angry@r.test", original_mail_from=paths["angry@r.test"]), f"fbl@{paths['angry@r.test'].partition('@')[2]}"),
        )
        for content, rcpt_to in reports:
            with smtplib.SMTP("127.0.0.1", house.ready["inbound_smtp_port"], timeout=20) as peer:
                peer.sendmail("", [rcpt_to], content)
        wait_until(lambda: len(house.inbox()) == 4, 60, house.logs)
        house.settled()
        told = {mail["rcpt_to"][0]: house.raw(mail["id"]).decode() for mail in house.inbox()}
        self.assertIn("Subject: Bounce: gone@r.test\r\n", told["bounce@r.test"])
        self.assertIn("Subject: Spam report: angry@r.test\r\n", told["spam@r.test"])
        self.assertIn("Feedback type: abuse\r\n", told["spam@r.test"])
        self.assertEqual(house.alarms(), [])
