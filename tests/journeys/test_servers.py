"""Several processes on MariaDB, with Redis and without: the roads that mail takes between them."""

import base64
import json
import threading

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Promises, Request, call, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.node_client import node_send
from tests.world.program import wait_until
from tests.world.reckoning import Reckoning, reckon
from tests.world.redis_server import RedisServer, redis_server

STOP_LIMIT_S = 25.0


class ServersCase(PlainTestCase):
    def build(self, redis: RedisServer | None, *, keeps_content: bool = False) -> None:
        self.sink = CountingSink(keeps_content=keeps_content)
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port, mariadb=private_mariadb(), redis=redis)
        self.addCleanup(self.house.close)

    def reckoned(self, promises: Promises) -> Reckoning:
        """Settled, counted, with nothing wrong, and no error in any output."""
        self.house.settled()
        found = reckon(promises, self.house.recipients(), self.sink.copies)
        self.assertEqual(list(found.wrong[:10]), [], self.house.logs())
        self.assertEqual(self.house.alarms(), [])
        self.house.audit()
        return found


class ThreeRolesTests(ServersCase):
    def test_every_kind_of_answer(self) -> None:
        """Two APIs, a worker and a sender on MariaDB and Redis: taken, refused, put off, and cut off behind the dot, each ends as it should."""
        self.build(redis_server(), keeps_content=True)
        for name, roles in {"api": ("api",), "api2": ("api",), "worker": ("worker",), "smtp": ("smtp",)}.items():
            self.house.start(name, *roles)
        urls = [self.house.url("api"), self.house.url("api2")]
        requests = [each for kind in ("plain", "refuse", "full", "later", "drop") for each in make_requests(kind, 8, sender=self.house.sender)]
        promises = send(urls, self.house.api_key, [*requests, self._with_attachment()])
        self.assertEqual((len(promises.accepted), promises.refused), (41, []))
        found = self.reckoned(promises)
        self.assertEqual((found.copies, found.resent), (0, sum(len(each.recipients) for each in promises.accepted if each.recipients[0].startswith("drop"))))
        self.assertEqual({row.status for row in self.house.recipients() if row.email.startswith("refuse")}, {"bounced"})
        self.assertTrue(all(row.attempts >= 2 for row in self.house.recipients() if row.email.startswith("later")))
        self.assertTrue(all(each.message_id for each in self.sink.taken))
        (large,) = [each for each in self.sink.taken if each.recipient.startswith("large")]
        self.assertIn(base64.b64encode(b"attached ")[:12], large.content)
        self.assertGreater(len(large.content), 700_000)
        self.assertTrue(all(b"DKIM-Signature:" in each.content for each in self.sink.taken))

    def _with_attachment(self) -> Request:
        body = json.loads(make_requests("large", 1, sender=self.house.sender)[0].body)
        body["attachments"] = [{"filename": "large.txt", "content": base64.b64encode(b"attached " * 60_000).decode()}]
        return Request(json.dumps(body).encode(), tuple(to["email"] for each in body["personalizations"] for to in each["to"]))

    def test_without_redis(self) -> None:
        """Three roles on MariaDB alone find their work in the database."""
        self.build(None)
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        promises = send(self.house.url("api"), self.house.api_key, make_requests("alone", 60, sender=self.house.sender))
        self.assertEqual(len(promises.accepted), 60)
        self.assertEqual(self.reckoned(promises).copies, 0)

    def test_official_clients(self) -> None:
        """The sendgrid package and @sendgrid/mail, unchanged but for the host, send through three processes."""
        self.build(redis_server(), keeps_content=True)
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        url, key = self.house.url("api"), self.house.api_key
        mail = Mail(self.house.sender, "python@recipients.test", "Grüße", "plain text", "<p>rich text</p>")
        self.assertEqual(SendGridAPIClient(key, host=url).send(mail).status_code, 202)
        self.assertEqual(node_send(url, key, self.house.sender, "node@recipients.test")["status"], 202)
        self.house.settled()
        self.assertEqual(self.sink.copies, {"python@recipients.test": 1, "node@recipients.test": 1})
        self.house.audit()

    def test_two_senders_share_the_work(self) -> None:
        """Two workers and two senders: each mail goes out once."""
        self.build(redis_server())
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        self.house.start("worker2", "worker")
        self.house.start("smtp2", "smtp")
        promises = send(self.house.url("api"), self.house.api_key, make_requests("pair", 150, sender=self.house.sender))
        self.assertEqual(self.reckoned(promises).copies, 0)


class StoppingTests(ServersCase):
    def test_each_process_stops_under_load(self) -> None:
        """SIGTERM to each process in turn while mail comes in: quick, no 202 is lost, nothing is left in doubt, no copy is made."""
        self.build(redis_server())
        self.sink.dot_delay_s = 0.02
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        for number, name in enumerate(("smtp", "worker", "api")):
            promises = self._stopped_under_load(number, name)
            self.house.start(name)
            self.promises.add(promises)
        found = self.reckoned(self.promises)
        self.assertEqual((found.copies, found.resent), (0, 0))

    promises: Promises

    def setUp(self) -> None:
        super().setUp()
        self.promises = Promises()

    def _stopped_under_load(self, number: int, name: str) -> Promises:
        results: list[Promises] = []
        requests = make_requests(f"s{number}", 120, sender=self.house.sender)
        load = threading.Thread(target=lambda: results.append(send(self.house.url("api"), self.house.api_key, requests)))
        accepted = len(self.house.ask("SELECT id FROM messages"))
        load.start()
        wait_until(lambda: self.house.ask("SELECT COUNT(*) FROM messages")[0][0] > accepted + 10, 30, lambda: "no mail came in", 0.01)
        took = self.house.stop(name)[name]
        load.join(120)
        self.assertLess(took, STOP_LIMIT_S, self.house.logs())
        self.assertEqual(self.house.programs[name].exit_code, 0)
        if name == "smtp":
            self.assertFalse({"sending", "in_doubt"} & set(self.house.states()), self.house.open_rows())
        (promises,) = results
        self.assertEqual(promises.refused, [])
        return promises


class KeyTests(ServersCase):
    def test_a_revoked_key_is_refused_by_every_process_at_once(self) -> None:
        """A key revoked at one API process is refused by the other on the very next request, sends included."""
        self.build(redis_server())
        for name in ("api", "api2"):
            self.house.start(name, "api")
        for round_number in range(3):
            status, body = call(self.house.url("api"), "POST", "/v3/api_keys", self.house.api_key, {"name": "short-lived", "scopes": ["mail.send"]})
            self.assertEqual(status, 201, body)
            made = json.loads(body)
            requests = make_requests(f"k{round_number}", 6, sender=self.house.sender)
            for name in ("api", "api2"):
                self.assertEqual(call(self.house.url(name), "POST", "/v3/mail/send", made["api_key"], requests.pop().body)[0], 202)
            status, body = call(self.house.url("api"), "DELETE", f"/v3/api_keys/{made['api_key_id']}", self.house.api_key)
            self.assertEqual(status, 204, body)
            for name in ("api2", "api"):
                self.assertEqual(call(self.house.url(name), "POST", "/v3/mail/send", made["api_key"], requests.pop().body)[0], 401)
