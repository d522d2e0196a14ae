"""Which keys an object may have."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.storage.objects import checked_key
from tests.base import PlainTestCase


class KeyTests(PlainTestCase):
    """Keys, good and bad."""

    def test_good(self) -> None:
        """Our own keys pass unchanged."""
        for key in ("bodies/msg_01k", "a", "images/tnt_1/img_2.thumbnail", "A-b_c.d"):
            self.assertEqual(checked_key(key), key)

    @settings(deadline=None)
    @given(st.text(alphabet="ab./\\\n\x00é", max_size=12))
    def test_no_way_out(self, key: str) -> None:
        """Whatever passes stays below the directory it is joined to."""
        try:
            checked_key(key)
        except ValueError:
            return
        words = key.split("/")
        self.assertTrue(all(word and not word.startswith(".") for word in words))
        self.assertTrue(key.isascii() and "\\" not in key and "\n" not in key)
