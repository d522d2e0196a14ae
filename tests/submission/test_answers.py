"""Refusals as SMTP says them."""

from scaisend.faults import Conflict, Fault, Forbidden, Invalid, TooManyRequests, Unauthenticated, Unavailable
from scaisend.submission.answers import login_refusal, refusal
from tests.base import PlainTestCase


class AnswerTests(PlainTestCase):
    def test_refusals(self) -> None:
        """Permanent for what must change, transient for what may be tried again; the first fault, and how many more."""
        for error, wire in (
            (Invalid([Fault("Bad.", "subject"), Fault("Worse."), Fault("Worst.")]), b"550 5.6.0 subject: Bad. (and 2 more)\r\n"),
            (Forbidden("The from address\r\n250 is not", "from"), b"550 5.7.1 The from address 250 is not\r\n"),
            (Conflict("used", "Idempotency-Key"), b"550 5.5.4 Idempotency-Key: used\r\n"), (Conflict("in flight", retry_after_s=1), b"451 4.5.0 in flight\r\n"),
            (TooManyRequests(), b"451 4.7.1 too many requests\r\n"), (Unauthenticated("revoked"), b"550 5.7.8 revoked\r\n"),
        ):
            self.assertEqual(refusal(error).wire, wire)
        self.assertLess(len(refusal(Invalid([Fault("x" * 5000), Fault("y")])).wire), 512)
        self.assertTrue(refusal(Invalid([Fault("x" * 5000), Fault("y")])).text.endswith(" (and 1 more)"))

    def test_logins(self) -> None:
        """Bad credentials are 535; guessing too often, or a database that is away, is no verdict on them."""
        self.assertEqual(login_refusal(Unauthenticated("no")).wire, b"535 5.7.8 Authentication failed: no\r\n")
        self.assertEqual(login_refusal(Forbidden("the account is suspended")).code, 535)
        self.assertEqual([login_refusal(each).code for each in (TooManyRequests(), Unavailable("database"))], [454, 454])
