"""`twistd scaisend`: its options, and how a start is refused."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from twisted.python import usage

from scaisend.app.roles import ALL
from scaisend.app.tap import Options
from tests.base import PlainTestCase
from tests.world.program import bare_environment

KEY = "sg_live_" + "0123456789abcdef" * 2
# Said in the process once it runs, by a logger and by print; then it is told to stop.
TALK = f"""
import os, signal
from twisted.internet import reactor, task
from twisted.logger import Logger
def talk():
    Logger("scaisend.test").warn("refused {{key}}", key="{KEY}", tenant_id="tnt_1")
    Logger("scaisend.test").info("chatter")
    print("printed {KEY} \\udcff")
    os.kill(os.getpid(), signal.SIGTERM)
reactor.callWhenRunning(lambda: task.deferLater(reactor, 0.5, talk))
"""


class Parsing(PlainTestCase):
    def parsed(self, *words: str) -> Options:
        options = Options()
        options.parseOptions(list(words))
        return options

    def test_roles_and_where_the_api_listens(self) -> None:
        """Without words every role runs; the API is on port 8000 of all addresses."""
        options = self.parsed()
        self.assertEqual((options["roles"], options["host"], options["port"], options["env-file"]), (ALL, "0.0.0.0", 8000, "./.env"))
        self.assertEqual(self.parsed("--port=0", "worker,smtp")["roles"], ("worker", "smtp"))

    def test_wrong_use_is_a_usage_error(self) -> None:
        """twistd tells it in a line and ends with 1."""
        for words in (["mail"], ["--port=http"], ["--prot=1"]):
            with self.assertRaises(usage.UsageError):
                self.parsed(*words)


class TwistdCase(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def twistd(
        self, *arguments: str, twistd: Sequence[str] = ("--nodaemon",), before: str = "", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        code = f"{before}\nimport sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        return subprocess.run(
            [sys.executable, "-c", code, "--pidfile=", *twistd, "scaisend", *arguments], cwd=self.folder,
            env=bare_environment(SMTP_HELO_HOSTNAME="mx.example.org", **settings), capture_output=True, text=True, timeout=120,
        )


class Twistd(TwistdCase):
    def test_help_names_the_roles(self) -> None:
        """The plugin is found from any folder."""
        done = self.twistd("--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("roles: api, worker, smtp, all", done.stdout)

    def test_an_unknown_role_ends_with_1(self) -> None:
        """One line on what is known, no traceback."""
        done = self.twistd("mail")
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown role 'mail'", done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stdout + done.stderr)

    def test_a_log_without_a_place_ends_with_1(self) -> None:
        """The option is named, and what to do instead."""
        for options, cure in (
            (("--syslog",), "let the journal take"), (("--logfile=-",), "name a file"), (("--logfile=/nowhere/x.log",), "name a file"),
        ):
            done = self.twistd("api", twistd=options)
            self.assertEqual(done.returncode, 1)
            self.assertIn(cure, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_wrong_settings_end_with_1(self) -> None:
        """A line for each fault; nothing was started and nothing was made."""
        done = self.twistd("api", SMTP_PORT="smtp", SECRET_KEY="hunter2")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.partition(":")[2].split(":")[0].strip() for line in done.stderr.splitlines()], ["SMTP_PORT", "SECRET_KEY"])
        self.assertNotIn("hunter2", done.stdout + done.stderr)


class TwistdLog(TwistdCase):
    def run_talking(self, *twistd: str, **settings: str) -> str:
        done = self.twistd(
            "--host=127.0.0.1", "--port=0", "api", twistd=("--nodaemon", *twistd), before=TALK, OPS_LISTEN="off", DATA_DIR=str(self.folder / "data"),
            SECRET_KEY="0" * 64, **settings,
        )
        self.assertEqual(done.returncode, -signal.SIGTERM, done.stdout + done.stderr)  # twistd ends by the signal it was given
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done.stdout

    def test_json_lines_without_secrets(self) -> None:
        """LOG_FORMAT holds, and secrets are taken out of what is logged and of what is printed."""
        lines = [json.loads(line) for line in self.run_talking(LOG_FORMAT="json").splitlines()]
        told = {line["text"]: line for line in lines}
        self.assertEqual((told["refused sg_live_…"]["level"], told["refused sg_live_…"]["tenant_id"]), ("warn", "tnt_1"))
        self.assertTrue(any(text.startswith("printed sg_live_…") for text in told))
        self.assertTrue(any("runs api" in text for text in told))

    def test_text_of_a_level(self) -> None:
        """LOG_LEVEL holds too, and lines are those of the console script."""
        lines = self.run_talking(LOG_FORMAT="text", LOG_LEVEL="warn").splitlines()
        self.assertEqual([line.partition(" ")[2] for line in lines if "refused" in line], ["warn  refused sg_live_…"])
        self.assertFalse([line for line in lines if "chatter" in line or "runs api" in line])

    def test_a_file(self) -> None:
        """What twistd calls --logfile has the same lines, JSON unless LOG_FORMAT says otherwise, and nothing goes to standard output."""
        self.assertEqual(self.run_talking("--logfile=own.log", LOG_FORMAT=""), "")
        lines = [json.loads(line) for line in (self.folder / "own.log").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([line["text"] for line in lines][-3:], ["refused sg_live_…", "chatter", "printed sg_live_… \udcff"])
