"""`scaisend destinations warmup`: plans outlive the settings that they were begun under."""

from pathlib import Path

from tests.base import PlainTestCase
from tests.world.program import bare_environment, run_command


class Warming(PlainTestCase):
    def test_a_plan_ends_when_its_address_has_left_the_settings(self) -> None:
        """An address that is not configured begins none, and its plan can still be ended, once."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        environment = bare_environment(DATA_DIR=str(folder / "data"))
        self.assertEqual(run_command(["init"], environment=environment, folder=folder)[0], 0)
        warm = ["destinations", "warmup", "192.0.2.1"]
        self.assertEqual(run_command(warm, environment={**environment, "SMTP_SOURCE_IPS": "192.0.2.1=mx.x.test"}, folder=folder)[0], 0)
        self.assertEqual([run_command(each, environment=environment, folder=folder)[0] for each in (warm, [*warm, "--end"], [*warm, "--end"])], [1, 0, 1])
