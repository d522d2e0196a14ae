"""Orders of an operator, given on the command line, hold in every process that delivers; bulk jobs go on over a worker's death."""

import json
import time

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import call, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.program import run_command, wait_until
from tests.world.redis_server import redis_server

FOLLOWED_S = 8.0


class OperatorTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink, self.other = CountingSink(), CountingSink()
        for each in (self.sink, self.other):
            self.addCleanup(each.close)
        self.house = Installation(self.sink.port, mariadb=private_mariadb(), redis=redis_server())
        self.addCleanup(self.house.close)
        self.house.start("api", "api", "worker")
        self.house.start("first", "smtp")
        self.house.start("second", "smtp")

    def send(self, prefix: str, requests: int, domain: str) -> int:
        promises = send(self.house.url("api"), self.house.api_key, make_requests(prefix, requests, sender=self.house.sender, domain=domain))
        return sum(len(each.recipients) for each in promises.accepted)

    def waiting(self, why: str) -> int:
        return int(self.house.ask(f"SELECT COUNT(*) FROM recipients WHERE waiting = '{why}' AND status IN ('queued', 'deferred')")[0][0])

    def settled(self, count: int) -> None:
        wait_until(lambda: self.house.states()["delivered"] >= count, 60.0, lambda: f"{self.house.states()} {self.house.open_rows()} {self.house.logs()}", 0.1)

    def test_pause_reroute_and_bulk(self) -> None:
        """Paused mail waits and says why, goes on at once, and by another host; queued mail is failed by filter, and had back."""
        self.house.command("destinations", "pause", "slow.test", "--reason", "they asked us to")
        time.sleep(FOLLOWED_S)
        paused = self.send("p", 20, "slow.test")
        free = self.send("f", 10, "quick.test")
        self.settled(free)
        wait_until(lambda: self.waiting("destination_paused") == paused, 30.0, lambda: str(self.house.states()), 0.1)
        self.assertEqual(sum(1 for each in self.sink.copies if each.endswith("slow.test")), 0)
        told = self.house.command("explain", "p-0-0-0@slow.test")
        self.assertIn("destination slow.test: paused; an operator paused it", told)
        self.assertIn("they asked us to", told)
        ((message_id,), *_) = self.house.ask("SELECT message_id FROM recipients WHERE email = 'p-0-0-0@slow.test'")
        status, body = call(self.house.url("api"), "GET", f"/v3/messages/{message_id}/explain", self.house.api_key)
        tenants = json.loads(body)["recipients"][0]["destination"]
        operators = self.house.command_json("explain", message_id)[0]["recipients"][0]["destination"]
        self.assertEqual((status, {name: operators[name] for name in tenants if name != "cure"}), (200, {name: tenants[name] for name in tenants if name != "cure"}))
        self.assertNotIn(b"they asked us to", body)
        listed = {each["name"]: each for each in self.house.command_json("destinations", "list", "--json")}
        self.assertEqual((listed["slow.test"]["state"], listed["slow.test"]["order"]["reason"]), ("paused", "they asked us to"))

        counted = self.house.command_json("bulk", "preview", "--to-domain", "slow.test", "--json")
        self.assertEqual((counted["count"], counted["complete"]), (paused, True))
        job = self.house.command_json("bulk", "fail", "--to-domain", "slow.test", "--reason", "wrong prices", "--json")
        wait_until(lambda: self.house.command_json("bulk", "show", job["id"], "--json")["status"] == "waiting", 30.0, lambda: self.house.logs(), 0.2)
        self.assertEqual(self.waiting("held"), paused)
        undone = self.house.command_json("bulk", "undo", job["id"], "--watch", "--json")
        self.assertEqual((undone["status"], undone["done"], self.waiting("destination_paused")), ("undone", paused, paused))

        self.house.command("destinations", "reroute", "slow.test", f"127.0.0.1:{self.other.port}", "--reason", "their MX burns")
        self.house.command("destinations", "resume", "slow.test")
        self.settled(free + paused)
        self.assertEqual((len(self.other.copies), max(self.other.copies.values())), (paused, 1))
        self.house.command("destinations", "reroute", "slow.test", "--off")
        time.sleep(FOLLOWED_S)
        again = self.send("q", 2, "slow.test")
        self.settled(free + paused + again)
        self.assertEqual(sum(1 for each in self.sink.copies if each.startswith("q-")), again)
        status, body = call(self.house.url("api"), "GET", "/api/admin/destinations", self.house.api_key)
        self.assertEqual((status, any("127.0.0.1" in each["name"] for each in json.loads(body)["data"])), (200, True))
        self.assertEqual(run_command(["destinations", "resume", "slow.test"], environment=self.house.command_environment, folder=self.house.folder)[0], 1)
        self.house.audit()

    def test_a_worker_dies_in_the_middle_of_a_job(self) -> None:
        """Another takes it up: each recipient ends once, and none is forgotten."""
        self.house.command("destinations", "pause", "slow.test")
        time.sleep(FOLLOWED_S)
        count = self.send("k", 300, "slow.test")
        wait_until(lambda: self.waiting("destination_paused") == count, 60.0, lambda: str(self.house.states()), 0.1)
        job = self.house.command_json("bulk", "fail", "--to-domain", "slow.test", "--reason", "wrong prices", "--undo-s", "0", "--json")
        wait_until(lambda: self.house.states()["failed"] > 0, 30.0, lambda: self.house.logs(), 0.01)
        self.house.kill(["api"])
        self.house.start("worker", "worker")
        wait_until(lambda: self.house.states()["failed"] == count, 60.0, lambda: f"{self.house.states()}", 0.1)
        done = self.house.command_json("bulk", "show", job["id"], "--watch", "--json")
        self.assertEqual((done["status"], done["gathered"], done["done"]), ("done", count, count))
        events = int(self.house.ask("SELECT COUNT(*) FROM events WHERE type = 'failed'")[0][0])
        self.assertEqual(events, count)
        self.house.audit()

    def test_a_worker_dies_in_the_middle_of_a_reroute(self) -> None:
        """Queued mail of a filter goes by another host once its job is over: each once, though a worker and a sender die on the way."""
        self.sink.close()
        kept, count = self.send("k", 10, "kept.test"), self.send("r", 150, "moved.test")
        wait_until(lambda: self.house.states()["deferred"] + self.house.states()["queued"] == kept + count, 60.0, lambda: str(self.house.states()), 0.1)
        counted = self.house.command_json("bulk", "preview", "--to-domain", "moved.test", "--json")
        self.assertEqual((counted["complete"], 0 < counted["count"] <= count), (True, True))
        route = f"127.0.0.1:{self.other.port}"
        self.house.command("destinations", "reroute", "moved.test", "127.0.0.1:9", "--reason", "a worse idea")
        moved = 0
        for turn in range(10):  # what was in a sender's hands when a job passed is the next one's
            job = self.house.command_json("bulk", "reroute", route, "--to-domain", "moved.test", "--reason", "their MX burns", "--undo-s", "0", "--json")
            if turn == 0:
                wait_until(lambda: self.led(route) > 0, 30.0, lambda: self.house.logs(), 0.01)
                self.house.kill(["api", "first"])
                self.house.start("api", "api", "worker")
                self.house.start("first", "smtp")
            done = self.house.command_json("bulk", "show", job["id"], "--watch", "--json")
            self.assertEqual((done["status"], done["route"], done["done"]), ("done", route, done["gathered"]))
            moved = self.led(route)
            if moved == count:
                break
        self.assertEqual(moved, count)
        self.settled(count)
        self.assertEqual((len(self.other.copies), max(self.other.copies.values())), (count, 1))
        self.assertEqual(self.led(route) - count, 0)
        told = self.house.command("explain", "r-0-0-0@moved.test")
        self.assertIn(f"goes to {route}", told)
        self.assertNotIn("goes to", self.house.command("explain", "k-0-0-0@kept.test"))
        self.assertEqual(self.house.states()["delivered"], count)
        self.house.audit()

    def led(self, route: str) -> int:
        """How many recipients have the route."""
        return int(self.house.ask(f"SELECT COUNT(*) FROM recipients WHERE route = '{route}'")[0][0])

    def test_a_warming_address(self) -> None:
        """It sends what its plan gives over both processes, not one mail more, and the warm address the rest."""
        self.house.stop("first", "second")
        sources = {"SMTP_SOURCE_IPS": "127.0.0.1=warm.test,127.0.0.2=cold.test"}
        self.house.command_environment |= sources
        (plan,) = self.house.command_json("destinations", "warmup", "127.0.0.2", "--ceilings", "200,400", "--json")
        self.assertEqual((plan["ceiling"], plan["left_this_hour"]), (200, 20))
        for name in ("first", "second"):
            self.house.start(name, "smtp", **sources)
        count = self.send("w", 60, "warm-up.test")
        self.settled(count)
        by_source: dict[str, int] = {}
        for (detail,) in self.house.ask("SELECT detail FROM events WHERE type = 'delivered'"):
            source = json.loads(detail)["source"]
            by_source[source] = by_source.get(source, 0) + 1
        print(f"\n    {by_source}")
        self.assertEqual(sum(by_source.values()), count)
        self.assertTrue(0 < by_source["127.0.0.2"] <= 20, by_source)
        taken = int(self.house.ask("SELECT SUM(taken) FROM warmup_hours")[0][0])
        self.assertTrue(by_source["127.0.0.2"] <= taken <= 40, taken)  # at most two hours' tenths
        self.assertEqual(run_command(["destinations", "warmup", "192.0.2.9"], environment=self.house.command_environment, folder=self.house.folder)[0], 1)
