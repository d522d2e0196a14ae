"""How a refusal is told on a terminal."""

from scaisend.app.refusals import lines_of
from scaisend.faults import Fault, Invalid, Unavailable
from tests.base import PlainTestCase


class Lines(PlainTestCase):
    def test_a_line_names_the_field_the_fault_and_the_cure(self) -> None:
        """A message that names its field already does not name it twice."""
        self.assertEqual(lines_of(Invalid([Fault("is wrong", "A", "do this"), Fault("A: is wrong", "A"), Fault("run `x`", None, "run `x`")])), [
            "scaisend: A: is wrong (do this)", "scaisend: A: is wrong", "scaisend: run `x`",
        ])

    def test_a_dependency_that_is_away_says_why(self) -> None:
        """What a server answered stands on the line, without its number and without passwords; what the refusal tells already does not."""
        for cause, end in (
            (OSError(1045, "Access denied for user 'scaisend'@'localhost' (using password: YES)"), ": Access denied for user 'scaisend'@'localhost' (using password: YES)"),
            (ValueError("no route to http://key:hunter2@store.example"), ": no route to http://…@store.example"),
            (TimeoutError(), ": TimeoutError"), (ValueError("the object store is"), ""), (None, ""),
        ):
            error = Unavailable("objects")
            error.__cause__ = cause
            self.assertEqual(lines_of(error), [f"scaisend: the object store is not available at the moment, please try again{end}"])
