"""An object store that goes away under load: what needs it is refused for the time, what was accepted arrives with its attachment."""

import json
from base64 import b64encode

from tests.journeys.test_outages import OutagesCase
from tests.storage.test_s3_objects import make_bucket
from tests.world import swift
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Request, call, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.program import wait_until
from tests.world.redis_server import redis_server


class ObjectsAwayTests(OutagesCase):
    def test_the_store_stops_and_starts(self) -> None:
        """Swift's door is closed under load: mails without attachments go on, those with one get 503; afterwards all that was promised is there, once."""
        if swift.why_not():
            self.skipTest(swift.why_not())
        store = swift.Swift()
        self.addCleanup(store.close)
        make_bucket(store, "mail")
        self.mariadb = private_mariadb()
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        self.house = Installation(
            self.sink.port, mariadb=self.mariadb, redis=redis_server(), S3_ENDPOINT_URL=store.url, S3_ACCESS_KEY=swift.ACCESS_KEY,
            S3_SECRET_KEY=swift.SECRET_KEY, S3_BUCKET="mail", S3_REGION=swift.REGION,
        )
        self.addCleanup(self.house.close)
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        during: list[int] = []

        def happens() -> None:
            wait_until(lambda: self.house.ask("SELECT COUNT(*) FROM messages")[0][0] > 4, 30.0, self.house.logs, 0.01)
            store.kill_proxy()
            for number, given in enumerate((self.plain(), self.attached("during", 1)[0])):
                during.append(call(self.house.url("api"), "POST", "/v3/mail/send", self.house.api_key, given.body)[0])
                self.assertEqual(len(during), number + 1)
            store.start_proxy()

        promises = self.under_load_of(self.attached("out", 150), happens)
        self.assertEqual(during, [202, 503])
        promises.add(send(self.house.url("api"), self.house.api_key, self.attached("after", 20)))
        self.assertGreater(len(promises.accepted), 20)
        self.house.settled()
        rows = {row.email: row.status for row in self.house.recipients()}
        promised = {address for each in promises.accepted for address in each.recipients}
        self.assertEqual({address: rows.get(address) for address in promised if rows.get(address) != "delivered"}, {}, self.house.logs())
        self.assertEqual({address: number for address, number in self.sink.copies.items() if number != 1}, {})
        print(f"\n    {len(promises.accepted)} accepted, {len(promises.unanswered)} told to come again")
        self.house.audit()

    def plain(self) -> Request:
        return make_requests("plain", 1, sender=self.house.sender)[0]

    def attached(self, prefix: str, count: int) -> list[Request]:
        """Requests with an attachment of their own each, too large for the memory of the pools."""
        made = []
        for number, each in enumerate(make_requests(prefix, count, sender=self.house.sender)):
            content = b64encode(f"{prefix} {number} ".encode() * 3_000).decode()
            body = json.loads(each.body) | {"attachments": [{"content": content, "filename": "a.txt", "type": "text/plain"}]}
            made.append(Request(json.dumps(body).encode(), each.recipients))
        return made
