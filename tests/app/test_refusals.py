"""How a refusal is told on a terminal."""

from scaisend.app.refusals import lines_of
from scaisend.faults import Fault, Invalid
from tests.base import PlainTestCase


class Lines(PlainTestCase):
    def test_a_line_names_the_field_the_fault_and_the_cure(self) -> None:
        """A message that names its field already does not name it twice."""
        self.assertEqual(lines_of(Invalid([Fault("is wrong", "A", "do this"), Fault("A: is wrong", "A"), Fault("run `x`", None, "run `x`")])), [
            "scaisend: A: is wrong (do this)", "scaisend: A: is wrong", "scaisend: run `x`",
        ])
