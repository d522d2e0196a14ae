import contextlib
import io
import json

from scaisend.app.cli import main
from tests.accuracy import FIXTURES
from tests.base import PlainTestCase


def said(*arguments: str) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(["inbound", "parse", *arguments])
    return code, out.getvalue(), errors.getvalue()


class ParseTests(PlainTestCase):
    def test_a_line_a_file(self) -> None:
        """One JSON value a file, in the order given, with just the fields that are promised."""
        names = [str(FIXTURES / name) for name in ("generated-postfix-06.eml", "sisimai-arf-17.eml", "rubymail-example02.eml")]
        code, out, errors = said("--json", *names)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((code, errors, [line["file"] for line in lines]), (0, "", names))
        self.assertEqual([line["kind"] for line in lines], ["delay", "arf", "other"])
        for line in lines:
            self.assertEqual(set(line), {"file", "kind", "recipients", "feedback_type", "original_message_id", "rule"})
        self.assertEqual(lines[0]["recipients"][0] | {"diagnostic": ""}, {
            "recipient": "greylist@remote.test", "action": "delayed", "status": "4.7.1", "diagnostic": "", "bounce_type": None,
        })
        self.assertEqual((lines[1]["feedback_type"], len(lines[1]["recipients"])), ("abuse", 2))

    def test_for_people(self) -> None:
        """Without --json a file is a line, and each recipient one below."""
        code, out, _ = said(str(FIXTURES / "mbd-bounce_qmail_no_host_found.eml"))
        self.assertEqual(code, 0)
        self.assertIn("bounce, by rule text.qmail\n  god@heaven.af.mil: failed; hard by domain-unknown", out)

    def test_a_file_that_is_not_there(self) -> None:
        """It is named, the exit code is 1, and the others are read."""
        code, out, errors = said("--json", "/nowhere/x.eml", str(FIXTURES / "generated-postfix-06.eml"))
        self.assertEqual((code, len(out.splitlines())), (1, 1))
        self.assertIn("/nowhere/x.eml", errors)
