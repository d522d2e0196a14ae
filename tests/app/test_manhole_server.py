"""The operator's shell, asked by the OpenSSH client."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import SkipTest

from scaisend.app.manhole_server import SHOWN_LENGTH, Shown, Tools, make_manhole
from scaisend.app.ops_api import Measures
from scaisend.faults import Invalid
from tests.base import PlainTestCase
from tests.world.ports import free_port
from tests.world.program import Program, bare_environment, wait_until

LIMIT_S = 60.0


class Refusals(PlainTestCase):
    def made(self, place: str, keys: str | None) -> None:
        adapters = SimpleNamespace(config={"MANHOLE_LISTEN": place, "MANHOLE_KEYS": keys, "DATA_DIR": self.mktemp()})
        make_manhole(adapters=adapters, tools=Tools(adapters=adapters, measures=Measures(), receivers=[]))

    def test_only_this_machine(self) -> None:
        """A shell that others could reach is refused, and so is one without keys."""
        for place in ("0.0.0.0:2222", "192.0.2.1:2222", "[::]:2222", "mx.example.org:2222"):
            self.assertRaises(Invalid, self.made, place, "keys")
        self.assertRaises(Invalid, self.made, "127.0.0.1:2222", None)
        for place in ("127.0.0.1:2222", "[::1]:2222", "localhost:2222", "unix:/tmp/a"):
            self.made(place, "keys")

    def test_the_host_key_stays(self) -> None:
        """The client is not asked anew after a restart, and nobody else reads the key."""
        folder = self.mktemp()
        config = {"MANHOLE_LISTEN": "unix:a", "MANHOLE_KEYS": "keys", "DATA_DIR": folder}
        adapters = SimpleNamespace(config=config)
        first, second = (make_manhole(adapters=adapters, tools=None).publicKeys for _ in range(2))  # type: ignore[arg-type]
        self.assertEqual(first, second)
        self.assertEqual(os.stat(Path(folder, "manhole_host_key")).st_mode & 0o777, 0o600)


class ShownTests(PlainTestCase):
    def test_a_long_answer_is_cut(self) -> None:
        """Its beginning is shown, and how much there is."""
        self.assertEqual(json.loads(repr(Shown({"a": "ü"}))), {"a": "ü"})
        shown = repr(Shown(["x" * 100] * 10_000))
        self.assertLess(len(shown), SHOWN_LENGTH + 100)
        self.assertTrue(shown.endswith("\n… of 1050002 characters; `_.value` holds all of it"), shown[-200:])


class OpenSsh(PlainTestCase):
    """One daemon with every role on SQLite, and a client whose key it knows."""

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("ssh") is None and os.environ.get("CI") != "true":
            raise SkipTest("ssh is NOT INSTALLED: nobody asked the shell")
        self.folder = Path(tempfile.mkdtemp(prefix="scaisend-manhole-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("known", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True, timeout=LIMIT_S)
        shutil.copy(self.folder / "known.pub", self.folder / "keys")
        self.port = free_port()
        environment = bare_environment(
            DATA_DIR=str(self.folder / "data"), SMTP_HELO_HOSTNAME="mx.example.org", INBOUND_SMTP_PORT="off", OPS_LISTEN="off",
            MANHOLE_LISTEN=f"127.0.0.1:{self.port}", MANHOLE_KEYS=str(self.folder / "keys"),
        )
        self.daemon = Program(["all", "--port", "0"], environment=environment, folder=self.folder, log=self.folder / "log")
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_started()

    def ssh(self, key: str, *options: str) -> list[str]:
        return [
            "ssh", "-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "LogLevel=ERROR", "-i", str(self.folder / key), "-p", str(self.port), *options, "operator@127.0.0.1",
        ]

    def typed(self, *lines: str, until: str) -> str:
        """What the session showed: the lines one after the other, ended when this text has come."""
        shown = self.folder / "shown"
        with open(shown, "wb") as output:
            session = subprocess.Popen(self.ssh("known", "-tt"), stdin=subprocess.PIPE, stdout=output, stderr=output)
        assert session.stdin is not None
        try:
            session.stdin.write("".join(f"{line}\r" for line in lines).encode())
            session.stdin.flush()
            wait_until(lambda: until in shown.read_text(errors="replace"), LIMIT_S, lambda: shown.read_text(errors="replace")[-3000:])
            session.stdin.write(b"exit()\r")
            session.stdin.flush()
            session.wait(LIMIT_S)
        finally:
            session.stdin.close()
            if session.poll() is None:
                session.kill()
                session.wait()
        return shown.read_text(errors="replace")

    def test_a_tool_that_waits_keeps_nobody(self) -> None:
        """While the database takes nothing, what needs it answers later, and the process goes on: the shell takes the next line, and so do its doors."""
        with sqlite3.connect(self.folder / "data" / "scaisend.db", isolation_level=None, timeout=LIMIT_S) as database:
            database.execute("BEGIN EXCLUSIVE")
            try:
                shown = self.typed("pause('slow.test')", "trace('msg_0')", "pools()", "40 + 2", until="\n42")
            finally:
                database.execute("ROLLBACK")
            self.assertNotIn("slow.test is paused", shown)
            self.assertIn('"name": "slow.test"', shown)  # this process follows at once
            wait_until(
                lambda: database.execute("SELECT name, is_paused FROM destination_orders").fetchall() == [("slow.test", 1)], LIMIT_S, lambda: self.daemon.output[-3000:]
            )
        database.close()

    def test_the_shell(self) -> None:
        """Strangers are refused; tools answer, at once or later; each line is audited; a line that never ends is broken off; exit() ends the session alone."""
        refused = subprocess.run(self.ssh("stranger", "-tt"), capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
        self.assertEqual(refused.returncode, 255)
        self.assertIn("Permission denied (publickey)", refused.stderr)

        shown = self.typed("pause('example.com')", "pools()", "resume('example.com')", "queues()", until='"oldest_age_s"')
        for text in ("example.com is paused", '"state": "paused"', "example.com is resumed", "smtp:deliver"):
            self.assertIn(text, shown)

        self.assertIn("msg_0", self.typed("trace('msg_0')", until="there is no message"))  # it answers later
        shown = self.typed("reload_certificates()", "1/0", until="ZeroDivisionError")
        self.assertIn("0 listeners have looked", shown)

        shown = self.typed("while True: pass", "", "40 + 2", until="42")
        self.assertIn("broken off after 2 s", shown)

        self.assertTrue(self.daemon.alive)
        self.assertIn("operator typed: pause('example.com')", self.daemon.output)
        with sqlite3.connect(self.folder / "data" / "scaisend.db") as database:
            kept = [row[0] for row in database.execute("SELECT `change` FROM audit_log WHERE actor = 'manhole:operator' AND action = 'manhole.line'")]
        database.close()
        self.assertTrue(any("while True: pass" in line for line in kept), kept)
        # Nothing but a shell is served: no command, no forwarding.
        command = subprocess.run([*self.ssh("known"), "id"], capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
        self.assertNotIn("uid=", command.stdout)
