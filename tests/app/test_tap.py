"""`twistd scaisend`: its options, and how a start is refused."""

import subprocess
import sys
from pathlib import Path

from twisted.python import usage

from scaisend.app.roles import ALL
from scaisend.app.tap import Options
from tests.base import PlainTestCase
from tests.world.program import bare_environment


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


class Twistd(PlainTestCase):
    def twistd(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        code = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        return subprocess.run(
            [sys.executable, "-c", code, "--nodaemon", "--pidfile=", "scaisend", *arguments], cwd=folder,
            env=bare_environment(SMTP_HELO_HOSTNAME="mx.example.org", **settings), capture_output=True, text=True, timeout=120,
        )

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

    def test_wrong_settings_end_with_1(self) -> None:
        """A line for each fault; nothing was started and nothing was made."""
        done = self.twistd("api", SMTP_PORT="smtp", SECRET_KEY="hunter2")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.partition(":")[2].split(":")[0].strip() for line in done.stderr.splitlines()], ["SMTP_PORT", "SECRET_KEY"])
        self.assertNotIn("hunter2", done.stdout + done.stderr)
