from scaisend.inbound.bounce_type import bounce_type, reply_in
from tests.base import PlainTestCase

ROWS = [
    ("5.0.0", "smtp; 550 5.1.1 <u@example.net>: Recipient address rejected: User unknown", "hard"),
    ("5.1.1", "smtp; 550 5.7.1 IP address blacklisted by recipient", "block"),
    ("5.1.1", "", "hard"),
    ("5.1.1", None, "hard"),
    ("5.0.0", "smtp; 421 4.3.2 Service not available: retry timeout exceeded", "soft"),
    ("4.4.7", "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>", "soft"),
    ("5.2.2", "smtp; 552 5.2.2 <full@example.net>: Mailbox full", "soft"),
    ("5.0.0", "smtp; 553 sorry, no mailbox here by that name. (#5.1.1)", "hard"),
    ("5.0.0", "X-Unix; 255", "soft"),
    ("5.0.0", "X-Postfix; host mx.test[192.0.2.1] said: 554 SpamBouncer identified SPAM (#5.3.0) (in reply to end of DATA command)", "block"),
    ("5.1.0", "smtp; 550-5.1.0 MailFrom domain is listed in Spamhaus.", "block"),
    ("5.7.1", "host mx.test [192.0.2.2] SMTP error after initial connection: 554 5.7.1 Missing reverse DNS for 203.0.113.2", "block"),
    (None, "delivery retry timeout exceeded", "soft"),
    (None, None, "soft"),
    ("5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=gone.test type=A: Host not found", "hard"),
    ("5.1.2", "smtp; host unknown", "hard"),
    ("5.1.8", "smtp; 501 5.1.8 Sender address rejected", "block"),
]


class BounceTypeTests(PlainTestCase):
    def test_verdicts(self):
        """The host's own words count more than the report's status; what ended for want of time is soft."""
        self.assertEqual([(status, said, bounce_type(status, said).kind) for status, said, _ in ROWS], ROWS)

    def test_the_reply_is_found(self):
        """The first 5xx of the text, else the first reply; numbers that are none are passed over."""
        self.assertEqual(reply_in("said: 421 4.7.0 later, then 550 5.1.1 gone")[:2], (550, "5.1.1"))
        self.assertEqual(reply_in("host 192.0.2.250 port 550x")[:2], (None, None))
        self.assertEqual(reply_in("smtp; 451 4.7.1 wait")[:2], (451, "4.7.1"))
