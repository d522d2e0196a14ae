"""How a refusal is told on a terminal."""

from scaisend.app.refusals import lines_of
from scaisend.faults import Conflict, Fault, Invalid, Unavailable
from tests.base import PlainTestCase


class Lines(PlainTestCase):
    def test_a_line_names_the_field_the_fault_and_the_cure(self) -> None:
        """A message that names its field already does not name it twice."""
        self.assertEqual(lines_of(Invalid([Fault("is wrong", "A", "do this"), Fault("A: is wrong", "A"), Fault("run `x`", None, "run `x`")])), [
            "scaisend: A: is wrong (do this)", "scaisend: A: is wrong", "scaisend: run `x`",
        ])

    def test_a_field_is_called_as_it_was_given(self) -> None:
        """On a command line it is an argument; a field without one keeps its name."""
        error = Invalid([Fault("is wrong", "to.0.email"), Fault("the name is wrong", "name"), Fault("is wrong", "other"), Fault("is wrong")])
        self.assertEqual(lines_of(error, {"to.*": "--to", "name": "NAME"}), [
            "scaisend: --to: is wrong", "scaisend: NAME: the name is wrong", "scaisend: other: is wrong", "scaisend: is wrong",
        ])

    def test_what_several_things_match_is_listed(self) -> None:
        """The reader is told to choose one, so they stand there."""
        self.assertEqual(lines_of(Conflict("names two", "id", ids=["msg_a", "msg_b"])), ["scaisend: id: names two", "scaisend: the ids are msg_a msg_b"])

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
