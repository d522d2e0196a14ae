from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.reply import LONGEST_HINT_S, classify, retry_hint_s, rules
from tests.base import PlainTestCase

# Replies as real hosts gave them.
REPLIES = [
    (250, "2.0.0", "Ok: queued as 4XyZ", "delivered", "accepted"),
    (550, "5.1.1", "<u@example.net>: Recipient address rejected: User unknown in local recipient table", "hard", "user-unknown"),
    (550, "5.1.1", "The email account that you tried to reach does not exist.", "hard", "user-unknown"),
    (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient noname@example.com not found by SMTP address lookup", "hard", "user-unknown"),
    (550, "5.1.351", "Remote server returned unknown recipient or mailbox unavailable", "hard", "user-unknown"),
    (550, "5.1.6", "Recipient no longer on server", "hard", "user-unknown"),
    (550, "5.1.2", "<u@example.test>: Recipient address rejected: Bad destination system address.", "hard", "domain-unknown"),
    (501, "5.1.3", "Bad recipient address syntax", "hard", "bad-address"),
    (550, "5.4.1", "Recipient address rejected: Access denied. For more information see https://aka.ms/EXOSmtpErrors", "hard", "user-unknown"),
    (550, None, "No such user here", "hard", "user-unknown"),
    (550, None, "sorry, no mailbox here by that name. (#5.1.1)", "hard", "user-unknown"),
    (550, None, "Requested action not taken: mailbox unavailable", "hard", "user-unknown"),
    (556, "5.1.10", "the domain publishes a null MX: it takes no mail", "hard", "user-unknown"),
    (501, "5.1.8", "Sender address rejected", "block", "sender-refused"),
    (553, "5.1.7", "invalid sender", "block", "sender-refused"),
    (550, "5.1.1", "RCP-P2 http://postmaster.facebook.com/response_codes Refused due to recipient preferences", "block", "recipient-preference"),
    (550, "5.7.26", "This mail has been blocked because the sender is unauthenticated.", "block", "policy"),
    (550, "5.7.606", "Access denied, banned sending IP [198.51.100.222].", "block", "policy"),
    (554, "5.7.1", "Client host rejected: blocked using mail.netfence.test", "block", "policy"),
    (550, "5.1.0", "192.0.2.222 is not allowed to send from <example.net> per it's SPF Record.", "block", "policy"),
    (550, None, "Message rejected as spam", "block", "policy"),
    (554, None, "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "block", "policy"),
    (550, "5.6.0", "Media error", "block", "content"),
    (552, "5.2.2", "Mailbox full", "soft", "mailbox-full"),
    (552, None, "Requested mail action aborted: exceeded storage allocation; user is over quota", "soft", "mailbox-full"),
    (552, "5.2.3", "Message size exceeds fixed maximum message size (10485760)", "soft", "too-large"),
    (552, "5.3.4", "Message too big", "soft", "too-large"),
    (550, "5.2.1", "The user you are trying to contact is inactive", "soft", "mailbox-disabled"),
    (550, None, "Something unheard of", "soft", "refused"),
    (451, "4.7.1", "Greylisted, please try again later", "deferred", "greylist"),
    (450, "4.2.0", "<u@in.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/in.test.html", "deferred", "greylist"),
    (452, "4.2.2", "The email account that you tried to reach is over quota.", "deferred", "mailbox-full"),
    (451, "4.3.0", "Temporary local problem", "deferred", "put-off"),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints", "deferred", "policy"),
    (None, "4.2.2", "mailbox full", "soft", "mailbox-full"),
    (None, "5.1.1", "", "hard", "user-unknown"),
]


class ClassifyTests(PlainTestCase):
    def test_real_replies_are_understood(self):
        """Each row by the rule that was meant for it."""
        for code, enhanced, text, kind, rule in REPLIES:
            verdict = classify(code, enhanced, text)
            self.assertEqual((verdict.kind, verdict.rule), (kind, rule), (code, enhanced, text))

    @settings(deadline=None)
    @given(st.one_of(st.none(), st.integers(200, 599)), st.one_of(st.none(), st.from_regex(r"\A[245]\.\d{1,3}\.\d{1,3}\Z")), st.text(max_size=200))
    def test_any_reply_has_a_verdict(self, code, enhanced, text):
        """And a 4xx is never a bounce, a 5xx never put off."""
        kind = classify(code, enhanced, text).kind
        if code is not None:
            self.assertIn(kind, {2: {"delivered"}, 4: {"deferred"}}.get(code // 100, {"hard", "soft", "block"}))

    def test_the_table_is_sound(self):
        """Known kinds only, and a last row that takes all."""
        self.assertLessEqual({rule.kind for rule in rules()}, {"hard", "soft", "block"})
        self.assertTrue(rules()[-1].matches(550, "", "anything"))


class HintTests(PlainTestCase):
    def test_hints_are_read(self):
        """Minutes, seconds, hours, hh:mm:ss; others are none; no host makes us wait for days."""
        rows = {
            "Greylisted, try again in 5 minutes": 300.0, "Greylisting in action, please come back in 00:05:00": 300.0, "delayed 300 seconds": 300.0,
            "please retry in 2 hours": 7200.0, "retry after 90 sec": 90.0, "try again later": None, "error 451 for 12 users": None,
            "try again in 99999 hours": LONGEST_HINT_S,
        }
        self.assertEqual({text: retry_hint_s(text) for text in rows}, rows)
