import json
import sqlite3
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from scaisend.app.commands.audit_log import verify
from scaisend.identity.audit_store import record_act
from scaisend.storage.database import Txn
from scaisend.storage.pool import open_database
from tests.app.commands.test_audit import CommandTestCase
from tests.base import PlainTestCase, ReactorTestCase
from tests.identity.test_audit_store import record
from tests.world.inline_database import inline_database
from tests.world.mariadb import private_mariadb
from tests.world.tenants import now


class VerifyTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        for number in range(4):
            for tenant_id in ("tnt_1", "tnt_2", None):
                record(self.database, tenant_id, f"thing.{number}")

    def found(self, only: str | None = None, **expected: str) -> list[tuple[str, int | None, str]]:
        result = now(self, verify(self.database, only=only, expected={name: {digest} for name, digest in expected.items()}))
        return [(each["chain"], each["number"], each["what"]) for each in result["findings"]]

    def test_untouched(self) -> None:
        """Three chains of four rows each, and nothing is found."""
        result = now(self, verify(self.database, only=None, expected={}))
        self.assertEqual([(each["chain"], each["rows"]) for each in result["chains"]], [("installation", 4), ("tnt_1", 4), ("tnt_2", 4)])
        self.assertEqual(result["finding_count"], 0)
        self.assertEqual(self.found(tnt_1=result["chains"][1]["hash"]), [])

    def test_altered_removed_inserted(self) -> None:
        """Each is found in its chain, with the number of the row; the other tenant's chain is sound."""
        self.database.rows("UPDATE audit_log SET actor = 'nobody' WHERE tenant_id = 'tnt_1' AND action = 'thing.1'")
        self.database.rows("DELETE FROM audit_log WHERE tenant_id IS NULL AND action = 'thing.2'")
        self.database.rows("INSERT INTO audit_log (tenant_id, actor, action, happened_at) VALUES ('tnt_1', 'key_1', 'thing.9', 5)")
        numbers = dict(self.database.rows("SELECT action, number FROM audit_log WHERE tenant_id = 'tnt_1'"))
        last = self.database.rows("SELECT number FROM audit_log WHERE tenant_id IS NULL AND action = 'thing.3'")[0][0]
        self.assertEqual(self.found(), [
            ("installation", last, "removed: 1 rows before it"), ("tnt_1", numbers["thing.1"], "altered"),
            ("tnt_1", numbers["thing.9"], "inserted: it is not in the chain"),
        ])
        self.assertEqual(self.found("tnt_2"), [])

    def test_a_chain_without_its_end(self) -> None:
        """Its rows tell that it was there."""
        self.database.rows("DELETE FROM audit_chains WHERE chain = 'tnt_2'")
        self.assertEqual(self.found(), [("tnt_2", None, "the chain's end was removed")])

    def test_older_rows_are_covered(self) -> None:
        """Rows of a program that knew no chains come before it; changed later, they are found."""
        for number in range(3):
            self.database.rows(f"INSERT INTO audit_log (tenant_id, actor, action, happened_at) VALUES ('tnt_3', 'key_1', 'old.{number}', {number})")
        record(self.database, "tnt_3")
        self.assertEqual(self.found("tnt_3"), [])
        self.database.rows("DELETE FROM audit_log WHERE action = 'old.1'")
        self.assertEqual(len(self.found("tnt_3")), 1)


class ManyProcessesTests(ReactorTestCase):
    async def test_acts_at_once(self) -> None:
        """Acts that many connections record at the same time make one chain."""
        server = private_mariadb()
        url = server.url(server.empty_database())
        databases = [open_database(url, reactor=reactor, pool_size=4) for _ in range(2)]
        for each in databases:
            self.addCleanup(each.close)

        def act(txn: Txn, number: int) -> None:
            record_act(
                txn, "tnt_1", actor="key_1", action=f"thing.{number}", resource=None, change=None, source=None, request_id=None, happened_at=1.0,
            )

        await gatherResults([databases[number % 2].run(act, number) for number in range(60)])
        result = await verify(databases[0], only=None, expected={})
        self.assertEqual((result["finding_count"], result["chains"][0]["rows"]), (0, 60))


class CommandTests(CommandTestCase):
    def test_exit_codes(self) -> None:
        """0 with the chains as JSON; 1 once a row was altered; 2 for an --expect that is none."""
        self.assertEqual(self.scaisend("init", "--json")[0], 0)
        code, out = self.scaisend("keys", "create", "ci", "--json")
        self.assertEqual(code, 0, out)
        code, out = self.scaisend("audit-log", "verify", "--json")
        self.assertEqual((code, json.loads(out)["findings"]), (0, []))
        chain = json.loads(out)["chains"][0]
        self.assertGreater(chain["rows"], 0)
        self.assertEqual(self.scaisend("audit-log", "verify", "--expect", f"{chain['chain']}:{chain['hash']}")[0], 0)
        with sqlite3.connect(Path(self.folder) / "scaisend.db") as connection:
            connection.execute("UPDATE audit_log SET actor = 'nobody'")
        connection.close()
        code, out = self.scaisend("audit-log", "verify")
        self.assertEqual(code, 1)
        self.assertIn("altered", out)
        self.assertEqual(self.scaisend("audit-log", "verify", "--expect", "x")[0], 2)
