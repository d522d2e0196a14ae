from urllib.parse import parse_qs, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.ids import letters
from scaisend.tracking.personal import ALL_MAIL, CLICK, LENGTH, OPEN, placeholder, token
from scaisend.tracking.targets import IN_TEXT, Followed, location, message_key, read_link, tracked_url
from tests.base import PlainTestCase

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
MESSAGE, OTHER_MESSAGE = "msg_" + letters(7), "msg_" + letters(8)
TARGET = "https://shop.test/a?b=1&c=2#d"


def link(number: int = 3, target: str = TARGET, message: str = MESSAGE, recipient: int = 1, key: bytes = KEY) -> tuple[str, str]:
    """The token and the target that a recipient's link says."""
    url = tracked_url("https://t.test", message_key(key, message), number, target).replace(placeholder(CLICK), token(key, CLICK, message, recipient))
    parts = urlsplit(url)
    return parts.path.removeprefix("/t/c/"), parse_qs(parts.query, keep_blank_values=True)["u"][0]


class LinkTests(PlainTestCase):
    def read(self, text: str) -> Followed:
        followed = read_link(KEY, text)
        assert followed is not None
        return followed

    @settings(deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 999), st.booleans())
    def test_round_trip(self, rest: str, number: int, in_text: bool) -> None:
        """A link names its recipient, number, kind of part and target, whatever the target holds; nothing in it need be escaped in HTML."""
        target = "https://x.test/" + rest
        text, told = link(number | (IN_TEXT if in_text else 0), target)
        followed = self.read(text)
        self.assertEqual((told, followed.leads_to(told), followed.number, followed.in_text), (target, True, number, in_text))
        self.assertEqual((followed.named.message_id, followed.named.recipient_number), (MESSAGE, 1))
        self.assertTrue(set("\"'<>& ").isdisjoint(tracked_url("https://t.test", message_key(KEY, MESSAGE), number, target)))

    def test_altered(self) -> None:
        """No letter of a token can be changed, none added or taken away."""
        text, _ = link()
        for place in range(len(text)):
            for letter in "a9Z_":
                if letter.lower() != text[place].lower():
                    self.assertIsNone(read_link(KEY, text[:place] + letter + text[place + 1 :]))
        for other in ("", text[:-1], text + "A", text[:LENGTH], text[:LENGTH] + "=" * 32, text[:LENGTH] + "é" * 32, link(key=OTHER_KEY)[0]):
            self.assertIsNone(read_link(KEY, other))

    def test_parts_of_other_links(self) -> None:
        """What is signed for another message, purpose or target is worth nothing here."""
        text, _ = link()
        self.assertIsNone(read_link(KEY, text[:LENGTH] + link(message=OTHER_MESSAGE)[0][LENGTH:]))
        for purpose in (OPEN, ALL_MAIL):
            self.assertIsNone(read_link(KEY, token(KEY, purpose, MESSAGE, 1) + text[LENGTH:]))
        for target in ("https://evil.test/", "", TARGET + "&", TARGET.replace("https", "http"), "https://shop.test/a?b=1&c=2"):
            self.assertFalse(self.read(text).leads_to(target))

    def test_other_recipients(self) -> None:
        """The recipients of a message share the link's part, so that one composed mail serves them all."""
        ours, theirs = link(recipient=1)[0], link(recipient=2)[0]
        self.assertEqual(ours[LENGTH:], theirs[LENGTH:])
        self.assertEqual(self.read(ours[:LENGTH] + theirs[LENGTH:]).named.recipient_number, 1)


class LocationTests(PlainTestCase):
    def test_rows(self) -> None:
        """A header's value: ASCII, hosts in A-labels, nothing that ends a line; what is fine stays as it is."""
        for target, wanted in (
            (TARGET, TARGET),
            ("https://x.test/%20?a=%C3%BC", "https://x.test/%20?a=%C3%BC"),
            ("http://bücher.test:8080/ü b?ü#ü", "http://xn--bcher-kva.test:8080/%C3%BC%20b?%C3%BC#%C3%BC"),
            ("https://x.test/\r\nSet-Cookie: a=b\x00", "https://x.test/%0D%0ASet-Cookie:%20a=b%00"),
            ("https://me@ü.test/", "https://me@xn--tda.test/"),
        ):
            self.assertEqual(location(target), wanted)
        for wrong in ("javascript:alert(1)", "//evil.test", "https://", "https:x", "/here", "https://[x", "http://ü..test/"):
            self.assertRaises(ValueError, location, wrong)
