"""Log lines: one event a line, no secrets."""

import io
import json
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogLevel, formatEvent
from twisted.python.failure import Failure

from scaisend.app.logs import JsonLines, TextLines, redacted
from tests.base import PlainTestCase

KEY = "sg_live_" + "0123456789abcdef" * 2


def event(form: str, **more: object) -> dict[str, object]:
    return {"log_time": 1_800_000_000.5, "log_level": LogLevel.warn, "log_namespace": "scaisend.test", "log_format": form} | more


class Redaction(PlainTestCase):
    def test_secrets_are_taken_out(self) -> None:
        """API keys, bearer credentials and passwords of URLs go; what tells them apart stays."""
        self.assertEqual(redacted(f"key {KEY} of {KEY}"), "key sg_live_… of sg_live_…")
        self.assertEqual(redacted("Authorization: Bearer abc.def.ghi!"), "Authorization: Bearer …")
        self.assertEqual(redacted("mysql://u:p%40ss@db/n and redis://:p@h:6379"), "mysql://…@db/n and redis://…@h:6379")
        self.assertEqual(redacted("http://localhost:8000/x @ noon"), "http://localhost:8000/x @ noon")

    def test_secrets_in_tracebacks_are_taken_out(self) -> None:
        """What an exception says is a line of a log too."""
        try:
            raise ValueError(f"no {KEY}")
        except ValueError:
            failure = Failure()
        for observer in (JsonLines, TextLines):
            out = io.StringIO()
            observer(out)(event("failed", log_failure=failure))
            self.assertIn("ValueError: no sg_live_…", out.getvalue())
            self.assertNotIn(KEY, out.getvalue())

    def test_a_traceback_steers_no_terminal(self) -> None:
        """What a peer said may stand in an exception: its control characters are shown, not sent."""
        try:
            raise ValueError("peer said \x1b[2J\x9b1m")
        except ValueError:
            failure = Failure()
        for observer in (JsonLines, TextLines):
            out = io.StringIO()
            observer(out)(event("failed", log_failure=failure))
            self.assertFalse(set(out.getvalue()) & {"\x1b", "\x9b"})
        self.assertIn("ValueError: peer said \\x1b[2J\\x9b1m\n", out.getvalue())


class Lines(PlainTestCase):
    def test_json_lines_carry_the_known_fields(self) -> None:
        """Moment, level, origin, text, and of the event's fields those that are known."""
        out = io.StringIO()
        JsonLines(out)(event("sent {message_id}", message_id="msg_1", tenant_id="tnt_1", body="secret"))
        line = json.loads(out.getvalue())
        self.assertEqual(datetime.fromisoformat(line.pop("at")).timestamp(), 1_800_000_000.5)
        self.assertEqual(line, {
            "level": "warn", "from": "scaisend.test", "text": "sent msg_1", "message_id": "msg_1", "tenant_id": "tnt_1",
        })

    def test_json_takes_values_that_are_not_json(self) -> None:
        """An odd value is written as its text; no event is lost to it."""
        out = io.StringIO()
        JsonLines(out)(event("x", status=object, tenant_id=b"\xff"))
        self.assertIn("status", json.loads(out.getvalue()))

    def test_an_event_that_cannot_be_formatted_is_still_a_line(self) -> None:
        """A missing field is a fault of the caller and no reason to stay silent."""
        broken = event("sent {missing}")
        out = io.StringIO()
        TextLines(out)(broken)
        self.assertIn(formatEvent(broken)[:20], out.getvalue())

    @settings(deadline=None, max_examples=200)
    @given(st.text())
    def test_whatever_a_peer_says_is_one_line(self, words: str) -> None:
        """Line ends and control characters cannot forge a second line or steer a terminal."""
        for observer in (JsonLines, TextLines):
            out = io.StringIO()
            observer(out)(event("peer said {text}", text=words))
            self.assertEqual(out.getvalue().count("\n"), 1)
            self.assertFalse(set(out.getvalue()[:-1]) & {chr(code) for code in (*range(9), *range(10, 32), 127, 0x9B)})
