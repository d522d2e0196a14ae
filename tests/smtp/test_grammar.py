"""Rows of what may stand behind MAIL, RCPT and BDAT."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.smtp.grammar import Chunk, MailFrom, is_foreign, read_chunk, read_mail_from, read_rcpt_to
from scaisend.smtp.verdict import Verdict
from tests.base import PlainTestCase

SENDERS = {
    "FROM:<>": MailFrom("", 0, "7BIT", False),
    "from: <a@b.test>": MailFrom("a@b.test", 0, "7BIT", False),
    "FROM:<a@b.test> SIZE=12 BODY=8bitmime": MailFrom("a@b.test", 12, "8BITMIME", False),
    "FROM:<@x.test,@y.test:a@b.test>": MailFrom("a@b.test", 0, "7BIT", False),
    "FROM:<\"a b\\\"@\"@[192.0.2.1]> BODY=7BIT": MailFrom('"a b\\"@"@[192.0.2.1]', 0, "7BIT", False),
    "FROM:<grå@bücher.test> SMTPUTF8": MailFrom("grå@bücher.test", 0, "7BIT", True),
    "FROM:<bounces+" + "x" * 200 + "@b.test>": MailFrom("bounces+" + "x" * 200 + "@b.test", 0, "7BIT", False),
    "FROM:<grå@b.test>": 553,
    "FROM:<a@b.test> SIZE=1 SIZE=2": 501,
    "FROM:<a@b.test> SIZE=": 501,
    "FROM:<a@b.test> SIZE=-1": 501,
    "FROM:<a@b.test> SIZE=²": 501,
    "FROM:<a@b.test> SIZE=" + "9" * 21: 501,
    "FROM:<a@b.test> BODY=BINARYMIME": 501,
    "FROM:<a@b.test> SMTPUTF8=1": 501,
    "FROM:<a@b.test> AUTH=<>": 555,
    "FROM:<a@b.test> RET=HDRS": 555,
    "FROM:<a@b.test>SIZE=1": 501,
    "FROM:a@b.test": 501,
    "FROM:<a>": 501,
    "FROM:<a@b.test": 501,
    "FROM:<a@b.test>>": 501,
    "FROM:<a@b@c.test>": 501,
    "FROM:<a b@c.test>": 501,
    "FROM:<.a@c.test>": 501,
    "FROM:<a@-c.test>": 501,
    "FROM:<a@c..test>": 501,
    "FROM:<" + "a" * 320 + "@c.test>": 501,
    "TO:<a@b.test>": 501,
    "": 501,
}
RECIPIENTS = {
    "TO:<a@b.test>": "a@b.test",
    "TO:<Postmaster>": "Postmaster",
    "to: <@x.test:a@b.test> ": "a@b.test",
    "TO:<>": 501,
    "TO:<a>": 501,
    "TO:<a@b.test> NOTIFY=NEVER": 555,
    "TO:<a@b.test> X=1 X=2": 501,
    "TO:<grå@b.test>": 553,
}


class GrammarTests(PlainTestCase):
    def test_senders(self) -> None:
        """MAIL is read by the book, with the liberties that real clients take, or refused with the fitting code."""
        for argument, expected in SENDERS.items():
            found = read_mail_from(argument)
            self.assertEqual(found.code if isinstance(found, Verdict) else found, expected, argument)

    def test_recipients(self) -> None:
        """RCPT likewise; the null path is no recipient."""
        for argument, expected in RECIPIENTS.items():
            found = read_rcpt_to(argument, is_utf8=False)
            self.assertEqual(found.code if isinstance(found, Verdict) else found, expected, argument)
        self.assertEqual(read_rcpt_to("TO:<grå@b.test>", is_utf8=True), "grå@b.test")

    def test_chunks(self) -> None:
        """BDAT takes a size and the word LAST, nothing else."""
        self.assertEqual(read_chunk("12"), Chunk(12, False))
        self.assertEqual(read_chunk("0 last"), Chunk(0, True))
        for argument in ("", "LAST", "-1", "1x", "1 2", "0x10", "1 LAST 2", "9" * 16):
            self.assertIsNone(read_chunk(argument), argument)

    def test_foreign_protocols(self) -> None:
        """An HTTP request or a header field is known for what it is; a mistyped command is not."""
        for line in ("GET / HTTP/1.1", "POST /x HTTP/1.0", "Host: mx", "Subject: hi"):
            self.assertTrue(is_foreign(line), line)
        self.assertFalse(is_foreign("HLEO x"))

    @settings(deadline=None, max_examples=300)
    @given(st.text(max_size=80))
    def test_anything(self, text: str) -> None:
        """No argument raises, and what is accepted holds no bracket, space outside quotes, or line end."""
        for prefix in ("", "FROM:<", "FROM:<a@b.test> "):
            found = read_mail_from(prefix + text)
            if isinstance(found, MailFrom):
                self.assertNotRegex(found.address, r"[\r\n\x00]")
        read_rcpt_to("TO:<" + text + ">", is_utf8=True)
        read_chunk(text)

    def test_long_paths_cost_little(self) -> None:
        """A path made to make a matcher try again and again is refused at once."""
        for _ in range(1000):
            read_mail_from("FROM:<" + "a." * 900 + "@>")
            read_mail_from("FROM:<a@" + "a-" * 900 + ">")
            read_mail_from("FROM:<@a" + ",@a" * 600 + ">")
