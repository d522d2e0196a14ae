from scaisend.content.handlebars import values
from tests.base import PlainTestCase


class Values(PlainTestCase):
    def test_numbers(self) -> None:
        """Numbers print as in JavaScript: no .0, exponents from 1e21 and below 1e-6, whole ones beyond 2^53 rounded."""
        for number, text in (
            (0, "0"), (-0.0, "0"), (1.0, "1"), (-3, "-3"), (2.5, "2.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"), (1.25e-7, "1.25e-7"), (0.00015, "0.00015"), (12345678901234567890, "12345678901234567000"), (2**53 - 1, "9007199254740991"),
            (1e16, "10000000000000000"), (123456789012345680000.0, "123456789012345680000"), (float("inf"), "Infinity"), (10**400, "Infinity"), (-1.5e-10, "-1.5e-10"),
        ):
            self.assertEqual(values.number_text(number), text)

    def test_number(self) -> None:
        """Texts are numbers when all of them is one."""
        for value, number in (("", 0.0), (" 12 ", 12.0), ("1e3", 1000.0), ("0x1F", 31.0), (True, 1.0), ([], 0.0), ([5], 5.0), ("-.5", -0.5)):
            self.assertEqual(values.number(value), number)
        for value in ("12px", "1,5", None, {}, [1, 2], "1_000", "٣", "nan", "inf", "9" * 1000):
            number = values.number(value)
            self.assertNotEqual(number, number, value)

    def test_lookup_knows_data_alone(self) -> None:
        """Keys of dicts, places and length of lists and texts; no attribute of anything."""
        for value, name, found in (
            ({"a": 1}, "a", 1), ({"a": 1}, "keys", None), ([1, 2], "1", 2), ([1, 2], "2", None), ([1], "01", None), ([1], "-1", None), ([1], "length", 1),
            ("ab", "1", "b"), ("a\U0001f600", "length", 3), ("ab", "upper", None), (5, "real", None), (None, "a", None), ([1], "append", None), ([1], "²", None),
        ):
            self.assertEqual(values.lookup(value, name), found)

    def test_order_of_keys(self) -> None:
        """Keys that are indexes come first, by number."""
        self.assertEqual([key for key, _ in values.entries({"b": 1, "10": 1, "9": 1, "01": 1, "a": 1})], ["9", "10", "b", "01", "a"])

    def test_equal(self) -> None:
        """Scalars by their text, objects by identity, null only to null."""
        one: list[object] = [1]
        for left, right, expected in ((3, "3", True), (True, "true", True), (1, True, False), (None, None, True), (None, "", False), (one, one, True), (one, [1], False), (1.0, 1, True)):
            self.assertEqual(values.equal(left, right), expected)
