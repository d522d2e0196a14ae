from scaisend.faults import Invalid
from scaisend.suppressions.requested import MOST_EMAILS, read_emails, read_group_id, read_like, read_wanted
from tests.base import PlainTestCase


class RequestedTests(PlainTestCase):
    def test_emails(self) -> None:
        """Every address that is none is told with its place; more than a thousand are too many."""
        self.assertEqual(read_emails({"recipient_emails": ["a@x.test"]}, "recipient_emails"), ["a@x.test"])
        with self.assertRaises(Invalid) as caught:
            read_emails({"recipient_emails": ["a@x.test", "b", "c@x.test\n"]}, "recipient_emails")
        self.assertEqual([each.field for each in caught.exception.faults], ["recipient_emails.1", "recipient_emails.2"])
        with self.assertRaises(Invalid):
            read_emails({"recipient_emails": ["a@x.test"] * (MOST_EMAILS + 1)}, "recipient_emails")

    def test_group_ids(self) -> None:
        """A group's id is a whole number that the column holds."""
        self.assertEqual([read_group_id(text) for text in ("7", "2147483647", "2147483648", "-1", "x", "", "١", "1e3")], [7, 2147483647, *[None] * 6])

    def test_like(self) -> None:
        """A prefix may hold few wildcards, and no control characters."""
        self.assertEqual((read_like("Ann%@x"), read_like(""), read_like(None)), ("ann%@x", None, None))
        for text in ("%" * 4, "a" * 321, "a\0", "a\n"):
            with self.assertRaises(Invalid):
                read_like(text)

    def test_times(self) -> None:
        """Both ends of a span are within it."""
        wanted = read_wanted("10", "20", None)
        self.assertEqual((wanted.start_at, wanted.end_at), (10.0, 21.0))
        with self.assertRaises(Invalid) as caught:
            read_wanted("x", "-1", None)
        self.assertEqual(len(caught.exception.faults), 2)
