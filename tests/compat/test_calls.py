"""SendGrid's official clients against a running ScaiSend."""

from functools import cache

from scaisend.app.unsupported_api import TABLE
from tests.base import PlainTestCase
from tests.compat.calls import CALLS
from tests.compat.running import PAGE, Outcome, page, run_calls


@cache
def outcomes() -> list[Outcome]:
    """The calls are made once for all tests."""
    return run_calls()


class Calls(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.outcomes = outcomes()

    def test_every_call_is_answered(self) -> None:
        """With the status that the clients expect; or, where the table says that it is not offered, with a 404 in SendGrid's form."""
        self.assertEqual([f"{each.calling.method} {each.calling.path}: {each.status} {each.answer[:200]}" for each in self.outcomes if not each.is_good], [])
        self.assertEqual(len(self.outcomes), len(CALLS))

    def test_the_page_is_current(self) -> None:
        """docs/sendgrid-compatibility.md says what the server answers; `python -m tests.compat` writes it."""
        self.assertEqual(PAGE.read_text(encoding="utf-8"), page(self.outcomes))

    def test_refusals_tell_why(self) -> None:
        """Each refusal of the table has its reason in `help`."""
        reasons = {each.reason for each in TABLE}
        refused = [each for each in self.outcomes if each.status != each.calling.expected]
        self.assertTrue(refused)
        for each in refused:
            self.assertIn(each.reason, reasons)
            self.assertIn(str(each.reason), each.answer)
