"""The documents that are made from tables say what the tables say."""

from scaisend.app.docs import stale
from tests.base import PlainTestCase


class GeneratedPages(PlainTestCase):
    def test_pages_equal_their_tables(self) -> None:
        """Whoever changes a table runs `make docs` in the same commit."""
        self.assertEqual(stale(), [])
