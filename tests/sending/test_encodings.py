"""Content transfer encodings, decoded by the standard library."""

import quopri
from base64 import b64decode

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.encodings import BASE64, QUOTED_PRINTABLE, SEVEN_BIT, base64_lines, encoded_text
from tests.base import PlainTestCase

_ANY = st.text(st.one_of(st.sampled_from("ab =.\r\n\t\0é漢"), st.characters(exclude_categories=["Cs"])), max_size=400)


def _decoded(encoding: str, content: bytes) -> bytes:
    if encoding == BASE64:
        return b64decode(content)
    return quopri.decodestring(content) if encoding == QUOTED_PRINTABLE else content


class Text(PlainTestCase):
    @settings(deadline=None, max_examples=300)
    @given(st.one_of(_ANY, _ANY.map(lambda text: text * 30), st.text(st.sampled_from("a \t.=\n"), max_size=300)))
    def test_any_text_reads_back(self, text: str) -> None:
        """Decoded, the text is what it was with CRLF; encoded, it is seven-bit lines without bare CR, LF or NUL."""
        encoding, content = encoded_text(text)
        self.assertEqual(_decoded(encoding, content), text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode())
        bare = content.replace(b"\r\n", b"")
        self.assertTrue(content.isascii() and b"\0" not in content and b"\r" not in bare and b"\n" not in bare)
        self.assertLessEqual(max(map(len, content.split(b"\r\n"))), 998 if encoding == SEVEN_BIT else 76)

    def test_half_a_surrogate_is_replaced(self) -> None:
        """Text that has no UTF-8 form does not stop a mail."""
        self.assertEqual(_decoded(*encoded_text("a\ud800b é")), "a?b é".encode())

    def test_white_space_at_the_end_survives(self) -> None:
        """Spaces and tabs before a line end or the end are encoded where quoted-printable is used."""
        encoding, content = encoded_text("Viele lange Worte und Grüße \nund ein Tab am Ende\t")
        self.assertEqual(encoding, QUOTED_PRINTABLE)
        self.assertTrue(content.endswith(b"=09"))
        self.assertIn(b"=20\r\n", content)


class Attachment(PlainTestCase):
    @settings(deadline=None)
    @given(st.binary(max_size=1000))
    def test_base64_lines(self, content: bytes) -> None:
        """Lines of 76 and one shorter, each with its CRLF; nothing for nothing."""
        lines = base64_lines(content).split(b"\r\n")
        self.assertEqual(b64decode(b"".join(lines)), content)
        self.assertEqual(lines.pop(), b"")
        self.assertTrue(all(len(line) == 76 for line in lines[:-1]))
