"""The official Node client, unchanged but for the host."""

import json
import shutil
import subprocess
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from unittest import SkipTest

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation

SCRIPT = Path(__file__).parents[1] / "node" / "send.js"


class NodeClientTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        if shutil.which("node") is None or not (SCRIPT.parent / "node_modules" / "@sendgrid" / "mail").is_dir():
            raise SkipTest("NOT TESTED: node or @sendgrid/mail is not installed (make node)")
        self.house = DevInstallation()
        self.addCleanup(self.house.close)
        self.house.start()

    def send(self, key: str, to: str) -> Any:
        done = subprocess.run(
            ["node", str(SCRIPT), self.house.api_url, key, self.house.sender, to], capture_output=True, text=True, timeout=60, check=True
        )
        return json.loads(done.stdout)

    def test_sends_and_is_refused_like_sendgrid(self) -> None:
        """@sendgrid/mail gets 202 with an X-Message-Id, the mail arrives whole, and a bad key raises its usual error."""
        answer = self.send(self.house.api_key, "node@recipients.test")
        self.assertEqual(answer["status"], 202)
        self.assertRegex(answer["id"], r"^[A-Za-z0-9_-]{22}$")
        self.house.settled()
        (listed,) = self.house.inbox()
        mail = message_from_bytes(self.house.raw(listed["id"]), policy=default)
        self.assertEqual(mail["Subject"], "Sending with ScaiSend is fun – ünïcode")
        self.assertEqual([part.get_content_type() for part in mail.walk() if not part.is_multipart()], ["text/plain", "text/html", "text/plain"])
        (attached,) = mail.iter_attachments()
        self.assertEqual((attached.get_filename(), attached.get_content()), ("a.txt", "attached bytes"))
        refused = self.send("sg_live_" + "0" * 32, "node@recipients.test")
        self.assertEqual(refused["status"], 401)
        self.assertIn("errors", refused["body"])
