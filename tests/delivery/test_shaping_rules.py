from scaisend.delivery.shaping import BOTH, CONNECTIONS, NOTHING, RATE
from scaisend.delivery.shaping_rules import asks_less_of, shaping_rules
from tests.base import PlainTestCase

# (code, enhanced, text as hosts say it, what it asks for less of)
REPLIES = (
    (421, "4.7.28", "[192.0.2.1] Our system has detected an unusual rate of unsolicited mail originating from your IP address.", RATE),
    (421, "4.7.0", "[192.0.2.1] Our system has detected that this message is suspicious due to the nature of the content", BOTH),
    (450, "4.2.1", "The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.", NOTHING),
    (451, "4.7.650", "The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S775)", RATE),
    (421, None, "RP-001 (BAY004-MC1F1) Unfortunately, some messages from 192.0.2.1 weren't sent. The sending rate limit was exceeded", RATE),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", RATE),
    (421, None, "Too many concurrent SMTP connections; please try again later.", CONNECTIONS),
    (421, "4.7.0", "mx.example.net Error: too many connections from 192.0.2.1", CONNECTIONS),
    (421, None, "4.7.0 Connection count limit exceeded for your host", CONNECTIONS),
    (452, "4.3.2", "Connection rate limit exceeded", RATE),
    (421, None, "imta12.emeryville.ca.mail.comcast.net comcast 192.0.2.1 Throttled - too many sessions RL000003", CONNECTIONS),
    (421, "4.3.2", "Service not available, try again later", BOTH),
    (421, "4.4.2", "mx.example.net Error: timeout exceeded", NOTHING),
    (421, None, "mx.example.net SMTP incoming data timeout - closing connection.", NOTHING),
    (421, "4.3.2", "Service shutting down", NOTHING),
    (421, None, "Too many messages in this session, please open a new connection", NOTHING),
    (451, "4.7.1", "Greylisting in action, please come back in 00:05:00", NOTHING),
    (450, "4.2.0", "<u@in.test>: Recipient address rejected: Greylisted for 60 seconds", NOTHING),
    (452, "4.2.2", "Mailbox full", NOTHING),
    (550, "5.7.1", "Too many connections from your host", NOTHING),
    (250, "2.0.0", "Ok, but too many connections", NOTHING),
    (None, None, "too many connections", NOTHING),
)


class RepliesTests(PlainTestCase):
    def test_what_hosts_say(self):
        """Real texts, each by its row; greylisting, a mailbox's own limits and verdicts for good never lower anything."""
        for code, enhanced, text, expected in REPLIES:
            self.assertEqual(asks_less_of(code, enhanced, text), expected, text)

    def test_the_table_is_whole(self):
        """Every effect is known, and the last row takes what no other took."""
        rows = shaping_rules()
        self.assertLessEqual({row.effect for row in rows}, {CONNECTIONS, RATE, BOTH, NOTHING})
        self.assertEqual((rows[-1].text, rows[-1].codes, rows[-1].enhanced), (None, frozenset(), ()))
