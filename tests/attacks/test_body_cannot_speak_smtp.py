"""Whoever writes a body must not get a word in as a client: no body ends DATA early, no address carries a command."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.conversation import Conversation
from scaisend.delivery.job import REFUSED
from scaisend.delivery.transaction import CannotSend, Extensions, Peer, envelope, stuffed
from tests.base import PlainTestCase
from tests.delivery.jobs import a_job

BITS = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"\r\n.\r\n", b"\n.\r\n", b"\r.\r", b"\n.\n", b"a", b"MAIL FROM:<x@y>\r\n", b"QUIT\r\n"]), max_size=40)
# What one or another receiver is known to take for the end of the mail.
ENDINGS = [rb"\r\n\.\r\n", rb"\n\.\r\n", rb"\n\.\n", rb"\r\.\r\n", rb"\r\.\r", rb"\r\n\.\n", rb"\r\n\.\r", rb"\n\.\r"]


class BodyTests(PlainTestCase):
    @settings(deadline=None, max_examples=500)
    @given(BITS)
    def test_no_body_holds_an_end_of_data(self, bits):
        """What goes over the wire has exactly one ending, the last one, in every reading of it; and it reads back to the same bytes."""
        body = b"".join(bits)
        try:
            wire = b"354\r\n" + stuffed(body) + b".\r\n"
        except CannotSend:
            return
        for ending in ENDINGS:
            for found in re.finditer(ending, wire):
                self.assertGreaterEqual(found.start(), len(wire) - 5)
        lines = wire[5:-3].split(b"\r\n")
        self.assertEqual(b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines), body)

    def test_a_canonical_body_is_never_refused(self):
        """Lone dots at any place, around every power of two, pass."""
        for edge in (4096, 16384, 65536, 131072):
            for off in (-3, -2, -1, 0, 1):
                body = b"x" * (edge + off) + b"\r\n.\r\n.\r\n..\r\nend\r\n"
                self.assertNotIn(b"\r\n.\r\n", stuffed(body))

    def test_a_smuggling_body_is_refused_before_it_is_written(self):
        """The conversation cuts the connection rather than write it, and says so."""
        written, settled = [], []
        jobs = [a_job(body=b"Subject: x\r\n\r\n\n.\nMAIL FROM:<evil@x>\r\n")]
        conversation = Conversation(
            extensions=Extensions({"PIPELINING": ""}), peer=Peer("mx", "127.0.0.1"), take=lambda: jobs.pop() if jobs else None,
            settle=lambda job, outcome: settled.append(outcome), give_back=self.fail,
        )
        written.append(conversation.begin())
        written.append(conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n"))
        self.assertNotIn(b"evil", b"".join(written))
        self.assertEqual((settled[0].kind, settled[0].enhanced), (REFUSED, "5.6.0"))
        self.assertTrue(conversation.closing)


class AddressTests(PlainTestCase):
    def test_no_address_carries_a_command(self):
        """CR, LF, NUL, spaces and angle brackets in either address are refused, at any place."""
        for bad in ("\r\nRCPT TO:<x@y>", "\n", "\r", "\0", " ", "\t", ">", "<", "\x7f", "\x85", "\u2028"):
            for address in (f"{bad}u@in.test", f"u{bad}@in.test", *([f"u@in.test{bad}"] if bad.isascii() else [])):
                self.assertRaises(CannotSend, envelope, a_job(to=address, domain="in.test"), b"x\r\n", Extensions({"SMTPUTF8": "", "8BITMIME": ""}))
                self.assertRaises(CannotSend, envelope, a_job(sender=address), b"x\r\n", Extensions({"SMTPUTF8": "", "8BITMIME": ""}))
