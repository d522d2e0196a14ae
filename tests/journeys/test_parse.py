"""Inbound parse through the dev installation: a mail handed to its listener is posted to the tenant's URL, over a kill too."""

import json
import re
import smtplib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.base import PlainTestCase
from tests.submission.mails import octets, rich_mail
from tests.world.installation import DevInstallation
from tests.world.load import call
from tests.world.program import wait_until

HOST = "in.dev.scaisend.test"


class ParseJourney(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}/parse"
        self.house = DevInstallation()
        self.addCleanup(self.house.close)

    def test_a_mail_is_posted_over_a_kill(self) -> None:
        """The process dies behind the 250; the next one posts the mail, with its files and envelope, and nothing of it is left."""
        self.house.start("inbound.after_commit")
        setting = {"hostname": HOST, "url": self.url, "spam_check": False, "send_raw": False}
        status, body = call(self.house.api_url, "POST", "/v3/user/webhooks/parse/settings", self.house.api_key, setting)
        self.assertEqual(status, 201, body)
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            # The null sender and an address as name: nothing is looked up in DNS.
            smtplib.SMTP("127.0.0.1", self.house.ready["inbound_smtp_port"], "[127.0.0.1]", timeout=30).sendmail("", [f"any@{HOST}"], octets(rich_mail()))
        assert self.house.program is not None
        self.assertTrue(self.house.program.wait_dead(30))
        self.house.start()
        wait_until(lambda: bool(self.bodies), 30, lambda: self.house.logs(), 0.05)
        wait_until(lambda: self.house.ask("SELECT id FROM inbound_mails") == [], 30, lambda: self.house.logs(), 0.05)
        (posted,) = self.bodies
        found = re.search(rb'name="envelope"\r\n\r\n(.*?)\r\n', posted)
        assert found is not None
        self.assertEqual(json.loads(found[1]), {"to": [f"any@{HOST}"], "from": ""})
        self.assertIn(b'name="attachment2"; filename="Rechnung', posted)
        self.assertIn(b'name="SPF"\r\n\r\nnone\r\n', posted)
