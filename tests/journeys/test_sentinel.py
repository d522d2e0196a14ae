"""Redis Sentinel: the master dies under load, the replica takes its place, and nobody notices but the clock."""

import json
import shutil
import tempfile
import time

from tests.journeys.test_outages import OutagesCase
from tests.world.authority import Authority
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import call, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.sentinel import SentinelService

RECOVERED_S = 45.0  # 5 s on a machine left alone


class FailOverTests(OutagesCase):
    def test_the_master_is_killed_under_load(self) -> None:
        """Mail is accepted and delivered while there is no Redis, none is lost and none sent twice; then the new master serves every process."""
        self.fail_over(SentinelService(), requests=600)

    def test_the_master_is_killed_under_load_over_tls(self) -> None:
        """The same where sentinels and servers speak TLS alone, with certificates of an authority of the house's own."""
        authority, folder = Authority(), tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        authority.issue("127.0.0.1").write(folder)
        self.fail_over(SentinelService(tls=folder), f"?ssl_ca={authority.ca_file(self)}", requests=200)

    def fail_over(self, service: SentinelService, options: str = "", *, requests: int) -> None:
        """While so many requests are sent the master dies; every one was accepted and delivered once."""
        self.addCleanup(service.close)
        self.mariadb = private_mariadb()
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port, mariadb=self.mariadb, REDIS_URL=service.url + options)
        self.addCleanup(self.house.close)
        for name in ("api", "worker", "smtp"):
            self.house.start(name)
        self.assertEqual(self.redis_state(), "ok")
        figures: dict[str, float] = {}

        def happens() -> None:
            old = service.master_port()
            killed = time.monotonic()
            service.master.kill()
            self.assertEqual(self.answers()[0], 202)
            figures["promoted"] = self.seconds_until(lambda: service.master_port() != old, killed)
            figures["api again on Redis"] = self.seconds_until(lambda: self.redis_state() == "ok", killed)
            figures["all processes again on Redis"] = self.seconds_until(lambda: self.clients(service) >= 3, killed)

        promises = self.under_load(happens, requests=requests)
        self.assertEqual((len(promises.accepted), len(promises.unanswered)), (requests, 0))
        after = send(self.house.url("api"), self.house.api_key, make_requests("after", 100, sender=self.house.sender))
        self.assertEqual(len(after.accepted), 100)
        promises.add(after)
        figures["settled"] = self.house.settled()
        print(f"\n    seconds after the kill: { {name: round(value, 1) for name, value in figures.items()} }")
        copies = {address: number for address, number in self.sink.copies.items() if number != 1}
        self.assertEqual(copies, {}, self.house.logs())
        self.assertEqual(set(self.house.states()), {"delivered"}, self.house.logs())
        delivered = {row.email for row in self.house.recipients()}
        self.assertEqual({address for each in promises.accepted for address in each.recipients} - delivered, set())
        self.house.audit()
        self.assertGreater(service.replica.count("DBSIZE"), 0)

    def redis_state(self) -> str:
        status, body = call(self.house.url("api"), "GET", "/ready", self.house.api_key)[:2]
        self.assertEqual(status, 200)
        return str(json.loads(body)["checks"]["queue"])

    def clients(self, service: SentinelService) -> int:
        """How many processes hold a normal connection to the new master."""
        listed = service.replica.ask("CLIENT", "LIST", "TYPE", "normal").decode(errors="replace")
        return sum(f"laddr=127.0.0.1:{service.replica.port}" in line and "cmd=client" not in line for line in listed.splitlines())

    def seconds_until(self, is_so, since: float) -> float:  # type: ignore[no-untyped-def]  # a question without arguments
        while not is_so():
            self.assertLess(time.monotonic() - since, RECOVERED_S, self.house.logs())
            time.sleep(0.05)
        return time.monotonic() - since
