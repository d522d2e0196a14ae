"""The documents that are made from tables say what the tables say."""

import re
import subprocess
import sys
from pathlib import Path

from scaisend.app.cli import build_parser
from scaisend.app.config import load
from scaisend.app.docs import ROOT, doors, stale
from tests.base import PlainTestCase


class GeneratedPages(PlainTestCase):
    def test_pages_equal_their_tables(self) -> None:
        """Whoever changes a table runs `make docs` in the same commit."""
        self.assertEqual(stale(), [])

    def test_the_manual_equals_the_parser(self) -> None:
        """Man page, completion and docs/cli.md; whoever changes a command runs `make docs` in the same commit."""
        done = subprocess.run([sys.executable, "scripts/manual.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual((done.stdout, done.returncode), ("", 0), done.stderr)

    def test_the_site_has_no_dead_link(self) -> None:
        """Every page is in the site's table and every link and anchor leads somewhere: mkdocs builds it strictly."""
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(Path(self.mktemp()).resolve())], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_example_file_stands_for_the_defaults(self) -> None:
        """Copied as it is, .env.example changes nothing."""
        here = {"SMTP_HELO_HOSTNAME": "mx.example.org"}
        copied = load(here, str(ROOT / ".env.example"))
        self.assertEqual((dict(copied), copied.warnings), (dict(load(here, None)), ()))

    def test_every_door_has_a_sentence(self) -> None:
        """A route without a summary would be an empty cell; a door that asks for nothing is meant to."""
        public, ops = doors()
        self.assertEqual([f"{route.method} {route.path}" for route in public + ops if not route.summary], [])
        self.assertEqual({route.path for route in public if route.public} - OPEN_DOORS, set())

    def test_documents_name_files_that_are_there(self) -> None:
        """A link inside the repository leads somewhere."""
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / target).exists(), f"{page.name} links {target}")

    def test_the_readme_names_every_command(self) -> None:
        """A command that nobody reads of is not used."""
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        (commands,) = [action for action in build_parser()._actions if isinstance(action.choices, dict)]
        missing = [name for name in commands.choices if not re.search(rf"`(scaisend )?{name}\b", text)]
        self.assertEqual(missing, [])


# Where people log in and out, for which they need no credential.
LOGIN_DOORS = {"/v3/auth/login", "/v3/auth/callback", "/v3/auth/refresh", "/v3/auth/logout"}
# Every path of the public listener that may ask for no credential: probes, and what recipients follow.
OPEN_DOORS = {"/", "/docs", "/openapi.json", "/verify-sender/<token>", "/health", "/ready", "/webhooks/scaikey", "/t/u/<token>", "/t/o/<token>.gif", "/t/c/<token>", "/i/<image_id>", *LOGIN_DOORS}
