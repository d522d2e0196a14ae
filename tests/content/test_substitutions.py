"""Literal substitutions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.content.substitutions import TooMuchText, substitute, whole_values
from tests.base import PlainTestCase

_SHORT = st.text(st.sampled_from("ab-"), max_size=4)


class Substitutions(PlainTestCase):
    def test_literal_and_longest_first(self) -> None:
        """Keys are literal, whatever signs they hold; of overlapping ones the longest wins."""
        self.assertEqual(substitute("%a.b% x* {{n}}", {"%a.b%": "1", "x*": "2", "{{n}}": r"\g<0>"}), r"1 2 \g<0>")
        self.assertEqual(substitute("-name-first-", {"-name": "short", "-name-first-": "long"}), "long")

    def test_values_are_not_searched_for_their_own_key(self) -> None:
        """A value may contain its key, or another's."""
        self.assertEqual(substitute("name", {"name": "Rename me", "me": "x"}), "Rename me")

    def test_an_empty_key_does_nothing(self) -> None:
        """An empty key would stand between any two letters; it is passed over."""
        self.assertEqual(substitute("abc", {"": "x"}), "abc")

    def test_sections(self) -> None:
        """A section holds substitutions, and a substitution names sections; loops end."""
        values = whole_values({"-city-": "-long-", "-name-": "Ann"}, {"-long-": "Dear -name- of -city-", "-other-": "-long-"})
        self.assertEqual(substitute("-city-", values), "Dear Ann of -long-")
        self.assertEqual(substitute("-long-", values), "Dear Ann of -long-")

    @settings(deadline=None)
    @given(st.text(st.sampled_from("ab- "), max_size=40), st.dictionaries(_SHORT, _SHORT, max_size=4))
    def test_what_is_left_is_untouched(self, text: str, values: dict[str, str]) -> None:
        """With keys replaced by themselves nothing changes, and without keys in the text neither."""
        self.assertEqual(substitute(text, {key: key for key in values}), text)
        self.assertEqual(substitute(text, {"§" + key: value for key, value in values.items()}), text)

    def test_bombs(self) -> None:
        """Text that grows beyond the limit, sections that do so together, and too many keys for a text are refused."""
        self.assertRaises(TooMuchText, substitute, "x" * 1000, {"x": "y" * 1000}, 10_000)
        self.assertEqual(len(substitute("x" * 10, {"x": "y" * 1000}, 10_000)), 10_000)
        sections = {f"s{number}": "x" * 10 for number in range(10)}
        self.assertRaises(TooMuchText, whole_values, {"x": "y" * 100}, sections, 5_000)
        self.assertRaises(TooMuchText, substitute, "a" * 1_000_000, {f"k{number}": "" for number in range(1000)})
