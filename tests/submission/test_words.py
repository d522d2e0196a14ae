"""Encoded words, charsets and mailboxes."""

from email.header import Header

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.submission.words import mailboxes, text_of, words
from tests.base import PlainTestCase

PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=80)


class WordsTests(PlainTestCase):
    def test_words(self) -> None:
        """Words are joined over white space, a character over two words; what is broken stays as it is."""
        for value, text in (
            ("plain", "plain"), ("=?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle", "Grüße an alle"), ("=?UTF-8?B?R3LDvA==?= =?utf-8*de?q?=C3=9Fe?=", "Grüße"),
            ("=?utf-8?q?a=C3?= =?utf-8?q?=BC?=", "aü"), ("=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "üü"), ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
            ("=?nonsense?q?=FC?=", "ü"), ("=?utf-8?b?%%%?=", ""), ("=?utf-8?b?A?=", "=?utf-8?b?A?="), ("=?punycode?q?x?=", "x"), ("a =?utf-8?q?b", "a =?utf-8?q?b"),
        ):
            self.assertEqual(words(value), text, value)

    @settings(deadline=None, max_examples=100)
    @given(PRINTABLE, st.sampled_from(("utf-8", "iso-2022-jp")))
    def test_words_of_the_email_package(self, text: str, charset: str) -> None:
        """What Python's email package encodes is read again."""
        try:
            encoded = Header(text, charset).encode(linesep="")
        except UnicodeError:
            return
        self.assertEqual(words(encoded.replace("\r\n", "").replace("\n", "")).strip(), text.strip())

    def test_charsets(self) -> None:
        """A charset that lies, or is none, does not lose the text; nothing comes out that UTF-8 cannot hold."""
        self.assertEqual(text_of("ü".encode(), "us-ascii"), "ü")
        self.assertEqual(text_of(b"\xfc", "utf-8"), "ü")
        self.assertEqual(text_of(b"\xfc", "rot13"), "ü")
        text_of(b"+2AA-", "utf-7").encode()

    def test_mailboxes(self) -> None:
        """Names are read, quotes and groups understood, empty lists are none."""
        for value, found in (
            ("a@b.test, Jane Doe <jane@b.test>", [("a@b.test", None), ("jane@b.test", "Jane Doe")]), ("<a@b.test>", [("a@b.test", None)]),
            ('"Doe, Jane" <jane@b.test>', [("jane@b.test", "Doe, Jane")]), ("=?utf-8?q?Doe=2C_Jan=C3=A9?= <j@b.test>", [("j@b.test", "Doe, Jané")]),
            ("team: a@b.test, C <c@b.test>;", [("a@b.test", None), ("c@b.test", "C")]), ("undisclosed-recipients:;", []), ("", []),
            ("j@b.test (Jane)", [("j@b.test", "Jane")]), ("jané@b.test", [("jané@b.test", None)]),
        ):
            self.assertEqual([(each["email"], each.get("name")) for each in mailboxes(value)], found, value)
        self.assertRaises(Invalid, mailboxes, "(" * 5000 + "a@b.test")

    @settings(deadline=None, max_examples=200)
    @given(st.text(max_size=200))
    def test_nothing_breaks_them(self, value: str) -> None:
        """Any text is mailboxes, or a fault."""
        words(value)
        try:
            mailboxes(value)
        except Invalid:
            pass
