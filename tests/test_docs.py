"""The documents that are made from tables say what the tables say."""

from scaisend.app.config import load
from scaisend.app.docs import ROOT, doors, stale
from tests.base import PlainTestCase


class GeneratedPages(PlainTestCase):
    def test_pages_equal_their_tables(self) -> None:
        """Whoever changes a table runs `make docs` in the same commit."""
        self.assertEqual(stale(), [])

    def test_the_example_file_stands_for_the_defaults(self) -> None:
        """Copied as it is, .env.example changes nothing."""
        here = {"SMTP_HELO_HOSTNAME": "mx.example.org"}
        copied = load(here, str(ROOT / ".env.example"))
        self.assertEqual((dict(copied), copied.warnings), (dict(load(here, None)), ()))

    def test_every_door_has_a_sentence(self) -> None:
        """A route without a summary would be an empty cell; a door that asks for nothing is meant to."""
        public, ops = doors()
        self.assertEqual([f"{route.method} {route.path}" for route in public + ops if not route.summary], [])
        self.assertEqual({route.path for route in public if route.public}, OPEN_DOORS)


# Every path of the public listener that asks for no credential.
OPEN_DOORS = {"/", "/health", "/ready"}
