from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.address import Address, a_labels, domain_of, fold, is_valid, parse
from tests.base import PlainTestCase

# RFC 3696 section 3 (with its errata), RFC 5321 4.1.2, RFC 6531, and what the field sends.
GOOD = (
    "a@example.com",
    "user+mailbox@example.com",
    "customer/department=shipping@example.com",
    "$A12345@example.com",
    "!def!xyz%abc@example.com",
    "_somename@example.com",
    "#!$%&'*+-/=?^_`{}|~@example.org",
    "much.more.unusual@sub.sub.example.co.uk",
    "very-long-" + "x" * 54 + "@example.com",
    "a@" + "b" * 63 + ".com",
    "x@" + "a." * 124 + "de",
    '"Abc@def"@example.com',
    '"Fred Bloggs"@example.com',
    r'"Joe.\\Blow"@example.com',
    r'"Abc\@def"@example.com',
    '"much.more unusual"@example.com',
    '" "@example.org',
    '""@example.org',
    "admin@123.example.com",
    "admin@1.2.3.4.example",
    "user@xn--bcher-kva.example",
    "user@r3---sn.example.com",
    "user@EXAMPLE.Com",
    "jörg@example.de",
    "user@bücher.example",
    "用户@例子.广告",
    "उपयोगकर्ता@उदाहरण.कॉम",
    '"jörg müller"@example.de',
    "user@bücher。example",
)
BAD = (
    "", "@", "a", "a@", "@example.com", "Abc.example.com", "A@b@c@example.com", "a@localhost", "a@com", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]",
    "a@192.0.2.1", "a@1.2.3.456", "a@example.com.", "a@.example.com", "a@example..com", ".a@example.com", "a.@example.com", "a..b@example.com",
    "a@-example.com", "a@example-.com", "a@exa_mple.com", "a@" + "b" * 64 + ".com", "x" * 65 + "@example.com", "x@" + "a." * 126 + "de",
    "a b@example.com", " a@example.com", "a@example.com ", "a@exam ple.com", "<a@example.com>", "a<b@example.com", '"a<b"@example.com',
    '"a>b"@example.com', r'"a\>b"@example.com', 'a"b(c)d,e:f;g<h>i[j\\k]l@example.com', 'just"not"right@example.com', '"a"b@example.com',
    '"unclosed@example.com', '"a\\"@example.com', "this\\ is@example.com", "a@example.com,b@example.com", "a@example.com;b@example.com",
    "a@example.com\n", "a\n@example.com", "a\r\n@example.com", '"a\r\nb"@example.com', '"a\0b"@example.com', "a\0@example.com", "a@example.com\0",
    "a\t@example.com", "a\x7f@example.com", "a(comment)@example.com", "a@example.com/x", "a@example.com?x=1", "mailto:a@", "a＠example.com",
    "ü" * 33 + "@example.com", "a@ü..example", "a@" + "ü" * 64 + ".example", "a@exa\u200bmple\u2028.com", "ü\u2028@example.com", "ü\u0085@example.com",
    "ü\u202e@example.com", "ü\u00a0@example.com", "a@ex／ample.com", "a@。com",
)


class ParseTests(PlainTestCase):
    def test_good(self) -> None:
        """Addresses that the RFCs allow are taken, by both doors."""
        for address in GOOD:
            self.assertTrue(is_valid(address), address)
            self.assertEqual(parse(address).text, address)

    def test_bad(self) -> None:
        """What is no address, or no recipient anyone has, is refused by both doors, and the refusal repeats nothing of it."""
        for address in BAD:
            self.assertFalse(is_valid(address), address)
            error = self.assertRaises(ValueError, parse, address)
            self.assertNotIn("example", str(error))

    def test_plain(self) -> None:
        """The domain is lower case, the local part as given."""
        self.assertEqual(parse("John.Doe@Example.COM"), Address("John.Doe", "example.com", False, "John.Doe@Example.COM"))

    def test_internationalised_domain(self) -> None:
        """A domain in Unicode becomes A-labels and needs no SMTPUTF8."""
        self.assertEqual(parse("a@Bücher.example"), Address("a", "xn--bcher-kva.example", False, "a@Bücher.example"))

    def test_internationalised_local_part(self) -> None:
        """Only a local part outside ASCII needs SMTPUTF8."""
        self.assertTrue(parse("jörg@example.de").smtputf8)
        self.assertFalse(parse('"j rg"@example.de').smtputf8)

    def test_lengths(self) -> None:
        """64 octets of local part and 254 in all are the most, counted in UTF-8 and in A-labels."""
        self.assertTrue(is_valid("ü" * 32 + "@example.com"))
        self.assertFalse(is_valid("ü" * 32 + "x@example.com"))
        domain = ".".join(["d" * 60] * 3) + "."
        self.assertTrue(is_valid(f"{'x' * 64}@{domain}{'e' * (254 - 65 - len(domain))}"))
        self.assertFalse(is_valid(f"{'x' * 64}@{domain}{'e' * (255 - 65 - len(domain))}"))

    def test_domain_of(self) -> None:
        """The domain is that right of the last @, in A-labels."""
        self.assertEqual(domain_of('"a@b"@Example.com'), "example.com")
        self.assertEqual(domain_of("a@bücher.example"), "xn--bcher-kva.example")
        self.assertRaises(ValueError, a_labels, "bücher")

    @settings(deadline=None, max_examples=200)
    @given(st.text() | st.from_regex(r"[\w.\"\\ @-]{1,20}@[\w.-]{1,20}", fullmatch=True))
    def test_doors_agree(self, text: str) -> None:
        """is_valid says yes to exactly what parse takes; what is taken has no control characters and goes on a line."""
        try:
            address = parse(text)
        except ValueError:
            self.assertFalse(is_valid(text))
            return
        self.assertTrue(is_valid(text))
        self.assertTrue(address.domain.isascii() and "." in address.domain)
        self.assertEqual(parse(f"{address.local}@{address.domain}").domain, address.domain)
        self.assertEqual(len(text.splitlines()), 1)
        self.assertFalse(set(text) & set("\r\n\0<>"))


class FoldTests(PlainTestCase):
    def test_same_mailbox(self) -> None:
        """Spellings of one mailbox fold to the same key."""
        for one, other in (
            ("Bob@Example.com", "bob@example.com"),
            ('"bob"@example.com', "bob@example.com"),
            (r'"b\ob"@example.com', "bob@example.com"),
            (r'"b\ b"@example.com', '"b b"@example.com'),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("JÖRG@example.de", "jörg@example.de"),
            ("jo\u0308rg@example.de", "jörg@example.de"),
        ):
            self.assertEqual(fold(one), fold(other))

    def test_other_mailbox(self) -> None:
        """Mailboxes that differ stay apart."""
        self.assertNotEqual(fold("a+b@example.com"), fold("a@example.com"))
        self.assertNotEqual(fold('"a b"@example.com'), fold("ab@example.com"))
        self.assertNotEqual(fold(r'"a\"b"@example.com'), fold("ab@example.com"))

    @settings(deadline=None, max_examples=200)
    @given(st.text())
    def test_folds_once(self, text: str) -> None:
        """Any text can be folded, and a key folds to itself."""
        self.assertEqual(fold(fold(text)), fold(text))
