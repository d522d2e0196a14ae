"""What commands print, and how they end on a signal."""

import io
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from scaisend.app.commands.session import print_json, print_table
from tests.base import PlainTestCase
from tests.world.program import bare_environment, run_command


class Output(PlainTestCase):
    def test_a_table_for_people(self) -> None:
        """Columns stand under their names; lists, truth and absence read as words; nothing trails."""
        with redirect_stdout(io.StringIO()) as out:
            print_table([{"name": "a", "scopes": ["x", "y"], "live": True}, {"name": "longer", "scopes": None, "live": False}], ["name", "scopes", "live"])
        self.assertEqual(out.getvalue().splitlines(), ["NAME    SCOPES  LIVE", "a       x y     yes", "longer  -       no"])

    def test_an_empty_table_says_so(self) -> None:
        """Silence would look like a failure."""
        with redirect_stdout(io.StringIO()) as out:
            print_table([], ["name"])
        self.assertEqual(out.getvalue(), "(none)\n")

    def test_json_keeps_letters(self) -> None:
        """One value, readable, in UTF-8."""
        with redirect_stdout(io.StringIO()) as out:
            print_json({"name": "Zoë"})
        self.assertEqual(out.getvalue(), '{\n  "name": "Zoë"\n}\n')


WAITS = """
import argparse, sys
from twisted.internet.defer import Deferred
from scaisend.app import cli
from scaisend.app.commands import session

async def work(adapters):
    await adapters.database.run(lambda txn: txn.rows("SELECT 1"))
    print("waits", flush=True)
    await Deferred()

class Parser:
    def parse_args(self, given):
        return argparse.Namespace(run=lambda options: session.with_adapters(options, work, begins=True), env_file=None)

cli.build_parser = lambda command: Parser()
sys.exit(cli.main(["wait"]))
"""


class Nowhere(PlainTestCase):
    def test_a_command_makes_no_installation(self) -> None:
        """Where none is, a command says so and how to find it, with exit code 1, and leaves nothing behind; `init` makes one."""
        folder = Path(self.mktemp())
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"))
        for arguments in (["queue", "depths"], ["doctor"], ["audit", "--json"], ["keys", "list"]):
            code, output, errors = run_command(arguments, environment=environment, folder=folder)
            self.assertEqual((code, output), (1, ""), arguments)
            self.assertIn("there is no installation here", errors)
            self.assertIn("--env-file", errors)
            self.assertEqual(list(folder.iterdir()), [])
        self.assertEqual(run_command(["init"], environment=environment, folder=folder)[0], 0)
        self.assertEqual(run_command(["queue", "depths"], environment=environment, folder=folder)[0], 0)

    def test_a_file_of_settings_that_is_not_there_is_a_fault(self) -> None:
        """A command and a daemon end with 1 instead of going on with defaults; `init` may come before the file."""
        folder = Path(self.mktemp())
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"), OPS_LISTEN="off")
        self.assertEqual(run_command(["init", "--env-file", "none.env"], environment=environment, folder=folder)[0], 0)
        for command in ("queue depths", "worker", "migrate", "backup kept", "register-status"):
            code, output, errors = run_command([*command.split(), "--env-file", "none.env"], environment=environment, folder=folder)
            self.assertEqual((code, output), (1, ""), command)
            self.assertEqual(errors, "scaisend: --env-file: none.env does not exist (name the file of this installation's settings)\n")


class Warnings(PlainTestCase):
    def test_what_daemons_will_do_is_no_matter_of_a_command(self) -> None:
        """A command's error stands alone, whatever an operator will regret once daemons run."""
        folder = Path(self.mktemp())
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"), DATABASE_URL="mysql://u:p@127.0.0.1:1/x", SECRET_KEY="k" * 32)
        code, output, errors = run_command(["keys", "list"], environment=environment, folder=folder)
        self.assertEqual((code, output, len(errors.splitlines())), (3, "", 1), errors)
        self.assertTrue(errors.startswith("scaisend: the database is not available"), errors)

    def test_what_is_written_wrongly_is_told_once(self) -> None:
        """By a command on standard error, by the doctor among its checks."""
        folder = Path(self.mktemp())
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"), DNS_RESOLVERS="127.0.0.1:1")
        self.assertEqual(run_command(["init"], environment=environment, folder=folder)[0], 0)
        (folder / ".env").write_text("SMTP_PROT=26\n")
        said = "./.env: SMTP_PROT is no setting; is SMTP_PORT meant?"
        self.assertEqual(run_command(["keys", "list"], environment=environment, folder=folder)[2], f"warning: {said}\n")
        _, output, errors = run_command(["doctor", "--no-blocklists"], environment=environment, folder=folder)
        self.assertIn(f"[warning] settings ./.env: {said}\n", output)
        self.assertNotIn(said, errors)


class Arguments(PlainTestCase):
    def test_an_error_names_the_argument(self) -> None:
        """What the API calls a field is an option or a place on the command line."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"))
        self.assertEqual(run_command(["init"], environment=environment, folder=folder)[0], 0)
        for command, argument in (
            ("destinations limit x.test --connections 0", "--connections"), ("destinations limit x.test --per-minute 0", "--per-minute"),
            ("destinations warmup --end", "ADDRESS"), ("destinations warmup --ceilings 1,2", "ADDRESS"), ("destinations warmup 192.0.2.1 --end --ceilings 1", "--ceilings"),
            ("backup data/objects/copy", "FOLDER"), ("backup /dev/null/x", "FOLDER"), ("destinations resume x.test", "NAME"), ("destinations reroute x.test a=b", "HOST[:PORT]"), ("explain msg_x", "MESSAGE|ADDRESS"),
            ("explain a@x.test", "MESSAGE|ADDRESS"), ("bulk show x", "ID"), ("bulk hold --reason r --status x", "--status"),
            ("bulk fail --reason r --to-domain x.test --undo-s -1", "--undo-s"), ("send --from x --to a@x.test --subject s --text t", "--from"),
            ("send --from a@x.test --to x --subject s --text t", "--to"), ("send --from a@x.test --to a@x.test --subject s", "--text"),
        ):
            code, output, errors = run_command(command.split(), environment=environment, folder=folder)
            self.assertEqual((code, output), (1, ""), command)
            self.assertTrue(errors.startswith(f"scaisend: {argument}: "), errors)


class Interrupts(PlainTestCase):
    def test_a_command_that_waits_ends_with_1_on_a_signal(self) -> None:
        """Its threads are ended and its connections closed: without that, Ctrl-C leaves a process that only SIGKILL ends."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen(
                [sys.executable, "-c", WAITS], env=bare_environment(DATA_DIR=self.mktemp()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            ) as process:
                try:
                    assert process.stdout is not None
                    self.assertEqual(process.stdout.readline(), "waits\n")
                    process.send_signal(number)
                    _, errors = process.communicate(timeout=30)
                finally:
                    process.kill()
            self.assertEqual((process.returncode, errors), (1, ""))
