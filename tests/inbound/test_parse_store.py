from twisted.internet import reactor

from scaisend.faults import Invalid
from scaisend.inbound import parse_store as store
from scaisend.inbound.parse_store import ParseSetting
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import NOW

MADE = ParseSetting("in.example.com", "https://app.example.com/", True, False, NOW)


def life(txn: Txn) -> list[object]:
    """What the statements answer, from the first setting to the last."""
    store.add_parse_setting(txn, "tnt_a", MADE)
    seen: list[object] = [store.parse_setting(txn, "tnt_a", MADE.hostname) == MADE, store.parse_setting(txn, "tnt_b", MADE.hostname, lock=True)]
    for tenant in ("tnt_a", "tnt_b"):
        try:
            store.add_parse_setting(txn, tenant, MADE)
        except Invalid as error:
            seen.append(error.faults[0].field)
    changed = ParseSetting(MADE.hostname, "https://other.example.com/", False, True, NOW)
    store.change_parse_setting(txn, "tnt_b", changed)
    seen.append(store.parse_settings(txn, "tnt_a") == [MADE])
    store.change_parse_setting(txn, "tnt_a", changed)
    seen += [store.parse_settings(txn, "tnt_a") == [changed], store.owners_across_tenants(txn, ["x.example", MADE.hostname]) == {MADE.hostname: ("tnt_a", changed)}]
    return [*seen, store.delete_parse_setting(txn, "tnt_b", MADE.hostname), store.delete_parse_setting(txn, "tnt_a", MADE.hostname), store.parse_settings(txn, "tnt_a")]


ANSWERS = [True, None, "hostname", "hostname", True, True, True, False, True, []]


class ParseStoreTests(PlainTestCase):
    def test_life_of_a_setting(self) -> None:
        """A host belongs to one tenant, who alone sees, changes and deletes its setting."""
        self.assertEqual(inline_database().now(life), ANSWERS)


class MariadbParseTests(ReactorTestCase):
    timeout = 120

    async def test_life_of_a_setting(self) -> None:
        """The statements mean the same on MariaDB."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        self.assertEqual(await database.run(life), ANSWERS)
