"""Replies on the wire."""

from scaisend.smtp.verdict import Verdict
from tests.base import PlainTestCase


class WireTests(PlainTestCase):
    def test_one_line(self) -> None:
        """Whatever text a verdict carries, it is one printable ASCII line within RFC 5321 4.5.3.1.5."""
        self.assertEqual(Verdict(250, "2.0.0", "ok").wire, b"250 2.0.0 ok\r\n")
        self.assertEqual(Verdict(354, "", "go").wire, b"354 go\r\n")
        self.assertEqual(Verdict(550, "5.1.1", "grå\r\n250 ok\x00").wire, b"550 5.1.1 gr???250 ok?\r\n")
        self.assertEqual(len(Verdict(550, "5.1.1", "x" * 9000).wire), 502)
