from collections.abc import Sequence

from twisted.internet import reactor

from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from scaisend.suppressions.store import listed_across_tenants
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb

ROWS = (
    ("tnt_a", "bounces", "jane@example.com"), ("tnt_a", "spam_reports", "jane@example.com"), ("tnt_a", "blocks", "joe@example.com"),
    ("tnt_b", "bounces", "joe@example.com"), ("tnt_a", "unsubscribes", "çelik@example.com"),
)
ASKED = [("tnt_a", "jane@example.com"), ("tnt_a", "joe@example.com"), ("tnt_a", "nobody@example.com"), ("tnt_a", "çelik@example.com"), ("tnt_a", "jane@example.com")]
FOUND = {
    ("tnt_a", "jane@example.com"): {"bounces", "spam_reports"}, ("tnt_a", "joe@example.com"): {"blocks"}, ("tnt_a", "çelik@example.com"): {"unsubscribes"},
}


def put_on_lists(txn: Txn, rows: Sequence[tuple[str, str, str]] = ROWS) -> None:
    """The (tenant, list, address) are suppressed."""
    txn.insert("suppressions", ("tenant_id", "list", "email", "created_at"), [(*row, 0) for row in rows])


class SuppressionsStoreTests(PlainTestCase):
    def test_lists_by_address(self) -> None:
        """Every list of every address is told, of its tenant alone; an address that was asked for twice once."""
        database = inline_database()
        database.now(put_on_lists)
        self.assertEqual(database.now(listed_across_tenants, ASKED), FOUND)
        self.assertEqual(database.now(listed_across_tenants, []), {})


class MariadbSuppressionsTests(ReactorTestCase):
    timeout = 120

    async def test_lists_by_address(self) -> None:
        """The statement means the same on MariaDB, byte for byte."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        await database.run(put_on_lists)
        self.assertEqual(await database.read(listed_across_tenants, ASKED), FOUND)
        self.assertEqual(await database.read(listed_across_tenants, [("tnt_a", "celik@example.com")]), {})
