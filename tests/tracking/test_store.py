from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.storage.pool import open_database
from scaisend.tracking.optout import choices, unsubscribe
from scaisend.tracking.personal import ALL_MAIL, Named
from scaisend.tracking.store import recipient_across_tenants
from tests.base import ReactorTestCase
from tests.world.mariadb import private_mariadb
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker


class MariadbTrackingTests(ReactorTestCase):
    timeout = 120

    async def test_statements(self) -> None:
        """A recipient is found and opted out on MariaDB too, once."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=2)
        self.addCleanup(database.close)
        ids = id_maker()
        made = await database.run(insert_message, ids, "tnt_a", [To("Ann@x.test", status="delivered", waiting=None)], status="delivered")
        found = await database.read(recipient_across_tenants, made.recipients[0])
        self.assertEqual((found.tenant_id, found.email, found.payload), ("tnt_a", "Ann@x.test", "{}"))
        self.assertIsNone(await database.read(recipient_across_tenants, "msg_x.0"))
        named = Named(ALL_MAIL, made.id, 0)
        for _ in range(2):
            self.assertTrue((await database.run(unsubscribe, ids, named, NOW, "page")).left_all)
        self.assertTrue((await database.read(choices, named)).left_all)
        rows = await database.read(lambda txn: txn.rows("SELECT type FROM events WHERE type = 'unsubscribe'"))
        self.assertEqual(len(rows), 1)

    async def test_clicks_at_once(self) -> None:
        """Of many clicks at the same moment, in several connections and for two mails to one address, one is the opting out."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=6)
        self.addCleanup(database.close)
        ids = id_maker()
        made = [
            await database.run(insert_message, ids, "tnt_a", [To("ann@x.test", status="delivered", waiting=None)], status="delivered") for _ in range(2)
        ]
        found = await gatherResults([database.run(unsubscribe, ids, Named(ALL_MAIL, made[n % 2].id, 0), NOW, "one-click") for n in range(24)])
        self.assertEqual({each.left_all for each in found}, {True})
        rows = await database.read(lambda txn: txn.rows("SELECT type FROM events WHERE type = 'unsubscribe'"))
        self.assertEqual(len(rows), 1)
