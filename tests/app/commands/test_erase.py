import json
import sqlite3
from pathlib import Path

from tests.app.commands.test_audit import CommandTestCase


class EraseTests(CommandTestCase):
    def test_erased(self) -> None:
        """Mail that waits for the recipient is ended and nothing of the address is left; a second run has nothing to do; no address is wrong use."""
        self.assertEqual(self.scaisend("init")[0], 0)
        self.assertEqual(self.scaisend("domains", "add", "src.test")[0], 0)
        path = Path(self.folder) / "scaisend.db"
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE domains SET verified = 1")
        connection.close()
        code, out = self.scaisend("send", "--from", "a@src.test", "--to", "Jane@dst.test", "--subject", "Dear Jane", "--text", "Hello Jane", "--json")
        self.assertEqual(code, 0, out)
        code, out = self.scaisend("erase", "jane@dst.test", "--json")
        self.assertEqual((code, json.loads(out)["recipients"], json.loads(out)["ended"]), (0, 1, 1), out)
        with sqlite3.connect(path) as connection:
            text = "\n".join(connection.iterdump()).lower()
        connection.close()
        self.assertNotIn("jane", text)
        code, out = self.scaisend("erase", "jane@dst.test")
        self.assertEqual((code, "erased: 0 recipients" in out), (0, True), out)
        self.assertEqual(self.scaisend("erase", "jane")[0], 2)
        self.assertEqual(self.scaisend("audit-log", "verify")[0], 0)
