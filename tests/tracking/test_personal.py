from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.ids import letters
from scaisend.tokens import return_path_token
from scaisend.tracking.personal import (
    ALL_MAIL,
    GROUP,
    LENGTH,
    PREFERENCES,
    PURPOSES,
    Named,
    placeholder,
    read_token,
    token,
    tokens,
)
from tests.base import PlainTestCase

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
MESSAGE = "msg_" + letters(0x0123456789ABCDEF0123456789ABCDEF)


class TokenTests(PlainTestCase):
    @settings(deadline=None)
    @given(st.sampled_from(sorted(PURPOSES)), st.integers(0, 2**128 - 1), st.integers(0, 65_535))
    def test_round_trip(self, purpose: str, number: int, recipient_number: int) -> None:
        """A token names its recipient and purpose, in any case, and has always the placeholder's length and letters."""
        text = token(KEY, purpose, "msg_" + letters(number), recipient_number)
        self.assertEqual(len(text), LENGTH)
        self.assertEqual(read_token(KEY, text.upper(), PURPOSES), Named(purpose, "msg_" + letters(number), recipient_number))
        self.assertTrue(text.isalnum() and text.isascii() and text == text.lower())

    def test_altered(self) -> None:
        """No letter of a token can be changed, none added or taken away; another key's token is not ours."""
        text = token(KEY, ALL_MAIL, MESSAGE, 1)
        for place in range(len(text)):
            for letter in "abcdefghijklmnopqrstuvwxyz234567":
                if letter != text[place]:
                    self.assertIsNone(read_token(KEY, text[:place] + letter + text[place + 1 :], PURPOSES))
        for other in (text[:-1], text + "a", "", text[:-1] + "=", "é" * LENGTH, "0" * LENGTH, token(OTHER_KEY, ALL_MAIL, MESSAGE, 1), f" {text[1:]}", text + "\r\n"):
            self.assertIsNone(read_token(KEY, other))

    def test_no_other_purpose(self) -> None:
        """A token of one purpose, or a return path, is none of another."""
        self.assertEqual(len(set(tokens(KEY, (ALL_MAIL, GROUP, PREFERENCES), MESSAGE, 0).values())), 3)
        self.assertIsNone(read_token(KEY, token(KEY, "x", MESSAGE, 0)))
        self.assertIsNone(read_token(KEY, return_path_token(KEY, MESSAGE, 0, 0.0)[:LENGTH]))

    def test_address_fits(self) -> None:
        """unsubscribe+<token> is a local part that every server takes."""
        self.assertLessEqual(len(f"unsubscribe+{token(KEY, GROUP, MESSAGE, 1)}"), 64)

    def test_placeholders(self) -> None:
        """Each purpose has its own, of a token's length, that no token can be."""
        found = {placeholder(each) for each in PURPOSES}
        self.assertEqual((len(found), {len(each) for each in found}, {each[0] for each in found}), (len(PURPOSES), {LENGTH}, {"0"}))
        self.assertTrue(all(read_token(KEY, each, PURPOSES) is None for each in found))
