import json

from scaisend.app.commands.secrets import PAGE, rotate
from scaisend.domains.store import reseal_key_across_tenants
from scaisend.faults import Conflict
from scaisend.identity.audit_store import chained
from scaisend.identity.instance_store import check_fingerprint, claim_fact
from scaisend.sealing import Sealer
from tests.app.commands.test_audit import CommandTestCase
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import now

OLD, NEW = "o" * 32, "n" * 32


def sealer(key: str, *others: str) -> Sealer:
    counter = iter(range(1_000_000))
    return Sealer(key.encode(), lambda count: next(counter).to_bytes(count, "big"), [each.encode() for each in others])


class RotateTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.old, self.changing, self.new = sealer(OLD), sealer(NEW, OLD), sealer(NEW)
        self.database.now(check_fingerprint, self.old.fingerprint())
        for number in range(PAGE + 5):
            self.database.now(
                lambda txn, number=number: txn.insert(
                    "domain_keys", ("id", "tenant_id", "domain_id", "selector", "algorithm", "sealed_private", "public", "created_at"),
                    [(f"dky_{number:04}", "tnt_1", "dom_1", "s", "rsa-sha256", self.old.seal("dkim", b"key %d" % number), b"", 1)],
                )
            )
        self.database.now(lambda txn: txn.insert(
            "webhooks", ("id", "tenant_id", "model", "url", "events", "sealed_secret", "created_at", "updated_at"),
            [("wh_1", "tnt_1", "endpoint", "https://x.test", "[]", self.old.seal("webhook", b"hook"), 1, 1), ("wh_2", "tnt_1", "endpoint", "https://x.test", "[]", None, 1, 1)],
        ))
        self.database.now(claim_fact, "sealed.thing", self.old.seal("sealed.thing", b"thing").hex())

    def keys(self) -> list[bytes]:
        return [row[0] for row in self.database.rows("SELECT sealed_private FROM domain_keys ORDER BY id")]

    def test_everything_is_resealed(self) -> None:
        """Afterwards the new key alone opens every secret, the old one is refused at the start, and the act is in the log."""
        counted = now(self, rotate(self.database, self.changing, only_count=True))
        self.assertEqual((counted["done"], counted["places"]["DKIM keys"]), (False, {"secrets": PAGE + 5, "former": PAGE + 5, "broken": 0}))
        result = now(self, rotate(self.database, self.changing))
        self.assertEqual((result["done"], result["resealed"]), (True, PAGE + 7))
        self.assertEqual([self.new.open("dkim", sealed) for sealed in self.keys()], [b"key %d" % number for number in range(PAGE + 5)])
        self.assertEqual(self.new.open("webhook", self.database.rows("SELECT sealed_secret FROM webhooks WHERE id = 'wh_1'")[0][0]), b"hook")
        self.database.now(check_fingerprint, self.new.fingerprint())
        self.assertRaises(Conflict, self.database.now, check_fingerprint, self.old.fingerprint())
        (act,) = self.database.now(chained, None, 0, 10)
        self.assertIn("secrets.rotate", act.columns)
        again = now(self, rotate(self.database, self.changing))
        self.assertEqual((again["done"], again["resealed"]), (True, 0))
        self.assertEqual(len(self.database.now(chained, None, 0, 10)), 1)

    def test_an_interrupted_one_goes_on(self) -> None:
        """What was resealed before the end stays so, both keys work meanwhile, and the next run does the rest."""
        broken = sealer("x" * 32).seal("webhook", b"lost")
        self.database.now(lambda txn: txn.execute("UPDATE webhooks SET sealed_secret = :sealed WHERE id = 'wh_1'", {"sealed": broken}))
        result = now(self, rotate(self.database, self.changing))
        self.assertEqual((result["done"], result["broken"]), (False, ["wh_1"]))
        self.database.now(check_fingerprint, self.new.fingerprint(), self.changing.other_fingerprints())
        self.assertEqual(len([sealed for sealed in self.keys() if self.changing.open("dkim", sealed)]), PAGE + 5)
        self.database.now(lambda txn: txn.execute("UPDATE webhooks SET sealed_secret = :sealed WHERE id = 'wh_1'", {"sealed": self.old.seal("webhook", b"hook")}))
        result = now(self, rotate(self.database, self.changing))
        self.assertEqual((result["done"], result["resealed"]), (True, 1))

    def test_a_secret_that_changes_meanwhile(self) -> None:
        """What somebody wrote between our reading and our writing stays."""
        mine = self.new.seal("dkim", b"fresh")
        self.assertFalse(self.database.now(reseal_key_across_tenants, "dky_0000", b"what was read", mine))
        self.assertEqual(self.old.open("dkim", self.keys()[0]), b"key 0")


class CommandTests(CommandTestCase):
    def test_a_change_of_keys(self) -> None:
        """The steps of docs/security.md: named beside the old key, changed places, rotated, and the old one left out."""
        self.assertEqual(self.scaisend("init", SECRET_KEY=OLD)[0], 0)
        self.assertEqual(self.scaisend("domains", "add", "x.test", SECRET_KEY=OLD)[0], 0)
        self.assertEqual(self.scaisend("keys", "list", SECRET_KEY=NEW)[0], 1)
        self.assertEqual(self.scaisend("keys", "list", SECRET_KEY=OLD, SECRET_KEY_PREVIOUS=NEW)[0], 0)
        changed = {"SECRET_KEY": NEW, "SECRET_KEY_PREVIOUS": OLD}
        self.assertEqual(self.scaisend("secrets", "rotate", "--check", **changed)[0], 1)
        code, out = self.scaisend("secrets", "rotate", "--json", **changed)
        self.assertEqual((code, json.loads(out)["done"]), (0, True), out)
        self.assertEqual(self.scaisend("secrets", "rotate", "--check", **changed)[0], 0)
        self.assertEqual(self.scaisend("domains", "list", SECRET_KEY=NEW)[0], 0)
        self.assertEqual(self.scaisend("domains", "list", SECRET_KEY=OLD)[0], 1)
        self.assertEqual(self.scaisend("secrets", "rotate", SECRET_KEY=NEW, SECRET_KEY_PREVIOUS="short")[0], 1)
        self.assertEqual(self.scaisend("audit-log", "verify", SECRET_KEY=NEW)[0], 0)
