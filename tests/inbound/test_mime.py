from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.inbound.mime import (
    LONGEST_MAIL,
    MOST_DEPTH,
    MOST_PARTS,
    decoded,
    plain_of_html,
    read_fields,
    read_mail,
    words,
)
from tests.base import PlainTestCase


class PartsTests(PlainTestCase):
    def test_a_plain_mail(self):
        """One part with its fields, folded ones joined, names in lower case; an mbox line before it is passed over."""
        mail = read_mail(b"From x Mon Jan  1\r\nSubject: a\r\n b\r\nX-Y: 1\r\n\r\nhello\r\n")
        self.assertEqual((mail.top.field("subject"), mail.top.field("x-y"), mail.top.field("none")), ("a b", "1", ""))
        self.assertEqual((mail.parts[0].media_type, mail.parts[0].text()), ("text/plain", "hello\n"))

    def test_nested_parts(self):
        """Leaves in order; a mail inside is one part; the text before the first boundary and after the last is none."""
        mail = read_mail(
            b'Content-Type: multipart/mixed; boundary="a"\n\npreamble\n--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n'
            b"Content-Type: text/html\n\n<p>two</p>\n--b--\n--a\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--a--\nepilogue\n"
        )
        self.assertEqual([part.media_type for part in mail.parts], ["text/plain", "text/html", "message/rfc822"])
        self.assertEqual([part.text().strip() for part in mail.parts], ["one", "two", "Subject: inner\n\ntext"])

    def test_encodings(self):
        """base64 and quoted-printable are undone, broken ones as far as they go; unknown charsets are Latin-1."""
        rows = {
            b"Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n": "hello", b"Content-Transfer-Encoding: base64\n\n!!!\n": "",
            b"Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc\n": "a=bc\n", b"Content-Type: text/plain; charset=nonsense\n\n\xe4\n": "ä\n",
            b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%\"\x1b(B": "ア", b"\n\xc3\xa4 \xff": "Ã¤ ÿ",
        }
        self.assertEqual({raw: read_mail(raw).parts[0].text() for raw in rows}, {**rows})

    def test_charsets_that_bite(self):
        """UTF-7 that spells lone surrogates, and codecs that are none of mail's, give text that every encoding takes, soon."""
        for charset in ("utf-7", "unicode-1-1-utf-7", "punycode", "idna", "unicode_escape", "rot13", "hex", "undefined", "utf-16", "utf-32"):
            text = decoded(b"+2AA- \\ud800 xn--a \xff" * 2000, charset)
            self.assertEqual(text.encode("utf-8").decode("utf-8"), text, charset)

    def test_broken_boundaries(self):
        """A boundary that never comes leaves one text; one that the header forgot is found in the body; a missing last one is no matter."""
        self.assertEqual([p.media_type for p in read_mail(b"Content-Type: multipart/mixed; boundary=x\n\nall text\n").parts], ["text/plain"])
        forgot = b"Content-Type: multipart/mixed;\n\n------=_Part_1\nContent-Type: text/plain\n\none\n------=_Part_1\n\ntwo\n------=_Part_1--\n"
        self.assertEqual([p.text() for p in read_mail(forgot).parts], ["one", "two"])
        self.assertEqual([p.text() for p in read_mail(b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n").parts], ["one\n"])

    def test_bounds(self):
        """Parts, depth and octets are bounded."""
        many = b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nz\n" * 5000
        self.assertEqual(len(read_mail(many).parts), MOST_PARTS)
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(1000))
        self.assertEqual(len(read_mail(deep).parts), 1)
        self.assertLess(MOST_DEPTH, 10)
        self.assertLessEqual(len(read_mail(b"\n" + b"x" * (LONGEST_MAIL * 2)).top.body), LONGEST_MAIL)

    def test_words(self):
        """Encoded words are read, broken ones left as they are."""
        rows = {"=?utf-8?q?Gr=C3=BC=C3=9Fe?=": "Grüße", "=?x-unknown?b?aGk=?=": "hi", "=?utf-8?b?a?=": "=?utf-8?b?a?=", "plain": "plain"}
        self.assertEqual({value: words(value) for value in rows}, rows)

    def test_fields_in_groups(self):
        """Groups are parted by empty lines, folded values joined, other lines left out."""
        self.assertEqual(read_fields("A: 1\n  more\nnot a field\n\n \nB : 2\n"), [[("a", "1 more")], [("b", "2")]])

    def test_html(self):
        """Tags and styles are gone, blocks are lines, entities are characters."""
        self.assertEqual(plain_of_html("<style>x{}</style><p>a&amp;b</p>c<br>d&#x41;&#xD800;").split(), ["a&b", "c", "dA?"])

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=2000))
    def test_any_octets(self, octets):
        """Anything is a mail; text never fails."""
        for part in read_mail(octets).parts:
            self.assertIsInstance(part.text(), str)
        self.assertIsInstance(decoded(octets, octets[:10].decode("latin-1")), str)
