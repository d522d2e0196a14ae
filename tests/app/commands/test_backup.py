"""`scaisend backup`: what it says that the copy holds. tests/journeys/test_restore.py restores one."""

from pathlib import Path

from tests.base import PlainTestCase
from tests.world.program import bare_environment, run_command


class Keys(PlainTestCase):
    def test_whether_the_secret_key_is_in_it(self) -> None:
        """One that is a setting is not: the operator is told to keep it, whatever file of a former key stands in DATA_DIR."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        embedded = bare_environment(DATA_DIR=str(folder / "data"))
        self.assertEqual(run_command(["init"], environment=embedded, folder=folder)[0], 0)
        code, output, _ = run_command(["backup", "one"], environment=embedded, folder=folder)
        self.assertEqual((code, "and the secret key" in output, (folder / "one" / "secret_key").exists()), (0, True, True))
        code, output, _ = run_command(["backup", "two"], environment={**embedded, "SECRET_KEY": "k" * 32}, folder=folder)
        self.assertEqual((code, "and the secret key" in output, (folder / "two" / "secret_key").exists()), (0, False, False))
        self.assertIn("SECRET_KEY is a setting and is not in the copy", output)
