"""The console script: its exit codes, and what stands on which stream."""

import io
import json
import socket
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from scaisend import __version__
from scaisend.app.cli import main
from scaisend.smtp.tls import make_certificate
from tests.base import PlainTestCase
from tests.world.mariadb import private_mariadb
from tests.world.program import bare_environment, run_command


class ExitCodes(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def run_it(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        environment = bare_environment(SMTP_HELO_HOSTNAME="mx.example.org", DATA_DIR=str(self.folder / "data"), OPS_LISTEN="off", **settings)
        return run_command(arguments, environment=environment, folder=self.folder)

    def test_version(self) -> None:
        """0, and the version on standard output."""
        self.assertEqual(self.run_it("--version"), (0, f"scaisend {__version__}\n", ""))

    def test_wrong_use_is_2(self) -> None:
        """No command, an unknown one, an unknown option, an unknown role: help or a line on standard error."""
        for arguments in ([], ["fly"], ["migrate", "--fast"], ["run", "mail"], ["run"], ["serve", "--port", "65536"], ["dev", "--port", "-1"]):
            with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
                try:
                    code: object = main(arguments)
                except SystemExit as exit:
                    code = exit.code
            self.assertEqual((code, output.getvalue()), (2, ""), arguments)
            self.assertIn("usage: scaisend", errors.getvalue())

    def test_what_is_not_so_is_1(self) -> None:
        """Settings that cannot be used: a line for each fault, and nothing was made."""
        code, output, errors = self.run_it("serve", SMTP_PORT="smtp", S3_BUCKET="b")
        self.assertEqual((code, output), (1, ""))
        self.assertEqual(len(errors.splitlines()), 2, errors)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_dependency_that_is_away_is_3(self) -> None:
        """A database server that does not answer."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"mysql://u:hunter2@127.0.0.1:{taken.getsockname()[1]}/n"
            code, _, errors = self.run_it("migrate", DATABASE_URL=url, SECRET_KEY="k" * 32)
            for_queue = self.run_it("queue", "depths", DATABASE_URL=url, SECRET_KEY="k" * 32)
        self.assertEqual((code, for_queue[0]), (3, 3), errors)
        for told in (errors, for_queue[2]):
            self.assertIn("Connection refused", told)
            self.assertNotIn("hunter2", told)
            self.assertNotIn("Traceback", told)

    def test_init_prints_json_alone_and_once(self) -> None:
        """The second one is refused with 1 and makes nothing."""
        code, output, errors = self.run_it("init", "--json", "--tenant-name", "Acme")
        self.assertEqual(code, 0, errors)
        made = json.loads(output)
        self.assertTrue(made["tenant_id"].startswith("tnt_") and made["api_key"].startswith("sg_live_"))
        code, output, errors = self.run_it("init", "--json")
        self.assertEqual((code, output), (1, ""))
        self.assertNotIn("Traceback", errors)

    def test_init_writes_a_secret_key_where_a_server_needs_one(self) -> None:
        """The line of a copied .env.example is filled; then the database is found to be away, and the key stays."""
        (self.folder / ".env").write_text("SMTP_MAX_RETRIES=7\nSECRET_KEY=\nLOG_LEVEL=info\n")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"mysql://u:p@127.0.0.1:{taken.getsockname()[1]}/n"
            code, _, errors = self.run_it("init", DATABASE_URL=url)
        self.assertEqual(code, 3, errors)
        lines = (self.folder / ".env").read_text().splitlines()
        self.assertEqual((lines[0], lines[2], len(lines)), ("SMTP_MAX_RETRIES=7", "LOG_LEVEL=info", 3))
        self.assertRegex(lines[1], r"^SECRET_KEY=[0-9a-f]{64}$")

    def test_the_first_steps_on_a_server(self) -> None:
        """Whatever comes first says what comes next: init asks for migrate, migrate needs no SECRET_KEY, init writes one and works."""
        server = private_mariadb()
        settings = {"DATABASE_URL": server.url(server.create_database()), "TRACKING_BASE_URL": "https://mail.example.org"}
        code, _, errors = self.run_it("keys", "list", **settings, SECRET_KEY="k" * 32)
        self.assertEqual((code, "run `scaisend migrate`" in errors), (1, True), errors)
        self.assertEqual(self.run_it("migrate", **settings)[0], 0)
        code, output, errors = self.run_it("init", "--json", **settings)
        self.assertEqual(code, 0, errors)
        self.assertIn("a SECRET_KEY was written into ./.env", errors)
        code, output, errors = self.run_it("keys", "list", "--json", **settings)
        self.assertEqual((code, len(json.loads(output))), (0, 1), errors)
        code, output, errors = self.run_it("keys", "list", **settings, SECRET_KEY="other" * 8)
        self.assertEqual((code, "SECRET_KEY is not the one" in errors), (1, True), errors)

    def test_a_certificate_that_cannot_be_used_ends_the_daemon_with_1(self) -> None:
        """Files that are not there, are no certificate, or do not belong together: one line names the setting, the files and the reason."""
        for name, content in (("no.pem", b"nothing"), *zip(("a.pem", "a.key"), make_certificate("a.test", 0.0), strict=True), ("b.key", make_certificate("b.test", 0.0)[1])):
            (self.folder / name).write_bytes(content)
        for certificate, key, why in (("nowhere.pem", "a.key", "No such file"), ("no.pem", "a.key", "PEM"), ("a.pem", "b.key", "key values mismatch")):
            code, _, errors = self.run_it("smtp", INBOUND_SMTP_PORT="0", INBOUND_SMTP_CERT=certificate, INBOUND_SMTP_KEY=key)
            self.assertEqual(code, 1, errors)
            self.assertRegex(errors, rf"scaisend: INBOUND_SMTP_CERT, INBOUND_SMTP_KEY: \S+/{certificate} and \S+/{key} cannot be used: .*{why}")
            self.assertNotIn("Traceback", errors)

    def test_a_busy_port_ends_the_daemon_with_1(self) -> None:
        """One clear line names the place; the process does not stay around half started."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, _, errors = self.run_it("serve", "--host", "127.0.0.1", "--port", str(port))
        self.assertEqual(code, 1, errors)
        self.assertIn(f"scaisend: cannot listen on 127.0.0.1:{port}: Address already in use", errors)
        self.assertNotIn("Traceback", errors)
