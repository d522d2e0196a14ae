"""Which programs and schemas fit together."""

import sqlite3

from scaisend.storage.database import Txn
from scaisend.storage.migrations.run import newest_revision
from scaisend.storage.migrations.serving import UnfitSchema, check_schema
from scaisend.storage.sqlite_txn import SqliteTxn
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database


def newer(txn: Txn, revision: str, oldest_program: str) -> None:
    """As after a migration by a newer program."""
    txn.insert("schema_serves", ["revision", "oldest_program", "applied_at"], [(revision, oldest_program, 1)])


class CheckSchemaTests(PlainTestCase):
    """On an inline database."""

    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()

    def test_the_newest_schema_fits(self) -> None:
        """Nothing is said."""
        self.database.now(check_schema, "0.1.0", newest_revision())

    def test_a_lacking_revision_names_its_cure(self) -> None:
        """A schema that is behind says which revision it lacks and what to run."""
        error = self.assertRaises(UnfitSchema, self.database.now, check_schema, "0.2.0", "9999")
        self.assertIn("lacks revision 9999: run `scaisend migrate`", str(error))

    def test_an_empty_database_lacks_everything(self) -> None:
        """No table at all is no crash."""
        connection = sqlite3.connect(":memory:")
        error = self.assertRaises(UnfitSchema, check_schema, SqliteTxn(connection), "0.1.0", "0001")
        connection.close()
        self.assertIn("lacks revision 0001", str(error))

    def test_a_newer_schema_that_still_serves_fits(self) -> None:
        """During an upgrade the old program goes on; versions compare as numbers."""
        self.database.now(newer, "9001", "1.9.2")
        self.database.now(check_schema, "1.10.0", newest_revision())
        self.database.now(check_schema, "1.9.2rc1", newest_revision())

    def test_a_newer_schema_that_no_longer_serves_is_refused(self) -> None:
        """The program says which version is needed."""
        self.database.now(newer, "9001", "0.3.0")
        self.database.now(newer, "9002", "0.2.0")
        error = self.assertRaises(UnfitSchema, self.database.now, check_schema, "0.2.9", newest_revision())
        self.assertIn("no longer serves ScaiSend 0.2.9 (needs at least 0.3.0)", str(error))
