"""Migrations on real files and a real server."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy.exc import OperationalError

from scaisend.storage.migrations.run import database_url, installed_revisions, migrate, newest_revision
from tests.base import PlainTestCase
from tests.world.mariadb import private_mariadb

ROOT = Path(__file__).parents[3]
REVISIONS = [each.revision for each in installed_revisions()]
MIGRATE = "import sys; from scaisend.storage.migrations.run import migrate; print(len(migrate(sys.argv[1])))"


def alembic(*arguments: str, url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments], cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True,
        check=False,
    )


def migrate_twice_at_once(url: str) -> list[int]:
    """How many revisions each of two processes applied."""
    both = [subprocess.Popen([sys.executable, "-c", MIGRATE, url], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    return sorted(int(each.communicate()[0]) for each in both)


class SqliteMigrationTests(PlainTestCase):
    """On a file."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp()).absolute()
        self.url = f"sqlite:///{self.path}"

    def test_applies_all_and_then_nothing(self) -> None:
        """The first run applies every revision in order and notes whom each serves; the second is a no-op."""
        self.assertEqual(migrate(self.url), REVISIONS)
        self.assertEqual(migrate(self.url), [])
        connection = sqlite3.connect(self.path)
        rows = connection.execute("SELECT revision, oldest_program, applied_at > 1600000000000000 FROM schema_serves ORDER BY revision").fetchall()
        connection.close()
        self.assertEqual(rows, [(each.revision, each.module.oldest_program, 1) for each in installed_revisions()])
        self.assertEqual(rows[-1][0], newest_revision())

    def test_two_at_once(self) -> None:
        """One applies everything while the other waits, and finds nothing left to do."""
        self.assertEqual(migrate_twice_at_once(self.url), [0, len(REVISIONS)])

    def test_alembic_from_the_source_tree(self) -> None:
        """`alembic upgrade head` works with DATABASE_URL alone; a downgrade is refused and changes nothing."""
        done = alembic("upgrade", "head", url=self.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(migrate(self.url), [])
        refused = alembic("downgrade", "-1", url=self.url)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("only go forward", refused.stdout + refused.stderr)
        self.assertIn(REVISIONS[-1], alembic("current", url=self.url).stdout)

    def test_alembic_writes_the_sql(self) -> None:
        """`alembic upgrade head --sql` writes what a careful operator wants to read first."""
        self.assertIn("INSERT INTO schema_serves", alembic("upgrade", "head", "--sql", url=self.url).stdout)

    def test_a_failed_revision_leaves_nothing(self) -> None:
        """A revision that cannot be completed is undone as a whole, and the ones before it stay."""
        connection = sqlite3.connect(self.path)
        connection.execute("CREATE TABLE group_mappings (in_the_way INTEGER)")
        connection.commit()
        self.assertRaises(OperationalError, migrate, self.url)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        connection.execute("DROP TABLE group_mappings")
        connection.commit()
        connection.close()
        self.assertIn("schema_serves", tables)
        self.assertNotIn("tenants", tables)
        self.assertEqual(migrate(self.url), REVISIONS[1:])


class MariadbMigrationTests(PlainTestCase):
    """On a server."""

    def setUp(self) -> None:
        super().setUp()
        self.server = private_mariadb()
        self.server.start()
        self.name = self.server.create_database()
        self.url = self.server.url(self.name)

    def test_two_at_once(self) -> None:
        """One applies everything while the other waits, and finds nothing left to do."""
        self.assertEqual(migrate_twice_at_once(self.url), [0, len(REVISIONS)])

    def test_tables_are_fit_for_replication(self) -> None:
        """Every table is InnoDB, utf8mb4, and has a primary key."""
        migrate(self.url)
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables t WHERE table_schema = DATABASE() AND (engine <> 'InnoDB'"
                " OR table_collation NOT LIKE 'utf8mb4%' OR NOT EXISTS (SELECT 1 FROM information_schema.statistics s"
                " WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name AND s.index_name = 'PRIMARY'))",
            )
            self.assertEqual(cursor.fetchall(), ())


class DatabaseUrlTests(PlainTestCase):
    """What `alembic` takes for the database when it is run by hand."""

    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        self.patch(os, "environ", {})

    def test_the_environment_comes_first(self) -> None:
        """DATABASE_URL of the environment, then of `.env`, then a file in DATA_DIR, whose folder is made for the owner alone."""
        self.assertEqual(database_url(), f"sqlite:///{Path('scaisend-data').absolute()}/scaisend.db")
        self.assertEqual(Path("scaisend-data").stat().st_mode & 0o777, 0o700)
        Path(".env").write_text("# DATABASE_URL=no\nDATA_DIR=kept\nexport DATABASE_URL='mysql://u:p=1@db/x'\n")
        self.assertEqual(database_url(), "mysql://u:p=1@db/x")
        os.environ["DATABASE_URL"] = "sqlite:///x.db"
        self.assertEqual(database_url(), "sqlite:///x.db")
