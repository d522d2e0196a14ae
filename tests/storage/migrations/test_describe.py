"""docs/schema.md is what the migrations say."""

from pathlib import Path

from scaisend.storage.migrations.describe import describe
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database


class DescribeTests(PlainTestCase):
    """The page."""

    def test_the_page_is_up_to_date(self) -> None:
        """Whoever adds a migration writes the page anew."""
        kept = (Path(__file__).parents[3] / "docs" / "schema.md").read_text(encoding="utf-8")
        self.assertEqual(kept, describe(), "run `python -m scaisend.storage.migrations.describe > docs/schema.md`")

    def test_describes_every_table_and_column(self) -> None:
        """The page has the tables and columns of a migrated database, each with a comment."""
        page = describe()
        database = inline_database()
        for (table,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
            if table == "alembic_version":
                continue
            section = page.partition(f"\n## {table}\n")[2].partition("\n## ")[0]
            lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")][1:]
            self.assertEqual([line.split(" | ")[0][2:] for line in lines], [row[1] for row in database.rows(f"PRAGMA table_info({table})")])
            self.assertEqual([line for line in lines if line.endswith("|  |")], [], table)
