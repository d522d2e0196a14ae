"""What commands print."""

import io
from contextlib import redirect_stdout

from scaisend.app.commands.session import print_json, print_table
from tests.base import PlainTestCase


class Output(PlainTestCase):
    def test_a_table_for_people(self) -> None:
        """Columns stand under their names; lists, truth and absence read as words; nothing trails."""
        with redirect_stdout(io.StringIO()) as out:
            print_table([{"name": "a", "scopes": ["x", "y"], "live": True}, {"name": "longer", "scopes": None, "live": False}], ["name", "scopes", "live"])
        self.assertEqual(out.getvalue().splitlines(), ["NAME    SCOPES  LIVE", "a       x y     yes", "longer  -       no"])

    def test_an_empty_table_says_so(self) -> None:
        """Silence would look like a failure."""
        with redirect_stdout(io.StringIO()) as out:
            print_table([], ["name"])
        self.assertEqual(out.getvalue(), "(none)\n")

    def test_json_keeps_letters(self) -> None:
        """One value, readable, in UTF-8."""
        with redirect_stdout(io.StringIO()) as out:
            print_json({"name": "Zoë"})
        self.assertEqual(out.getvalue(), '{\n  "name": "Zoë"\n}\n')
