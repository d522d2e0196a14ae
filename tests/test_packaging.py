"""What is shipped: the wheel holds the program with its data and the twistd plugin, and works from anywhere."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.base import PlainTestCase
from tests.world.program import bare_environment

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 120


class Shipped(PlainTestCase):
    def build(self, target: str) -> Path:
        """The one file that hatchling builds of the tree."""
        folder = Path(self.mktemp()).resolve()
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        (built,) = folder.iterdir()
        return built

    def test_the_wheel_holds_every_file_of_the_program(self) -> None:
        """Sources, migrations, tables and pages; the plugin without an `__init__.py` beside it; and nothing of the tests."""
        wheel = zipfile.ZipFile(self.build("wheel"))
        self.addCleanup(wheel.close)
        held = set(wheel.namelist())
        needed = {
            str(path.relative_to(ROOT)) for path in (ROOT / "scaisend").rglob("*") if path.is_file() and "__pycache__" not in path.parts
        } | {"twisted/plugins/scaisend_plugin.py"}
        self.assertEqual(needed - held, set())
        strangers = {name for name in held - needed if ".dist-info/" not in name}
        self.assertEqual(strangers, set())
        self.assertTrue({"scaisend/delivery/replies.toml", "scaisend/storage/migrations/env.py"} <= held)

    def test_the_wheel_works_from_anywhere(self) -> None:
        """Unpacked into an empty folder it tells its version, migrates a database and is known to twistd."""
        place = Path(self.mktemp()).resolve()
        with zipfile.ZipFile(self.build("wheel")) as wheel:
            wheel.extractall(place)
        elsewhere = place / "elsewhere"
        elsewhere.mkdir()
        environment = bare_environment(PYTHONPATH=str(place), DATA_DIR=str(elsewhere / "data"), SMTP_HELO_HOSTNAME="mx.example.org")

        def run(*arguments: str) -> str:
            done = subprocess.run([sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        self.assertEqual(run("-c", "import scaisend; print(scaisend.__file__)").strip(), f"{place}/scaisend/__init__.py")
        self.assertRegex(run("-m", "scaisend.app.cli", "--version"), r"^scaisend \d")
        self.assertIn("applied", run("-m", "scaisend.app.cli", "migrate", "--json"))
        self.assertTrue((elsewhere / "data" / "scaisend.db").exists())
        self.assertIn("Self-hosted transactional e-mail", run("-c", LIST_PLUGINS))

    def test_the_source_archive_can_be_built_and_tested(self) -> None:
        """It holds the tests, the make file and the held versions, and none of the folders that tools make."""
        with tarfile.open(self.build("sdist")) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        self.assertTrue({"Makefile", "constraints.txt", "tests/base.py", "README.md", "LICENSE", "scripts/need-venv"} <= names)
        self.assertEqual({name for name in names if name.startswith((".venv", "tests/node/node_modules", "_trial_temp", "scaisend-data"))}, set())


class Plugin(PlainTestCase):
    def test_every_twistd_run_may_import_the_plugin(self) -> None:
        """It imports nothing of ours and no reactor: other programs of the host load it too."""
        code = (
            "import sys, runpy; runpy.run_path('twisted/plugins/scaisend_plugin.py'); "
            "print([name for name in sys.modules if name.startswith('scaisend') or name == 'twisted.internet.reactor'])"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.stdout.strip(), "[]", done.stderr)
        self.assertFalse(os.path.exists(ROOT / "twisted" / "plugins" / "__init__.py"))
        self.assertFalse(os.path.exists(ROOT / "twisted" / "__init__.py"))


LIST_PLUGINS = """
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
print([each.description for each in getPlugins(IServiceMaker) if each.tapname == "scaisend"])
"""
