"""register and register-status against a provider on loopback."""

import json
import signal
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from tests.base import PlainTestCase
from tests.world.program import Program, bare_environment, run_command, wait_until
from tests.world.scaikey import Scaikey, Trouble

ENV = "# mine\nDATA_DIR=data\n\nSMTP_HELO_HOSTNAME='mx.example.org'  # kept\n"
ASKED = ("--public-url", "https://mail.example.org", "--contact-email", "ops@example.org")


class RegisterCase(PlainTestCase):
    approves = True

    def setUp(self) -> None:
        super().setUp()
        self.provider = Scaikey(approves=self.approves)
        self.addCleanup(self.provider.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.env = self.folder / ".env"
        self.env.write_text(ENV + f"SCAIKEY_API_URL={self.provider.url}\n")

    def command(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        return run_command(arguments, environment=bare_environment(**settings), folder=self.folder)

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, output, errors = self.command(*arguments, "--json")
        return code, json.loads(output) if output else errors

    def written(self) -> dict[str, str | None]:
        return {name: value for name, value in dotenv_values(self.env, interpolate=False).items() if name.startswith("SCAIKEY_")}

    def credentials(self) -> dict[str, str]:
        made = self.provider.client()
        return {
            "SCAIKEY_API_URL": self.provider.url, "SCAIKEY_CLIENT_ID": made.client_id, "SCAIKEY_CLIENT_SECRET": made.client_secret,
            "SCAIKEY_WEBHOOK_SECRET": made.webhook_secret,
        }


class ApprovedAtOnceTests(RegisterCase):
    def test_credentials_are_written(self) -> None:
        """Into the env file, which keeps its other lines and is private; secrets are not shown; nothing is left on the way."""
        code, shown = self.json("register", *ASKED)
        self.assertEqual((code, shown["status"], shown["client_id"]), (0, "APPROVED", self.provider.client().client_id), shown)
        self.assertEqual(self.written(), self.credentials())
        self.assertTrue(self.env.read_text().startswith(ENV))
        self.assertEqual(stat.S_IMODE(self.env.stat().st_mode), 0o600)
        self.assertNotIn(self.provider.client().client_secret, str(shown))
        self.assertFalse((self.folder / "data" / "registration.json").exists())

    def test_what_is_asked_for(self) -> None:
        """Redirect URI, webhook, contact and level follow from the options."""
        self.command("register", *ASKED, "--tenant", "acme")
        wish = self.provider.client().wish
        self.assertEqual((wish["redirect_uris"], wish["webhook_url"]), (["https://mail.example.org/v3/auth/callback"], "https://mail.example.org/webhooks/scaikey"))
        self.assertEqual((wish["contact_email"], wish["scope_level"], wish["tenant_slug"]), ("ops@example.org", "tenant", "acme"))

    def test_wrong_use(self) -> None:
        """Exit code 2 and what is wrong; nothing is asked of the provider."""
        for arguments in (("register",), ("register", *ASKED, "--tenant", "a", "--partner", "b"), ("register", "--public-url", "mail", "--contact-email", "x@y.z"),
                          ("register", "--public-url", "https://x", "--contact-email", "x")):
            self.assertEqual(self.command(*arguments)[0], 2, arguments)
        self.assertEqual(self.provider.asked, [])

    def test_who_is_registered_is_not_registered_again(self) -> None:
        """Unless it says so."""
        self.command("register", *ASKED)
        code, _, errors = self.command("register", *ASKED)
        self.assertEqual((code, "--again" in errors, len(self.provider.applications)), (1, True, 1))
        self.assertEqual(self.command("register", *ASKED, "--again")[0], 0)
        self.assertEqual((len(self.provider.applications), self.written()), (2, self.credentials()))

    def test_a_busy_provider_is_asked_again(self) -> None:
        """After its Retry-After; an answer that was lost leads to the same request, not to a second one."""
        self.provider.troubles = [Trouble("/v1/", 429, {"Retry-After": "2"}), Trouble("/v1/", 503, {"Retry-After": "0"})]
        began = time.monotonic()
        self.assertEqual(self.command("register", *ASKED)[0], 0)
        self.assertGreater(time.monotonic() - began, 2.0)
        self.assertEqual(len(self.provider.applications), 1)

    def test_the_provider_refuses_or_is_away(self) -> None:
        """1 with its words; 3 when nobody answers, or the answer is no registration."""
        self.provider.troubles = [Trouble("/v1/", 400)]
        code, _, errors = self.command("register", *ASKED)
        self.assertEqual((code, "(400): trouble" in errors), (1, True), errors)
        self.assertEqual(self.command("register", *ASKED, "--api-url", f"{self.provider.url}/keys?")[0], 3)

    def test_a_file_that_cannot_be_written(self) -> None:
        """Nothing is asked for: credentials come once."""
        self.env.unlink()
        self.env.mkdir()
        code, _, errors = self.command("register", *ASKED, "--api-url", self.provider.url, DATA_DIR=str(self.folder / "data"))
        self.assertEqual((code, self.provider.asked), (1, []), errors)

    def test_the_secret_key_is_made_for_a_server(self) -> None:
        """As `init` makes it."""
        self.env.write_text(self.env.read_text() + "DATABASE_URL=mysql://u:p@127.0.0.1:1/n\n")
        self.assertEqual(self.command("register", *ASKED)[0], 0)
        self.assertRegex(self.env.read_text(), r"(?m)^SECRET_KEY=[0-9a-f]{64}$")


class ApprovedLaterTests(RegisterCase):
    approves = False

    def test_it_waits_for_the_approval(self) -> None:
        """And goes on waiting while the provider is away."""
        timer = threading.Timer(4.0, self.provider.decide)
        self.provider.troubles = [Trouble("/v1/clients/register/", 502, times=3)]
        timer.start()
        self.addCleanup(timer.join)
        code, shown = self.json("register", *ASKED)
        self.assertEqual((code, shown["status"]), (0, "APPROVED"), shown)
        self.assertEqual(self.written(), self.credentials())

    def test_approved_another_day(self) -> None:
        """PENDING is 1; asked again it is the same request; register-status writes the credentials once it is approved."""
        self.assertEqual(self.json("register", *ASKED, "--wait", "0")[1]["status"], "PENDING")
        self.assertEqual(self.json("register", *ASKED, "--wait", "0")[0], 1)
        self.assertEqual(len(self.provider.applications), 1)
        code, shown = self.json("register-status")
        self.assertEqual((code, shown["status"]), (1, "PENDING"))
        self.provider.decide()
        code, shown = self.json("register-status")  # reads the credentials, which come once
        self.assertEqual((code, shown["status"], self.written()), (0, "APPROVED", {"SCAIKEY_API_URL": self.provider.url}))
        kept = self.folder / "data" / "registration.json"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        code, shown = self.json("register-status", "--update-env")
        self.assertEqual((code, shown["written"], self.written(), kept.exists()), (0, list(self.credentials()), self.credentials(), False))
        self.assertEqual(self.command("register-status")[0], 1)

    def test_the_other_ends(self) -> None:
        """REJECTED with the reason, CANCELLED, EXPIRED: 1, and the next register makes a new request."""
        for number, state in enumerate(("REJECTED", "CANCELLED", "EXPIRED")):
            self.command("register", *ASKED, "--wait", "0")
            self.provider.decide(state)
            code, shown = self.json("register-status", "--update-env")
            self.assertEqual((code, shown["status"], shown["reason"]), (1, state, "not known to us" if state == "REJECTED" else None))
            self.assertEqual(len(self.provider.applications), number + 1)

    def test_credentials_that_were_read_before(self) -> None:
        """1, and what to do."""
        self.command("register", *ASKED, "--wait", "0")
        self.provider.decide()
        self.provider.client().is_read = True
        code, _, errors = self.command("register-status", "--update-env")
        self.assertEqual((code, "read before" in errors), (1, True), errors)

    def test_interrupted_while_it_waits(self) -> None:
        """Ctrl-C says how to go on; killed, nothing is lost either."""
        for number, blow in enumerate((signal.SIGINT, signal.SIGKILL)):
            program = Program(["register", *ASKED], environment=bare_environment(), folder=self.folder, log=self.folder / "log")
            wait_until(lambda program=program: "waits for the approval" in program.output, 30, lambda program=program: program.output)  # type: ignore[misc]
            program.send_signal(blow)
            self.assertTrue(program.wait_dead(10))
            if number == 0:
                self.assertIn("register-status", program.output)
                self.assertEqual(program.exit_code, 1)
        self.provider.decide()
        self.assertEqual((self.command("register-status", "--update-env")[0], self.written()), (0, self.credentials()))
        self.assertEqual(len(self.provider.applications), 1)
