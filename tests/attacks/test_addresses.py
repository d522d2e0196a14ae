"""Addresses made to slip past a check, to be read as two, or to keep the reader busy."""

import time

from scaisend.address import fold, is_valid, parse
from scaisend.faults import Invalid
from scaisend.sending.request import read_send_request
from tests.base import PlainTestCase
from tests.sending.bodies import NOW, body, faults_of


class AddressAttackTests(PlainTestCase):
    def test_envelope_injection(self) -> None:
        """Nothing that ends a path or a command line of SMTP is taken for part of an address."""
        for address in (
            "a@example.com>\r\nRCPT TO:<b@example.com", "a@example.com> SIZE=1", '"a> NOTIFY=NEVER"@example.com', "a@example.com\r\nDATA",
            '"\r\nRCPT TO:<b@example.com>\r\n"@example.com', "a@example.com\u2028RCPT", "a\x0b@example.com",
        ):
            self.assertFalse(is_valid(address), address)

    def test_two_in_one(self) -> None:
        """A list of addresses, a comment, a route or a group is not one address."""
        for address in ("a@example.com, b@example.org", "a@example.com b@example.org", "a@example.com(b@example.org)", "@x.org:a@example.com", "g:a@example.com;"):
            self.assertFalse(is_valid(address), address)

    def test_suppression_evasion(self) -> None:
        """Quotes, backslashes, case, Unicode forms and A-labels do not make another mailbox of one that opted out."""
        wanted = fold("bob@bücher.example")
        for address in ("BOB@bücher.example", '"bob"@bücher.example', r'"\b\o\b"@xn--bcher-kva.example', "bob@BU\u0308CHER.example", "bob@ｂücher.example"):
            self.assertTrue(is_valid(address), address)
            self.assertEqual(fold(address), wanted, address)

    def test_duplicate_evasion(self) -> None:
        """One mailbox spelled twice in a personalization is found."""
        to = [{"email": "bob@example.com"}, {"email": '"b\\ob"@EXAMPLE.com'}]
        self.assertEqual([each.field for each in faults_of(body(personalizations=[{"to": to}]))], ["personalizations.0"])

    def test_lookalike_domain(self) -> None:
        """A personalization's sender of a lookalike domain is not of the sender's domain."""
        given = body(personalizations=[{"to": [{"email": "a@example.com"}], "from": {"email": "shop@ехample.org"}}])
        self.assertEqual([each.field for each in faults_of(given)], ["personalizations.0.from.email"])

    def test_time(self) -> None:
        """Hostile text is judged in time that grows with its length alone."""
        started = time.process_time()
        for address in (
            "a" * 1_000_000 + "@", "a." * 500_000, "a@" + "a-" * 500_000, "a@" + "a." * 500_000, '"' + "\\" * 1_000_000, '"' + "\\a" * 500_000,
            "ü" * 1_000_000 + "@example.com", "a@" + "ü" * 1_000_000, "a@" + "ü." * 100, "@" * 1_000_000, "a@" + "xn--" * 60 + "ü.de",
        ):
            is_valid(address)
            self.assertRaises(ValueError, parse, address)
            fold(address)
        self.assertLess(time.process_time() - started, 10)

    def test_many_faults(self) -> None:
        """A body full of faults is answered with a bounded number of them."""
        given = body(personalizations=[{"to": [{"email": "x"} for _ in range(1000)]} for _ in range(50)])
        error = self.assertRaises(Invalid, read_send_request, given, now_s=NOW)
        self.assertEqual(len(error.faults), 1000)
