"""Servers that go away under load and come back: what was accepted arrives, once, without anybody's help."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Promises, Request, call, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.reckoning import Reckoning, reckon
from tests.world.redis_server import RedisServer, redis_server


class OutagesCase(PlainTestCase):
    def build(self, redis: RedisServer | None) -> None:
        self.mariadb = private_mariadb()
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port, mariadb=self.mariadb, redis=redis)
        self.addCleanup(self.house.close)
        for name in ("api", "worker", "smtp"):
            self.house.start(name)

    def under_load(self, happens: Callable[[], None], requests: int = 200) -> Promises:
        """What clients were told while it happened."""
        return self.under_load_of(make_requests("out", requests, sender=self.house.sender), happens)

    def under_load_of(self, mails: Sequence[Request], happens: Callable[[], None]) -> Promises:
        """As `under_load`, with these requests."""
        results: list[Promises] = []
        load = threading.Thread(target=lambda: results.append(send(self.house.url("api"), self.house.api_key, mails)))
        load.start()
        time.sleep(0.25)
        happens()
        load.join(300)
        self.assertFalse(load.is_alive())
        return results[0]

    def reckoned(self, promises: Promises) -> Reckoning:
        self.house.settled()
        found = reckon(promises, self.house.recipients(), self.sink.copies)
        print(f"\n    {dict(found.figures)}")
        self.assertEqual(list(found.wrong[:10]), [], self.house.logs())
        self.house.audit()
        return found

    def answers(self) -> tuple[int, int]:
        """Status of a send and of /ready right now."""
        (request,) = make_requests(f"now{time.monotonic_ns()}", 1, sender=self.house.sender)
        url = self.house.url("api")
        return call(url, "POST", "/v3/mail/send", self.house.api_key, request.body)[0], call(url, "GET", "/ready", self.house.api_key)[0]


class DatabaseAwayTests(OutagesCase):
    def test_the_database_stops_and_starts(self) -> None:
        """While the database is away sends get 503 and /ready says so; when it is back everything goes on by itself, once."""
        self.build(redis_server())
        during: list[tuple[int, int]] = []

        def happens() -> None:
            self.mariadb.stop()
            try:
                during.append(self.answers())
                time.sleep(1.0)
            finally:
                self.mariadb.start()

        promises = self.under_load(happens)
        self.assertEqual(during, [(503, 503)])
        promises.add(send(self.house.url("api"), self.house.api_key, make_requests("after", 20, sender=self.house.sender)))
        self.assertGreater(len(promises.accepted), 20)
        self.reckoned(promises)


class RedisAwayTests(OutagesCase):
    def test_redis_is_wiped(self) -> None:
        """FLUSHALL in the middle of the work: the queues are rebuilt from the database, and each mail goes out once."""
        redis = redis_server()
        self.build(redis)

        def happens() -> None:
            for _ in range(5):
                redis.wipe()
                time.sleep(0.1)

        promises = self.under_load(happens)
        self.assertEqual((len(promises.accepted), len(promises.unanswered)), (200, 0))
        self.assertEqual(self.reckoned(promises).copies, 0)

    def test_redis_is_killed_and_started(self) -> None:
        """Without Redis mail is accepted and delivered all the same; a new, empty Redis changes nothing."""
        redis = redis_server()
        self.build(redis)
        during: list[tuple[int, int]] = []

        def happens() -> None:
            redis.kill()
            during.append(self.answers())
            time.sleep(2.0)
            redis.start()

        promises = self.under_load(happens)
        self.assertEqual(during, [(202, 200)])
        self.assertEqual((len(promises.accepted), len(promises.unanswered)), (200, 0))
        self.house.settled()
        extra = {row.email: row for row in self.house.recipients() if row.email.startswith("now")}
        self.assertEqual({row.status for row in extra.values()}, {"delivered"})
        rest = [row for row in self.house.recipients() if row.email not in extra]
        found = reckon(promises, rest, self.sink.copies - Counter(dict.fromkeys(extra, 9)))
        self.assertEqual((list(found.wrong[:10]), found.copies), ([], 0), self.house.logs())


class DestinationAwayTests(OutagesCase):
    def test_the_mail_host_goes_away_and_comes_back(self) -> None:
        """Connections are cut and refused for some seconds: the destination is left alone, then everything arrives once."""
        self.build(redis_server())

        def happens() -> None:
            self.sink.shut()
            time.sleep(3.0)
            self.sink.open()

        promises = self.under_load(happens)
        self._retry_deferred()
        found = self.reckoned(promises)
        self.assertLessEqual(found.copies, found.resent)

    def _retry_deferred(self) -> None:
        """An operator asks for what was tried in vain to be tried now."""
        for (message_id,) in self.house.ask("SELECT DISTINCT message_id FROM recipients WHERE status = 'deferred'"):
            call(self.house.url("api"), "POST", f"/v3/messages/{message_id}/retry", self.house.api_key)
