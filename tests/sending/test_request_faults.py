from scaisend.sending.request_faults import MOST_FAULTS, NO_HELP, Found, shown
from tests.base import PlainTestCase
from tests.sending.bodies import fault


class FoundTests(PlainTestCase):
    def test_help(self) -> None:
        """The help follows from the field: without indexes, and without the last step in a mailbox."""
        for field, anchor in (
            ("from.email", "message.from"), ("personalizations.12.to.3.email", "message.personalizations.to"), ("content.0.value", "message.content.value"),
            ("reply_to_list.0.name", "message.reply_to_list"), ("subject", "message.subject"),
        ):
            found = Found()
            found.add("x", field)
            self.assertEqual(found.faults, [fault("x", field, anchor)])

    def test_no_help(self) -> None:
        """Some faults have no help."""
        found = Found()
        found.add("x", "content", NO_HELP)
        self.assertEqual(found.faults, [fault("x", "content")])

    def test_bounded(self) -> None:
        """Neither the number of faults nor what they repeat grows with the request."""
        found = Found()
        found.add_unknown({f"{n}": 1 for n in range(MOST_FAULTS + 5)}, frozenset(), "")
        self.assertEqual(len(found.faults), MOST_FAULTS)
        self.assertEqual(len(shown("x" * 1_000_000)), 101)
