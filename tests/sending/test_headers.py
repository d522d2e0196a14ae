"""Header fields: folding, encoded words, parameters."""

import re
from email.header import decode_header, make_header

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.headers import (
    bracketed,
    mailbox_text,
    mailboxes_field,
    own_field,
    parameter,
    parameters_field,
    text_field,
)
from scaisend.sending.mail import ComposeError, Mailbox
from tests.base import PlainTestCase

_ENCODED_WORD = re.compile(rb"=\?utf-8\?[qb]\?[^? ]*\?=")


def _unfolded(field: bytes) -> str:
    return field.decode().removesuffix("\r\n").replace("\r\n ", " ").partition(": ")[2]


class Text(PlainTestCase):
    @settings(deadline=None, max_examples=200)
    @given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=200))
    def test_any_text_reads_back(self, value: str) -> None:
        """Each character comes back; lines with encoded words are at most 76 long, words 75, and each is whole UTF-8."""
        field = text_field("Subject", value)
        self.assertEqual(str(make_header(decode_header(_unfolded(field)))).strip(" "), value.strip(" "))
        self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 76 if b"=?utf-8?" in field else 998)
        for word in _ENCODED_WORD.findall(field):
            self.assertLessEqual(len(word), 75)
            str(make_header(decode_header(word.decode())))

    def test_text_that_looks_encoded(self) -> None:
        """A subject that spells an encoded word is shown as it was typed, not decoded."""
        field = text_field("Subject", "=?utf-8?q?hello?=")
        self.assertEqual(str(make_header(decode_header(_unfolded(field)))), "=?utf-8?q?hello?=")

    def test_lines_break_before_words_only(self) -> None:
        """No line is white space alone, and unfolding gives back runs of spaces."""
        value = "one" + " " * 90 + "two   three " + "word " * 30 + "end"
        field = text_field("Subject", value)
        self.assertEqual(field.replace(b"\r\n", b"").decode(), f"Subject: {value}")
        self.assertTrue(all(line.strip() for line in field.removesuffix(b"\r\n").split(b"\r\n")))


class Own(PlainTestCase):
    def test_structured_fields_are_never_encoded(self) -> None:
        """A Message-ID or References outside ASCII is refused; an address in List-Unsubscribe is percent-encoded."""
        for name in ("Message-ID", "References", "In-Reply-To"):
            self.assertRaises(ComposeError, own_field, name, "<é@example.com>")
            self.assertRaises(ComposeError, own_field, name, f"<{'x' * 1000}@example.com>")
        self.assertEqual(
            own_field("List-Unsubscribe", "<https://example.com/é%20>, <mailto:a@example.com>"),
            b"List-Unsubscribe: <https://example.com/%C3%A9%20>, <mailto:a@example.com>\r\n",
        )

    def test_long_words_of_unknown_fields_are_encoded(self) -> None:
        """A word over 998 in a field that nobody parses comes through as encoded words."""
        field = own_field("X-Data", "x" * 2000 + " end")
        self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 76)
        self.assertEqual(str(make_header(decode_header(_unfolded(field)))), "x" * 2000 + " end")

    def test_long_names_leave_room(self) -> None:
        """Under a long name the first encoded word goes to its own line."""
        field = own_field("X-A-Name-That-Is-Rather-Long", "é" * 60)
        self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 76)

    def test_encoded_values_pass(self) -> None:
        """A sender who encoded a header is not encoded twice."""
        self.assertEqual(own_field("X-A", "=?utf-8?q?=C3=A9?= b"), b"X-A: =?utf-8?q?=C3=A9?= b\r\n")

    def test_tabs_are_spaces(self) -> None:
        """A tab in a value becomes a space: it would be one after folding, to any reader."""
        self.assertEqual(own_field("X-A", "a\tb"), b"X-A: a b\r\n")


class Mailboxes(PlainTestCase):
    def test_names(self) -> None:
        """Atoms stay bare, specials are quoted, other letters encoded; no name, no brackets."""
        for name, shown in (
            (None, "a@example.com"), ("", "a@example.com"), ("Bob Ray", "Bob Ray <a@example.com>"),
            ("Ray, Bob", '"Ray, Bob" <a@example.com>'), ('a "b" \\', '"a \\"b\\" \\\\" <a@example.com>'),
            ("evil@example.net", '"evil@example.net" <a@example.com>'), ("Jörg from Support", "=?utf-8?q?J=C3=B6rg_from_Support?= <a@example.com>"),
            ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@example.com>"),
        ):
            self.assertEqual(mailbox_text(Mailbox("a@example.com", name)), shown)

    def test_odd_addresses(self) -> None:
        """A quoted local part stands as it is; what is no address is refused instead of becoming two."""
        self.assertEqual(mailbox_text(Mailbox('"a b"@example.com')), '"a b"@example.com')
        for email in ("a@example.com, b@example.com", "a@example.com> <b", "a", "a@b@example.com", "a b@example.com", ""):
            self.assertRaises(ComposeError, mailbox_text, Mailbox(email))

    def test_the_longest(self) -> None:
        """Long names and addresses make lines of at most 998 and read back."""
        mailboxes = [Mailbox("k" * 64 + "@" + "a." * 80 + "example", "Name " * 30 + "x"), Mailbox("b@example.com", "é" * 200)]
        field, _ = mailboxes_field("To", mailboxes)
        self.assertLess(max(map(len, field.split(b"\r\n"))), 300)


class Parameters(PlainTestCase):
    def test_plain_and_extended(self) -> None:
        """ASCII is quoted; other letters go by RFC 2231 first, then as an ASCII stand-in."""
        self.assertEqual(parameter("filename", 'a "b".pdf'), ['filename="a \\"b\\".pdf"'])
        self.assertEqual(parameter("filename", "é.pdf"), ["filename*=utf-8''%C3%A9.pdf", 'filename="_.pdf"'])

    def test_long_ones_are_continued(self) -> None:
        """A long name is cut between characters into numbered pieces of a line each."""
        pieces = parameter("filename", "漢" * 40 + ".pdf")
        self.assertEqual([piece.partition("=")[0] for piece in pieces[:3]], ["filename*0*", "filename*1*", "filename*2*"])
        field = parameters_field("Content-Disposition", "attachment", pieces)
        self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 76)

    def test_bracketed(self) -> None:
        """Angle brackets are added where they lack."""
        self.assertEqual((bracketed("a@b"), bracketed(" <a@b> ")), ("<a@b>", "<a@b>"))
