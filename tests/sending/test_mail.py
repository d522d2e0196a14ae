"""A mail is a value."""

from dataclasses import FrozenInstanceError, replace

from scaisend.faults import ScaiSendError
from scaisend.sending.mail import ComposeError, Mail, Mailbox
from tests.base import PlainTestCase

MAIL = Mail(Mailbox("a@example.com"), (Mailbox("b@example.com"),), "s", 0.0, "<a@example.com>", "seed")


class Value(PlainTestCase):
    def test_equal_and_unchangeable(self) -> None:
        """Mails of the same content are equal, and none can be changed once composed."""
        self.assertEqual(MAIL, replace(MAIL))
        self.assertNotEqual(MAIL, replace(MAIL, subject="t"))
        with self.assertRaises(FrozenInstanceError):
            MAIL.subject = "t"  # type: ignore[misc]

    def test_mails_do_not_share_headers(self) -> None:
        """A mail that was given no headers has its own empty ones."""
        other = Mail(MAIL.from_, MAIL.to, "s", 0.0, "<a@example.com>", "seed")
        self.assertIsNot(MAIL.headers, other.headers)

    def test_the_refusal_is_one_of_the_house(self) -> None:
        """Workers that catch the house's refusals catch this one."""
        self.assertTrue(issubclass(ComposeError, ScaiSendError))
