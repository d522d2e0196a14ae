"""Requests that nobody wrote by hand: schemathesis makes them from our OpenAPI document."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation, Installation
from tests.world.mariadb import private_mariadb
from tests.world.ports import free_port

PROGRAM = Path(sys.executable).parent / "schemathesis"
SECONDS = 40


class Schemathesis(PlainTestCase):
    def test_no_request_is_answered_with_a_5xx(self) -> None:
        """Every operation, with every parameter and field bent in turn and some values at random: refusals, but no failure of ours."""
        if not PROGRAM.exists():
            raise SkipTest("schemathesis is not installed")
        installation, url = self.installation()
        # One worker: several threads of it trip over each other in CPython 3.11's ast (hypothesis describes lambdas there).
        with TemporaryDirectory() as folder:
            ran = subprocess.run(
                [
                    str(PROGRAM), "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {installation.api_key}",
                    "--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--max-examples", "3", "--seed", "1", "--workers", "1",
                    "--max-time", str(SECONDS), "--request-timeout", "30", "--generation-database", "none", "--warnings", "off", "--no-color",
                ],
                capture_output=True, text=True, cwd=folder, timeout=6 * SECONDS,
            )
        self.assertEqual(ran.returncode, 0, ran.stdout[-4000:] + ran.stderr[-1000:])
        self.assertNotIn("Tested: 0", ran.stdout)
        self.assertEqual(installation.alarms(), [])

    def installation(self) -> tuple[DevInstallation | Installation, str]:
        """One on MariaDB, which is stricter about text and numbers; on SQLite where there is none."""
        try:
            server = private_mariadb()
        except SkipTest:
            dev = DevInstallation(DNS_RESOLVERS="127.0.0.1:9")
            self.addCleanup(dev.close)
            dev.start()
            return dev, dev.api_url
        installation = Installation(free_port(), mariadb=server, DNS_RESOLVERS="127.0.0.1:9", WEBHOOK_TARGETS="any")
        self.addCleanup(installation.close)
        installation.start("all")
        return installation, installation.url("all")
