from scaisend.content.template_request import read_generations, read_version, warnings_of
from scaisend.content.templates_store import Version
from scaisend.faults import Invalid
from scaisend.http.call import Call
from tests.base import PlainTestCase

BEFORE = Version("v", "t", True, "n", "s", True, "code", 1.0, "<p>a</p>", "a", None)


class TemplateRequest(PlainTestCase):
    def test_applied(self) -> None:
        """What is not named stays; the text is made anew only when the HTML was, or when it is to be from now on."""
        self.assertEqual(read_version({}, is_new=False).applied(BEFORE, 1.0), BEFORE)
        self.assertEqual(read_version({"html_content": "<p>b</p>", "plain_content": "mine"}, is_new=False).applied(BEFORE, 2.0).plain_content, "b")
        self.assertEqual(read_version({"plain_content": "mine"}, is_new=False).applied(BEFORE, 2.0).plain_content, "mine")
        self.assertEqual(read_version({"generate_plain_content": False, "plain_content": "x"}, is_new=False).applied(BEFORE, 2.0).plain_content, "x")

    def test_active(self) -> None:
        """0, 1, true and false; nothing else."""
        for given, read in ((0, False), (1, True), (True, True), (None, None)):
            self.assertEqual(read_version({"active": given}, is_new=False).active, read)
        for given in (2, "1", [], {}, -1):
            self.assertRaises(Invalid, read_version, {"active": given}, is_new=False)

    def test_generations(self) -> None:
        """legacy without asking; both in any order."""
        for asked, read in ((None, ["legacy"]), ("dynamic", ["dynamic"]), ("dynamic,legacy", ["dynamic", "legacy"])):
            self.assertEqual(read_generations(Call(query={"generations": [asked]} if asked else {})), read)

    def test_warnings(self) -> None:
        """Only legacy versions lack tags."""
        self.assertEqual((len(warnings_of(BEFORE, "legacy")), warnings_of(BEFORE, "dynamic")), (2, []))
