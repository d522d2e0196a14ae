from dataclasses import replace

from twisted.internet import reactor

from scaisend.content import templates_store as store
from scaisend.content.templates_store import Template, Version
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb

NOW = 1_800_000_000.25
ONE = Version("v1", "d-1", True, "n", "s {{é}}", True, "code", NOW, "<p>😀</p>", "p", '{"a": 1}')


def _fill(txn: Txn) -> None:
    store.insert_template(txn, "tnt_a", Template("d-1", "Ünï 😀", "dynamic", NOW))
    store.insert_template(txn, "tnt_a", Template("d-2", "two", "dynamic", NOW + 1))
    store.insert_template(txn, "tnt_b", Template("d-3", "theirs", "dynamic", NOW))
    store.insert_versions(txn, "tnt_a", [ONE, replace(ONE, id="v2", active=False, html_content=None)])
    store.insert_versions(txn, "tnt_b", [replace(ONE, id="v3", template_id="d-3")])


def _checks(txn: Txn) -> dict[str, object]:
    """What the statements answer on any database."""
    _fill(txn)
    found: dict[str, object] = {
        "page": [each.id for each in store.templates(txn, "tnt_a", ["dynamic", "legacy"], limit=1, offset=1)], "count": store.template_count(txn, "tnt_a", ["dynamic"]),
        "one": store.template(txn, "tnt_a", "d-1", lock=True), "whole": store.version(txn, "tnt_a", "d-1", "v1"),
        "outline": store.versions(txn, "tnt_a", ["d-1", "d-2", "d-3"])["d-1"][0].html_content, "theirs": store.version(txn, "tnt_a", "d-3", "v3"),
        "stamps": store.active_stamps_across_tenants(txn, [("tnt_a", "d-1"), ("tnt_b", "d-3"), ("tnt_a", "d-3"), ("tnt_a", "d-2")]),
        "active": [(each.tenant_id, each.version_id, each.html_content) for each in store.active_versions_across_tenants(txn, [("tnt_a", "d-1")])],
    }
    store.change_version(txn, "tnt_a", replace(ONE, id="v2", active=True, subject="new"))
    store.rest_versions(txn, "tnt_a", "d-1", "v2")
    found["after"] = [(each.id, each.active, each.subject) for each in store.versions(txn, "tnt_a", ["d-1"])["d-1"]]
    found["gone"] = (store.delete_version(txn, "tnt_b", "d-1", "v1"), store.delete_version(txn, "tnt_a", "d-1", "v1"), store.version_count(txn, "tnt_a", "d-1"))
    store.delete_template(txn, "tnt_b", "d-1")
    found["kept"] = store.template_count(txn, "tnt_a", ["dynamic"])
    return found


EXPECTED = {
    "page": ["d-2"], "count": 2, "one": Template("d-1", "Ünï 😀", "dynamic", NOW), "whole": ONE, "outline": None, "theirs": None,
    "stamps": {("tnt_a", "d-1"): ("v1", 1_800_000_000_250_000), ("tnt_b", "d-3"): ("v3", 1_800_000_000_250_000)}, "active": [("tnt_a", "v1", "<p>😀</p>")],
    "after": [("v2", True, "new"), ("v1", False, "s {{é}}")], "gone": (False, True, 1), "kept": 2,
}


class TemplatesStoreTests(PlainTestCase):
    def test_statements(self) -> None:
        """Each statement keeps to its tenant, and answers what was written."""
        self.assertEqual(inline_database().now(_checks), EXPECTED)

    def test_ids_that_cannot_be(self) -> None:
        """Ids that are not ASCII are unknown without asking."""
        database = inline_database()
        self.assertEqual((database.now(store.template, "tnt_a", "é"), database.now(store.version, "tnt_a", "d-1", "é"), database.now(store.delete_version, "tnt_a", "é", "v")), (None, None, False))


class OnMariaDb(ReactorTestCase):
    timeout = 120

    async def test_statements(self) -> None:
        """MariaDB answers the same."""
        server = private_mariadb()
        database = open_database(server.url(server.empty_database()), reactor=reactor, pool_size=1)
        self.addCleanup(database.close)
        self.assertEqual(await database.run(_checks), EXPECTED)
