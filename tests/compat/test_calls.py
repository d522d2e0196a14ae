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


# Writes that administer nothing: mail, questions, and what changes nothing by itself.
UNNOTED = (
    "/v3/mail/send", "/v3/mail/batch", "/v3/user/webhooks/event/test", "/suppressions/search", "/validate", "/v3/verified_senders/resend/",
    "/v3/user/settings/enforced_tls",
)


class Calls(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.outcomes = outcomes()

    def test_every_call_is_answered(self) -> None:
        """With the status that the clients expect; or, where the table says that it is not offered, with a 404 in SendGrid's form."""
        self.assertEqual([f"{each.calling.method} {each.calling.path}: {each.status} {each.answer[:200]}" for each in self.outcomes if not each.is_good], [])
        self.assertEqual(len(self.outcomes), len(CALLS))

    def test_every_administrative_write_is_in_the_audit_log(self) -> None:
        """Whatever method but GET was answered with success, except for what administers nothing."""
        silent = [
            f"{each.calling.method} {each.calling.path}" for each in self.outcomes
            if each.calling.method != "GET" and each.status < 300 and not each.is_noted and not any(part in each.calling.path for part in UNNOTED)
        ]
        self.assertEqual(silent, [])
        self.assertEqual([each.calling.path for each in self.outcomes if each.calling.method == "GET" and each.is_noted], [])

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
