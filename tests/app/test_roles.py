"""Which words name which roles."""

from scaisend.app.roles import ALL, read_roles
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class Roles(PlainTestCase):
    def test_words_and_lists(self) -> None:
        """Roles and their commands, apart or joined by commas, once each and in the table's order."""
        self.assertEqual(read_roles([]), ALL)
        self.assertEqual(read_roles(["all"]), ALL)
        self.assertEqual(read_roles(["smtp,worker", "smtp"]), ("worker", "smtp"))
        self.assertEqual(read_roles(["serve"]), ("api",))
        self.assertEqual(read_roles(["worker", "all"]), ALL)

    def test_an_unknown_word_is_refused(self) -> None:
        """The refusal names it and what is known, even beside `all`."""
        with self.assertRaisesRegex(Invalid, "unknown role 'mail': roles are api, worker, smtp and all"):
            read_roles(["all", "mail"])
