import json
from pathlib import Path

from tests.app.commands.test_audit import CommandTestCase


class SuppressionsTests(CommandTestCase):
    def test_import_export_undo(self) -> None:
        """A file goes in, the list comes out; an address is explained; the import is undone."""
        self.scaisend("init", "--json")
        Path(self.folder, "in.csv").write_text("email,reason\nAnn@x.test,left\nno address,\n")
        code, out = self.scaisend("suppressions", "import", "bounces", "in.csv", "--json")
        self.assertEqual((code, json.loads(out)["imported"], json.loads(out)["errors"][0]["row"]), (1, 1, 3))
        self.assertEqual(json.loads(self.scaisend("suppressions", "export", "bounces", "--output", "out.csv", "--json")[1])["written"], 1)
        lines = Path(self.folder, "out.csv").read_text().splitlines()
        self.assertEqual([line.split(",")[:2] for line in lines], [["email", "reason"], ["ann@x.test", "left"]])
        code, out = self.scaisend("suppressions", "explain", "ANN@x.test", "--json")
        self.assertEqual((code, json.loads(out)[0]["rule"]), (0, "import"))
        self.assertEqual(self.scaisend("suppressions", "undo", "import", "--since", "1h")[0], 0)
