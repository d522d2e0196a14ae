from scaisend.app.commands.classify import explanation, read_reply
from scaisend.delivery.reply import classify
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class ReadingTests(PlainTestCase):
    def test_replies_are_read_as_they_are_pasted(self):
        """One line or several, from a log or a report, with `#` before the status, or a status alone."""
        rows = {
            "550 5.1.1 User unknown": (550, "5.1.1", "User unknown"),
            "smtp; 550-5.1.1 Not here": (550, "5.1.1", "Not here"),
            "550 User unknown": (550, None, "User unknown"),
            "550 sorry, no mailbox here (#5.1.1)": (550, "5.1.1", "sorry, no mailbox here (#5.1.1)"),
            "421": (421, None, ""),
            "5.2.2 mailbox full": (None, "5.2.2", "mailbox full"),
        }
        self.assertEqual({text: read_reply(text) for text in rows}, rows)

    def test_anything_else_is_refused(self):
        """A text without a code says so, with an example."""
        for text in ("", "hello", "999 no"):
            self.assertRaises(Invalid, read_reply, text)

    def test_the_explanation_names_rule_and_list(self):
        """What the operator sees holds the verdict, the rule, the list and the wait."""
        code, enhanced, text = read_reply("550 5.1.1 User unknown")
        shown = explanation(code, enhanced, text, classify(code, enhanced, text))
        self.assertEqual((shown["kind"], shown["rule"], shown["suppression"]), ("hard", "user-unknown", "bounces"))
        code, enhanced, text = read_reply("451 4.7.1 Greylisted, try again in 5 minutes")
        shown = explanation(code, enhanced, text, classify(code, enhanced, text))
        self.assertEqual((shown["kind"], shown["retry_hint_s"], shown["suppression"]), ("deferred", 300, None))
