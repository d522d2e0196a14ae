"""A receiver of events beside a whole installation."""

import hashlib
import hmac
import json
import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

from sendgrid.helpers.eventwebhook import EventWebhook

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation
from tests.world.program import wait_until


class Receiver:
    """Answers 200 to every POST and keeps it."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Kept(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Kept)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, path: str) -> list[dict[str, Any]]:
        return [each for posted, _, body in list(self.posts) if posted == path for each in json.loads(body)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class WebhookJourney(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.receiver, self.house = Receiver(), DevInstallation()
        self.addCleanup(self.receiver.close)
        self.addCleanup(self.house.close)
        self.house.start()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        request = Request(
            self.house.api_url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.house.api_key}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None

    def test_a_mail_is_told_of(self) -> None:
        """A mail's events arrive in both forms, signed so that the official class and a bare HMAC verify them, and add up in the statistics."""
        self.ask("PATCH", "/v3/user/webhooks/event/settings", {"enabled": True, "url": f"{self.receiver.url}/sendgrid", "processed": True, "delivered": True})
        public = self.ask("PATCH", "/v3/user/webhooks/event/settings/signed", {"enabled": True})["public_key"]
        made = self.ask("POST", "/v3/user/webhooks", {"url": f"{self.receiver.url}/own", "events": ["delivered"]})
        self.ask("POST", "/v3/mail/send", {
            "personalizations": [{"to": [{"email": "ann@recipients.test"}], "custom_args": {"order": "7"}}], "from": {"email": self.house.sender},
            "subject": "Hello", "content": [{"type": "text/plain", "value": "Hi"}], "categories": ["welcome"],
        })
        wait_until(lambda: len(self.receiver.events("/sendgrid")) >= 2 and bool(self.receiver.events("/own")), 30.0, lambda: str(self.receiver.posts))
        told = {each["event"]: each for each in self.receiver.events("/sendgrid")}
        self.assertEqual((set(told), told["delivered"]["order"], told["delivered"]["category"]), ({"processed", "delivered"}, "7", ["welcome"]))
        for path, headers, body in self.receiver.posts:
            if path == "/sendgrid":
                signature, at = headers["x-twilio-email-event-webhook-signature"], headers["x-twilio-email-event-webhook-timestamp"]
                self.assertTrue(EventWebhook(public).verify_signature(body.decode(), signature, at))
            else:
                parts = dict(part.split("=", 1) for part in headers["x-scaisend-signature"].split(","))
                digest = hmac.new(made["signing_secret"].encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
                self.assertEqual(parts["v1"], digest)
        (own,) = self.receiver.events("/own")
        self.assertEqual((own["event_id"], own["recipient_email"]), (told["delivered"]["sg_event_id"], "ann@recipients.test"))
        path = f"/v3/user/webhooks/{made['id']}/deliveries"
        wait_until(lambda: self.ask("GET", path)["deliveries"][0]["status"] == "delivered", 10.0, lambda: str(self.ask("GET", path)))
        self.assertEqual(self.ask("POST", "/v3/user/webhooks/event/test", {"url": f"{self.receiver.url}/test"}), None)
        self.assertGreater(len(self.receiver.events("/test")), 10)
        today = self.ask("GET", f"/v3/stats?start_date={time.strftime('%Y-%m-%d', time.gmtime(time.time() - 60))}")
        self.assertEqual([sum(each["stats"][0]["metrics"][name] for each in today) for name in ("requests", "processed", "delivered")], [1, 1, 1])
        self.assertEqual(self.ask("GET", "/v3/categories"), [{"category": "welcome"}])
        wait_until(lambda: len(self.ask("GET", "/v3/events")["events"]) == 2, 30.0, lambda: str(self.ask("GET", "/v3/events")))
        wait_until(lambda: self.house.ask("SELECT COUNT(*) FROM statistics_sums")[0][0] > 0, 30.0, lambda: "nothing was counted")
        self.assertEqual(self.ask("GET", "/v3/stats/summary")["metrics"]["delivered"], 1)

    def test_killed_on_the_way(self) -> None:
        """Killed with events in the outbox, claimed, posted, recorded and counted: each event arrives, under one id, and is counted once."""
        self.ask("POST", "/v3/user/webhooks", {"url": f"{self.receiver.url}/own", "events": ["processed", "delivered"]})
        self.house.stop()
        for fault in ("webhooks.fanned_out", "webhooks.claimed", "webhooks.posted:2", "webhooks.settled", "statistics.counted:3"):
            program = self.house.start(fault, waits=False)
            if self.house.wait_ready():
                for _ in range(3):
                    self.send_until_it_dies()
            wait_until(lambda program=program: not program.alive, 30.0, lambda fault=fault: f"{fault} was not reached: {self.house.logs()}")  # type: ignore[misc]
            self.end_leases()
        self.house.start()
        self.house.settled()
        expected = {row[0] for row in self.house.ask("SELECT id FROM events WHERE type IN ('processed', 'delivered')")}
        self.assertGreater(len(expected), 10)
        wait_until(lambda: {each["event_id"] for each in self.receiver.events("/own")} == expected, 60.0, lambda: f"{len(expected)} expected: {self.house.logs()}")
        told = {each["event_id"]: each for each in self.receiver.events("/own")}
        self.assertEqual({(each["message_id"], each["event_type"]) for each in told.values()}, set(self.house.ask("SELECT message_id, type FROM events WHERE type IN ('processed', 'delivered')")))
        counts = dict(self.house.ask("SELECT type, COUNT(*) FROM events GROUP BY type"))
        wait_until(
            lambda: self.house.ask("SELECT SUM(delivered) FROM statistics_sums WHERE span = 'month' AND kind = 'all'")[0][0] == counts["delivered"],
            60.0, lambda: f"{counts} and {self.house.ask('SELECT * FROM statistics_sums')}",
        )
        metrics = self.ask("GET", "/v3/stats/sum")["stats"][0]["metrics"]
        self.assertEqual((metrics["processed"], metrics["delivered"]), (counts["processed"], counts["delivered"]))

    def send_until_it_dies(self) -> None:
        """A mail was sent, or the process died over it."""
        try:
            self.ask("POST", "/v3/mail/send", {
                "personalizations": [{"to": [{"email": "ann@recipients.test"}]}], "from": {"email": self.house.sender}, "subject": "Hello",
                "content": [{"type": "text/plain", "value": "Hi"}],
            })
        except OSError:
            return

    def end_leases(self) -> None:
        """What the dead process had claimed is due, as it would be two minutes later."""
        with closing(sqlite3.connect(self.house.folder / "data" / "scaisend.db", timeout=30)) as connection, connection:
            connection.execute("UPDATE webhook_deliveries SET due_at = 1 WHERE attempt_id IS NOT NULL")
