"""The file of settings, changed in place."""

import io
import os
import shlex
import stat

from dotenv import dotenv_values

from scaisend.app.env_file import change_env_file, check_env_file, quoted, with_variables
from scaisend.faults import Invalid
from tests.base import PlainTestCase

OTHERS = """# ScaiSend
 export  PATH_LIKE="a b"   # kept

DATABASE_URL='mysql://u:p#1@h/n'
KEY=old   # gone with its value
TEXT="first
KEY=inside a value
last"
EMPTY=
"""


class WithVariables(PlainTestCase):
    def test_all_other_lines_stay(self) -> None:
        """Comments, order, quoting, blanks and values over several lines are as they were; the last line of a variable counts."""
        self.assertEqual(with_variables(OTHERS, {"KEY": "new"}), OTHERS.replace("KEY=old   # gone with its value", "KEY=new"))
        self.assertEqual(with_variables(OTHERS, {"EMPTY": "v", "NEW": "w"}), OTHERS.replace("EMPTY=", "EMPTY=v") + "NEW=w\n")
        self.assertEqual(with_variables("KEY=1\nMY_KEY=2\n export KEY=3\n", {"KEY": "v"}), "KEY=1\nMY_KEY=2\n export KEY=v\n")
        self.assertEqual(with_variables("# KEY=old\nKEY=\nA=1\n", {"KEY": "v"}), "# KEY=old\nKEY=v\nA=1\n")

    def test_ends_of_files_and_lines(self) -> None:
        """A file without a last newline, an empty one, one of another system, one with a byte order mark, one with a broken line."""
        self.assertEqual(with_variables("", {"KEY": "v"}), "KEY=v\n")
        self.assertEqual(with_variables("A=1", {"KEY": "v"}), "A=1\nKEY=v\n")
        self.assertEqual(with_variables("A=1\r\nKEY=\r\nB=2\r\n", {"KEY": "v", "C": "3"}), "A=1\r\nKEY=v\r\nB=2\r\nC=3\r\n")
        self.assertEqual(with_variables("\ufeffKEY=1\nA=2\n", {"KEY": "v"}), "\ufeffKEY=v\nA=2\n")
        self.assertEqual(with_variables("A='it''s\nKEY=1\n", {"KEY": "v"}), "A='it''s\nKEY=v\n")

    def test_values_are_read_as_they_were_given(self) -> None:
        """By our reader and by a shell."""
        for value in ("plain", "a b", "#x", "a#b", "it's", 'say "x"', "$HOME", "`id`", "~", "é", "a=b", "x" * 500, "!&|;<>()*?[]{}"):
            text = with_variables("", {"KEY": value})
            self.assertEqual(dotenv_values(stream=io.StringIO(text), interpolate=False), {"KEY": value})
            self.assertEqual(shlex.split(text.strip()), [f"KEY={value}"])

    def test_values_that_no_line_holds(self) -> None:
        """They are refused, and not shown."""
        for value in ("a\nb", "a\rb", "\0", "back\\slash", "it's $x", "'\""):
            with self.assertRaises(Invalid) as caught:
                quoted(value)
            self.assertNotIn(value, str(caught.exception))


class TheFile(PlainTestCase):
    def test_it_is_private_and_whole(self) -> None:
        """Mode 600 whatever it was; nothing else is left beside it."""
        folder = self.mktemp()
        os.mkdir(folder)
        path = os.path.join(folder, ".env")
        with open(path, "w") as stream:
            stream.write(OTHERS)
        os.chmod(path, 0o644)
        check_env_file(path)
        with open(path) as stream:
            self.assertEqual(stream.read(), OTHERS)
        change_env_file(path, {"KEY": "new"})
        with open(path) as stream:
            self.assertIn("\nKEY=new\n", stream.read())
        self.assertEqual((stat.S_IMODE(os.stat(path).st_mode), os.listdir(folder)), (0o600, [".env"]))

    def test_one_that_cannot_be_changed_is_told_before(self) -> None:
        """Before anything is asked for that comes once."""
        folder = self.mktemp()
        os.mkdir(folder)
        binary = os.path.join(folder, "binary")
        with open(binary, "wb") as stream:
            stream.write(b"\xff\xfe")
        for path in (binary, folder, os.path.join(folder, "no", ".env")):
            with self.assertRaises(Invalid):
                check_env_file(path)
