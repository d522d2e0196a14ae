from scaisend.content.handlebars.helpers import BLOCKS, COUNTING, FUNCTIONS
from tests.base import PlainTestCase


class Helpers(PlainTestCase):
    def answer(self, name: str, *given: object) -> object:
        return FUNCTIONS[name].call(*given)

    def test_the_documented_ones(self) -> None:
        """Everything that SendGrid documents is there."""
        self.assertLessEqual({"equals", "notEquals", "greaterThan", "lessThan", "and", "or", "length", "insert", "formatDate"}, set(FUNCTIONS))
        self.assertEqual(BLOCKS, {"if", "unless", "each", "with"})

    def test_conditions(self) -> None:
        """Numbers are compared as numbers, what is none never; truth is JavaScript's but for the empty list."""
        self.assertEqual([self.answer("greaterThan", *pair) for pair in ((2, 1), ("10", "9"), (1, 1), ("a", 0), (None, -1))], [True, True, False, False, False])
        self.assertEqual([self.answer("lessThan", *pair) for pair in ((1, 2), (2, 1), (1, None))], [True, False, False])
        self.assertEqual([self.answer("and", *pair) for pair in ((1, -1), ({}, "0"), (1, []), (0, 1))], [True, True, False, False])
        self.assertEqual([self.answer("or", *pair) for pair in (("", 0), (None, False), ("", {}))], [False, False, True])
        self.assertTrue(COUNTING["greaterThan"].call(0, None, [1]))
        self.assertTrue(COUNTING["lessThan"].call(2, None, [1]))

    def test_insert(self) -> None:
        """The value, or the fallback where it is missing or empty; 0 and false are values."""
        self.assertEqual([self.answer("insert", value, "default=x") for value in (None, "", 0, False, "v")], ["x", "x", 0, False, "v"])
        self.assertEqual((self.answer("insert", None, "bare"), self.answer("insert", None), FUNCTIONS["insert"].call(None, default="n")), ("bare", None, "n"))

    def test_length_and_lookup(self) -> None:
        """Lists and texts have a length, all else 0; lookup finds by a name that is data."""
        self.assertEqual([self.answer("length", value) for value in ([1, 2], "abc", {}, 5, None)], [2, 3, 0, 0, 0])
        self.assertEqual([self.answer("lookup", *pair) for pair in (({"1": "a"}, 1), (["x"], 0), (None, "a"), ({"a": 1}, ["a"]), ("", "length"))], ["a", "x", None, None, ""])

    def test_no_date_is_nothing(self) -> None:
        """formatDate of a missing date is empty; a format that is no text is refused."""
        self.assertEqual(self.answer("formatDate", None, "YYYY"), "")
        self.assertRaises(ValueError, self.answer, "formatDate", 0, None)
