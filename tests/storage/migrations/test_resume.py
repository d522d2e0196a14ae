"""A migration that was killed on a server without transactional DDL."""

from scaisend.storage.migrations.run import migrate
from tests.base import PlainTestCase
from tests.world.mariadb import private_mariadb


class ResumeTests(PlainTestCase):
    """On MariaDB."""

    def test_a_killed_migration_is_taken_up(self) -> None:
        """With a part of the last revision's tables and indexes made, the next run makes the rest and nothing twice."""
        server = private_mariadb()
        server.start()
        name = server.create_database()
        migrate(server.url(name))
        with server.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW INDEX FROM webhook_deliveries")
            before = sorted(row[2] for row in cursor.fetchall())
            cursor.execute("UPDATE alembic_version SET version_num = '0005'")
            cursor.execute("DELETE FROM schema_serves WHERE revision >= '0006'")
            cursor.execute("DROP TABLE statistics")
            cursor.execute("DROP INDEX webhook_deliveries_due ON webhook_deliveries")
        self.assertEqual(migrate(server.url(name))[:1], ["0006"])
        with server.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW INDEX FROM webhook_deliveries")
            self.assertEqual(sorted(row[2] for row in cursor.fetchall()), before)
            cursor.execute("SELECT COUNT(*) FROM statistics")
            self.assertEqual(cursor.fetchone(), (0,))
