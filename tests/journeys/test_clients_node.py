"""The official Node client, unchanged but for the host."""

from email import message_from_bytes
from email.policy import default

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation
from tests.world.node_client import node_send


class NodeClientTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.house = DevInstallation()
        self.addCleanup(self.house.close)

    def test_sends_and_is_refused_like_sendgrid(self) -> None:
        """@sendgrid/mail gets 202 with an X-Message-Id, the mail arrives whole, and a bad key raises its usual error."""
        self.house.start()
        answer = node_send(self.house.api_url, self.house.api_key, self.house.sender, "node@recipients.test")
        self.assertEqual(answer["status"], 202)
        self.assertRegex(answer["id"], r"^[A-Za-z0-9_-]{22}$")
        self.house.settled()
        (listed,) = self.house.inbox()
        mail = message_from_bytes(self.house.raw(listed["id"]), policy=default)
        self.assertEqual(mail["Subject"], "Sending with ScaiSend is fun – ünïcode")
        self.assertEqual([part.get_content_type() for part in mail.walk() if not part.is_multipart()], ["text/plain", "text/html", "text/plain"])
        (attached,) = mail.iter_attachments()
        self.assertEqual((attached.get_filename(), attached.get_content()), ("a.txt", "attached bytes"))
        refused = node_send(self.house.api_url, "sg_live_" + "0" * 32, self.house.sender, "node@recipients.test")
        self.assertEqual(refused["status"], 401)
        self.assertIn("errors", refused["body"])
