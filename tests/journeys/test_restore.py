"""An installation is lost and comes back from its backup: nothing that went out meanwhile goes out again by itself."""

import base64
import json
import shutil
import subprocess
import time

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import Promises, Request, make_requests, send
from tests.world.mariadb import private_mariadb
from tests.world.program import wait_until
from tests.world.redis_server import redis_server


class RestoreCase(PlainTestCase):
    house: Installation
    sink: CountingSink

    def send_slowly(self) -> Promises:
        """Mail, attachments among it, of which some has gone out and some has not."""
        self.sink.dot_delay_s = 0.05
        requests = make_requests("mail", 60, sender=self.house.sender)
        promises = send(self.house.url("api"), self.house.api_key, [*requests, *(_with_attachment(self.house.sender, n) for n in range(4))])
        self.assertEqual((len(promises.accepted), promises.refused), (64, []))
        wait_until(lambda: len(self.sink.taken) >= 10, 60, lambda: f"nothing goes out: {self.house.logs()}")
        return promises

    def everything_goes_out(self) -> None:
        self.sink.dot_delay_s = 0.0
        self.house.settled()
        self.house.kill(["api", *(name for name in self.house.programs if name != "api")])

    def stays_held(self, promises: Promises) -> None:
        """After the restore and the hold: the daemons run and send none of it again; new mail goes; each held one by its decision."""
        before = self.sink.copies
        self.assertEqual(set(before.values()), {1})
        held = self.house.command_json("queue", "hold", "--accepted-before", str(time.time()), "--json")["held"]
        self.assertGreater(held, 10)
        self.assertEqual(self.house.command_json("queue", "hold", "--accepted-before", str(time.time()), "--json"), {"held": 0})
        for name in self.roles:
            self.house.start(name, *self.roles[name])
        self.assertEqual(len(send(self.house.url("api"), self.house.api_key, make_requests("new", 10, sender=self.house.sender)).accepted), 10)
        wait_until(lambda: sum(self.sink.copies.values()) >= sum(before.values()) + 14, 60, lambda: f"new mail does not go: {self.house.logs()}")
        time.sleep(3)
        self.assertEqual({address: count for address, count in self.sink.copies.items() if not address.startswith("new")}, before)
        self.assertEqual(self.house.audit()["in_doubt"], held)
        why = {row["reason"]: row["count"] for row in self.house.command_json("queue", "why", "--json")}
        self.assertEqual(why, {"held": held})
        ((message_id,), *_) = self.house.ask("SELECT DISTINCT message_id FROM recipients WHERE status = 'in_doubt' ORDER BY message_id DESC LIMIT 1")
        released = self.house.command_json("queue", "release", message_id, "--json")["released"]
        self.assertGreater(released, 0)
        self.assertEqual(self.house.command_json("queue", "fail", "--held", "--json"), {"failed": held - released})
        self.house.settled()
        self.assertEqual(sum(count - 1 for count in self.sink.copies.values()), released)
        self.assertEqual(self.house.audit()["copies"], released)
        self.assertEqual({address for request in promises.accepted for address in request.recipients} - {row.email for row in self.house.recipients()}, set())

    roles: dict[str, tuple[str, ...]]


class ServerTests(RestoreCase):
    roles = {"api": ("api",), "worker": ("worker",), "smtp": ("smtp",)}

    def test_dump_and_objects(self) -> None:
        """mariadb-dump in the middle of load, then the objects; the rest goes out, everything is lost, Redis is wiped, and it is restored."""
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        server, redis = private_mariadb(), redis_server()
        self.house = Installation(self.sink.port, mariadb=server, redis=redis)
        self.addCleanup(self.house.close)
        for name in self.roles:
            self.house.start(name)
        promises = self.send_slowly()
        name = self.house.database_name
        dump = subprocess.run(
            ["mariadb-dump", "--no-defaults", "--single-transaction", "--quick", f"--socket={server.socket}", "--user=root", name],
            check=True, capture_output=True, timeout=60,
        ).stdout
        objects = self.house.folder / "data" / "objects"
        shutil.copytree(objects, self.house.folder / "kept-objects")
        self.everything_goes_out()
        shutil.rmtree(objects)
        redis.wipe()
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        subprocess.run(["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", name], input=dump, check=True, timeout=60)
        shutil.copytree(self.house.folder / "kept-objects", objects)
        self.stays_held(promises)


class EmbeddedTests(RestoreCase):
    roles = {"api": ("all",)}

    def test_backup_command(self) -> None:
        """`scaisend backup` of a running installation on SQLite, and its folder put back."""
        self.sink = CountingSink()
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port)
        self.addCleanup(self.house.close)
        self.house.start("api", "all")
        promises = self.send_slowly()
        kept = self.house.folder / "kept"
        made = self.house.command_json("backup", str(kept), "--json")
        self.assertGreater(made["new_objects"], 0)
        self.everything_goes_out()
        data = self.house.folder / "data"
        shutil.rmtree(data)
        shutil.copytree(kept, data)
        self.stays_held(promises)


def _with_attachment(sender: str, number: int) -> Request:
    body = json.loads(make_requests(f"large{number}", 1, sender=sender)[0].body)
    body["attachments"] = [{"filename": "large.txt", "content": base64.b64encode(b"attached %d " % number * 60_000).decode()}]
    return Request(json.dumps(body).encode(), tuple(to["email"] for each in body["personalizations"] for to in each["to"]))
