from scaisend.faults import Fault, Invalid
from scaisend.shape import MOST_FAULTS, Reader, finish, type_name, wrong_type
from tests.base import PlainTestCase


class ReaderTest(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.faults: list[Fault] = []

    def read(self, value: object) -> Reader:
        return Reader(value, self.faults)

    def test_good_values_come_back(self) -> None:
        """Each method answers the value it was asked for, and nothing is wrong."""
        reader = self.read({"name": "n", "count": 3, "on": False, "tags": ["a", "b"], "inner": {"x": 1}})
        self.assertEqual((reader.text("name"), reader.integer("count"), reader.flag("on"), reader.texts("tags")), ("n", 3, False, ["a", "b"]))
        inner = reader.object("inner")
        assert inner is not None
        self.assertEqual(inner.integer("x"), 1)
        reader.refuse_unknown({"name", "count", "on", "tags", "inner"})
        finish(self.faults)

    def test_all_faults_are_gathered_with_their_paths(self) -> None:
        """One reading finds everything that is wrong, each under its path and in SendGrid's words."""
        reader = self.read({"name": [], "count": True, "on": "yes", "tags": ["a", 5], "inner": {"x": "1"}, "more": 1})
        reader.text("name")
        reader.integer("count")
        reader.flag("on")
        self.assertEqual(reader.texts("tags"), ["a"])
        inner = reader.object("inner")
        assert inner is not None
        inner.integer("x")
        inner.text("y", required=True)
        reader.refuse_unknown({"name", "count", "on", "tags", "inner"})
        with self.assertRaises(Invalid) as caught:
            finish(self.faults)
        self.assertEqual(
            [(fault.field, fault.message) for fault in caught.exception.faults],
            [
                ("name", "Invalid type. Expected: string, given: array."),
                ("count", "Invalid type. Expected: integer, given: boolean."),
                ("on", "Invalid type. Expected: boolean, given: string."),
                ("tags.1", "Invalid type. Expected: string, given: integer."),
                ("inner.x", "Invalid type. Expected: integer, given: string."),
                ("inner.y", "The y parameter is required."),
                ("more", "This field is not known."),
            ],
        )

    def test_absent_and_null_answer_the_default(self) -> None:
        """A null counts as absent, unless the field is required; `has` tells them apart."""
        reader = self.read({"a": None})
        self.assertEqual((reader.text("a", default="d"), reader.texts("b", default=("e",)), reader.flag("c"), reader.object("d")), ("d", ["e"], None, None))
        self.assertTrue(reader.has("a") and not reader.has("b"))
        reader.integer("a", required=True)
        self.assertEqual([fault.field for fault in self.faults], ["a"])

    def test_bounds(self) -> None:
        """Too short, too long, too small, too great, too many, and characters that no column takes."""
        reader = self.read({"s": "", "l": "xx", "n": 1, "m": 9, "many": ["a", "b"], "nul": "a\0", "half": "\ud800"})
        reader.text("s", least=1)
        reader.text("l", most=1)
        reader.integer("n", least=2)
        reader.integer("m", most=8)
        reader.texts("many", most_items=1)
        reader.text("nul")
        reader.text("half")
        self.assertEqual([fault.field for fault in self.faults], ["s", "l", "n", "m", "many", "nul", "half"])

    def test_what_is_no_object_is_one_fault(self) -> None:
        """A body that is no object is said so once, and reading on does no harm."""
        self.assertIsNone(self.read([1]).text("a"))
        self.assertEqual(self.faults, [Fault("Invalid type. Expected: object, given: array.")])

    def test_names_of_types(self) -> None:
        """Types are called as JSON calls them."""
        self.assertEqual([type_name(value) for value in (None, True, 1, 1.5, "", [], {})], ["null", "boolean", "integer", "number", "string", "array", "object"])
        self.assertEqual(wrong_type("array", None), "Invalid type. Expected: array, given: null.")

    def test_a_flood_of_faults_is_cut(self) -> None:
        """A refusal carries a bounded number of faults."""
        with self.assertRaises(Invalid) as caught:
            finish([Fault("x")] * 5000)
        self.assertEqual(len(caught.exception.faults), MOST_FAULTS)
