import json
import os
import subprocess
import sys

from scaisend.app.commands.audit import audit
from scaisend.messages.ledger_store import Period
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker, now


class AuditTests(PlainTestCase):
    def test_result(self) -> None:
        """The sums, and each violation with its message and recipient."""
        database, ids = inline_database(), id_maker()
        database.now(insert_message, ids, "tnt_a", [To(status="delivered", waiting=None)], status="delivered")
        lost = database.now(insert_message, ids, "tnt_a", [To(waiting="delivery")], status="rendered")
        result = now(self, audit(database, Period()))
        self.assertEqual((result["accepted"], result["recipients"], result["outcomes"], result["waiting"]), (2, 2, {"delivered": 1, "queued": 1}, {"delivery": 1}))
        self.assertEqual(result["violation_count"], 1)
        self.assertEqual(result["violations"], [
            {"message_id": lost.id, "recipient_id": lost.recipients[0], "what": "queued, and nobody will ever look at it"},
        ])

    def test_many_violations(self) -> None:
        """All are counted, and the first thousand shown."""
        database, ids = inline_database(), id_maker()
        for _ in range(3):
            database.now(insert_message, ids, "tnt_a", [To(f"{n}@x.test", waiting="delivery") for n in range(400)], status="rendered")
        result = now(self, audit(database, Period(NOW - 5)))
        self.assertEqual((result["violation_count"], len(result["violations"])), (1200, 1000))


class CommandTestCase(PlainTestCase):
    """Runs the console script in a folder of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = os.path.abspath(self.mktemp())
        os.makedirs(self.folder)

    def scaisend(self, *arguments: str, **more: str) -> tuple[int, str]:
        """The exit code, and standard output."""
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        environment |= {"DATA_DIR": self.folder, "PYTHONPATH": os.pathsep.join(sys.path), **more}
        done = subprocess.run(
            [sys.executable, "-m", "scaisend.app.cli", *arguments], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120,
            check=False,
        )
        return done.returncode, done.stdout


class ExitCodeTests(CommandTestCase):
    def test_exit_codes(self) -> None:
        """0 when all is well, with JSON alone on standard output; 2 for wrong use; 3 when the database is away."""
        self.assertEqual(self.scaisend("migrate")[0], 0)
        code, out = self.scaisend("audit", "--json", "--since", "1h")
        self.assertEqual((code, json.loads(out)["violations"]), (0, []))
        self.assertEqual(self.scaisend("audit", "--since", "soon")[0], 2)
        away = {"DATABASE_URL": "mysql://nobody@127.0.0.1:1/nothing", "SECRET_KEY": "k" * 40}
        self.assertEqual(self.scaisend("audit", "--json", **away), (3, ""))
