from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.reply import LONGEST_HINT_S, LONGEST_TEXT, classify, retry_hint_s, rules
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
    (550, "5.7.26", "This mail has been blocked because the sender is unauthenticated.", "block", "authentication"),
    (550, "5.7.606", "Access denied, banned sending IP [198.51.100.222].", "block", "listed"),
    (554, "5.7.1", "Client host rejected: blocked using mail.netfence.test", "block", "listed"),
    (550, "5.1.0", "192.0.2.222 is not allowed to send from <example.net> per it's SPF Record.", "block", "policy"),
    (550, None, "Message rejected as spam", "block", "spam"),
    (554, None, "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "block", "listed"),
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
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints", "deferred", "throttled"),
    # Gmail
    (550, "5.7.26", "Unauthenticated email from example.jp is not accepted due to domain's DMARC policy.", "block", "authentication"),
    (550, "5.7.1", "[192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.", "block", "spam"),
    (550, "5.7.25", "[192.0.2.1] The IP address sending this message does not have a PTR record setup", "block", "reverse-dns"),
    (421, "4.7.28", "Our system has detected an unusual rate of unsolicited mail originating from your IP address.", "deferred", "throttled"),
    (421, "4.7.0", "[192.0.2.1 15] Our system has detected an unusual rate of unsolicited mail originating from your IP address.", "deferred", "throttled"),
    (450, "4.2.1", "The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.", "deferred", "mailbox-rate"),
    (550, "5.2.1", "The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.", "soft", "mailbox-rate"),
    (550, "5.2.1", "The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser", "soft", "mailbox-disabled"),
    (552, "5.2.2", "The recipient's inbox is out of storage space and inactive. Please direct the recipient to", "soft", "mailbox-full"),
    (552, "5.7.0", "This message was blocked because its content presents a potential security issue.", "block", "policy"),
    # Microsoft
    (550, "5.7.1", "Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).", "block", "listed"),
    (550, "5.7.1", "Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1 (AS3130).", "block", "listed"),
    (550, "5.7.511", "Access denied, banned sender[192.0.2.1]. To request removal from this list please forward this message to delist@messaging.microsoft.com", "block", "listed"),
    (550, "5.7.509", "Access denied, sending domain [EXAMPLE.JP] does not pass DMARC verification and has a DMARC policy of reject.", "block", "authentication"),
    (550, "5.7.515", "Access denied, sending domain example.com doesn't meet the required authentication level.", "block", "authentication"),
    (550, "5.5.0", "Requested action not taken: mailbox unavailable (S2017062302).", "hard", "user-unknown"),
    (451, "4.7.650", "The mail server [192.0.2.25] has been temporarily rate limited due to IP reputation. (S3113)", "deferred", "throttled"),
    (451, "4.7.500", "Server busy. Please try again later from [192.0.2.1]. (S77714)", "deferred", "throttled"),
    (550, "5.4.1", "All recipient addresses rejected : Access denied. [AMS.eop-EUR05.prod.protection.outlook.com]", "hard", "user-unknown"),
    (452, "4.5.3", "Too many recipients (AS780090)", "deferred", "policy"),
    (554, "5.2.122", "The recipient has exceeded their limit for the number of messages they can receive per hour.", "soft", "mailbox-rate"),
    (550, "5.1.8", "Access denied, bad outbound sender", "block", "sender-refused"),
    (550, "5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed", "block", "relay-denied"),
    # Yahoo and AOL
    (554, None, "delivery error: dd This user doesn't have a yahoo.com account (nobody@yahoo.com) [0] - mta1061.mail.ne1.yahoo.com", "hard", "user-unknown"),
    (554, None, "delivery error: dd Sorry your message to nobody@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", "soft", "mailbox-disabled"),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", "deferred", "throttled"),
    (553, "5.7.1", "[BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", "block", "listed"),
    (553, "5.7.2", "[TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", "block", "policy"),
    (554, "5.7.9", "Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", "block", "policy"),
    (552, None, "Requested mail action aborted, mailbox not found", "hard", "user-unknown"),
    (554, "5.7.1", ": (HVU:B1) http://postmaster.info.aol.com/errors/554hvub1.html", "block", "spam"),
    (521, "5.2.1", ": (CON:B1) https://postmaster.aol.com/error-codes", "block", "policy"),
    # Apple
    (554, "5.7.1", "[CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", "block", "spam"),
    (550, "5.7.1", "Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus PBL.", "block", "listed"),
    (554, "5.7.1", "Your message was rejected due to example.org's DMARC policy.", "block", "authentication"),
    (552, "5.2.2", "<u@icloud.com>: user is over quota (in reply to RCPT TO command)", "soft", "mailbox-full"),
    (550, "5.1.1", "<u@icloud.com>: inactive email address", "hard", "user-unknown"),
    # GMX and web.de, T-Online, freenet
    (554, None, "gmx.net (mxgmx012) Nemesis ESMTP Service not available\nNo SMTP service\nBad DNS PTR resource record.\nFor explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=rdns", "block", "reverse-dns"),
    (550, None, "Requested action not taken: mailbox unavailable\nFor explanation visit http://postmaster.web.de/error-messages?ip=192.0.2.1&c=hi", "hard", "user-unknown"),
    (554, None, "Transaction failed\nReject due to policy restrictions.\nFor explanation visit https://postmaster.gmx.net/en/case?c=r0103", "block", "policy"),
    (552, None, "Requested mail action aborted: exceeded storage allocation\nQuota exceeded. The recipients mailbox is full.", "soft", "mailbox-full"),
    (554, None, "IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.)", "block", "refused"),
    # Mail.ru and Yandex
    (550, None, "Message was not accepted -- invalid mailbox.  Local mailbox u@mail.ru is unavailable: user not found", "hard", "user-unknown"),
    (550, None, "Message was not accepted -- invalid mailbox.  Local mailbox u@mail.ru is unavailable: account is disabled", "soft", "mailbox-disabled"),
    (550, None, "spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc or  report details to abuse@corp.mail.ru.", "block", "spam"),
    (550, "5.7.1", "This message was not accepted due to domain (libsisimai.org) owner DMARC policy (RFC 7489)", "block", "authentication"),
    (550, "5.7.1", "No such user!", "hard", "user-unknown"),
    (554, "5.7.1", "[1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", "block", "spam"),
    # QQ and NetEase
    (550, None, "Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728", "hard", "user-unknown"),
    (550, None, "Mailbox unavailable or access denied [MJzzo8uZr]. https://open.work.weixin.qq.com/help2/pc/20046", "block", "policy"),
    (550, None, "Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725", "soft", "refused"),
    (550, None, "User not found: u@163.com", "hard", "user-unknown"),
    (554, None, "DT:SPM 163 smtp12,EMCowABnbnM message is spam, see http://mail.163.com/help/help_spam_16.htm", "block", "spam"),
    # Filters
    (554, None, "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "block", "listed"),
    (550, "5.7.1", "User email address is marked as invalid", "hard", "user-unknown"),
    (550, None, "Rejected by header based Anti-Spoofing policy: u@example.com - https://community.mimecast.com/docs/DOC-1369#550", "block", "authentication"),
    (550, None, "Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [cPn2gPWyNfKE9PkYzgqvHg.uk152]", "hard", "user-unknown"),
    (554, None, "email rejected due to security policies - MCSpamSignature.sa.5.6", "block", "spam"),
    (550, None, "csi.mimecast.org Poor Reputation Sender.", "block", "listed"),
    (550, None, "permanent failure for one or more recipients (u@example.com:blocked)", "block", "recipient-preference"),
    (550, None, "permanent failure for one or more recipients (u@example.com:550 5.1.1 User unknown)", "hard", "user-unknown"),
    (554, None, "Service unavailable; Client host [mail.test] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1", "block", "listed"),
    (554, None, "Your access to this mail system has been rejected due to the sending MTA's poor reputation.", "block", "listed"),
    (550, None, "#5.1.0 Address rejected.", "hard", "user-unknown"),
    (550, None, "#5.7.1 Your access to submit messages to this e-mail system has been rejected.", "block", "policy"),
    (550, "5.7.1", "Your email breaches local URIBL policy.", "block", "listed"),
    (554, "5.7.1", "Service unavailable; Helo command [mail.test] blocked using dbl.spamhaus.org", "block", "listed"),
    (421, None, "Too many concurrent SMTP connections; please try again later.", "deferred", "throttled"),
    # Others
    (550, None, "5.1.1 <u@comcast.net> Not our Customer", "hard", "user-unknown"),
    (554, None, "resimta-po-18v.sys.comcast.net 192.0.2.1 found on one or more DNSBLs, see http://postmaster.comcast.net/smtp-error-codes.php#BL000001", "block", "listed"),
    (550, "5.1.1", "Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]", "hard", "user-unknown"),
    (550, None, "Unknown user", "hard", "user-unknown"),
    (553, None, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "block", "relay-denied"),
    (550, "5.7.1", "Unable to relay", "block", "relay-denied"),
    (550, "5.1.0", "MXIN506 MailFrom domain is listed in Spamhaus.", "block", "policy"),
    (550, "5.1.1", "Message rejected: sender is on our blacklist", "block", "policy"),
    (550, None, "Sender address does not exist", "block", "sender-refused"),
    (550, None, "Sender verify failed", "block", "policy"),
    (550, None, "<spam@blocked.example>: no such user", "hard", "user-unknown"),
    (550, "5.4.4", "Host or domain name not found. Name service error for name=example.org type=A: Host not found", "hard", "domain-unknown"),
    (554, "5.4.6", "too many hops", "soft", "expired"),
    (552, None, "Message size exceeds fixed limit", "soft", "too-large"),
    (550, None, "Benutzer unbekannt", "hard", "user-unknown"),
    (550, None, "Utilisateur inconnu", "hard", "user-unknown"),
    (550, None, "El usuario no existe", "hard", "user-unknown"),
    (550, None, "Postfach ist voll", "soft", "mailbox-full"),
    (550, None, "The recipient no longer works here", "hard", "user-unknown"),
    (None, "4.2.2", "mailbox full", "soft", "mailbox-full"),
    (None, "5.1.1", "", "hard", "user-unknown"),
]


class ClassifyTests(PlainTestCase):
    def test_real_replies_are_understood(self):
        """Each row by the rule that was meant for it."""
        wrong = []
        for code, enhanced, text, kind, rule in REPLIES:
            verdict = classify(code, enhanced, text)
            if (verdict.kind, verdict.rule) != (kind, rule):
                wrong.append((verdict.kind, verdict.rule, code, enhanced, text))
        self.assertEqual(wrong, [])

    @settings(deadline=None)
    @given(st.one_of(st.none(), st.integers(200, 599)), st.one_of(st.none(), st.from_regex(r"\A[245]\.\d{1,3}\.\d{1,3}\Z")), st.text(max_size=200))
    def test_any_reply_has_a_verdict(self, code, enhanced, text):
        """And a 4xx is never a bounce, a 5xx never put off."""
        kind = classify(code, enhanced, text).kind
        if code is not None:
            self.assertIn(kind, {2: {"delivered"}, 4: {"deferred"}}.get(code // 100, {"hard", "soft", "block"}))

    def test_throttles_are_told_from_what_one_recipient_gets(self):
        """A 421 and a host that wants less of us slow the destination; greylisting, a full mailbox and a policy do not."""
        rows = {
            (421, None, "closing"): True, (421, "4.7.28", "unusual rate"): True, (451, "4.7.650", "rate limited due to IP reputation (S3113)"): True,
            (452, "4.3.2", "Connection rate limit exceeded."): True, (451, "4.7.1", "Greylisted, try again in 300 seconds"): False,
            (452, "4.2.2", "over quota"): False, (450, "4.2.1", "The user you are trying to contact is receiving mail too quickly."): False,
            (450, "4.7.1", "Client host rejected: cannot find your reverse hostname"): False, (550, "5.7.1", "rate limit"): False,
        }
        self.assertEqual({row: classify(*row).slows_destination for row in rows}, rows)

    def test_hostile_text_costs_little(self):
        """Texts made to keep the expressions busy are judged in time that grows with their length."""
        for piece in ("a ", "user ", " ", "<", "a@", "user you that you ", "is not ", "550-", "for ", "mailbox size storage ", "1.1.1.1.", "recipient has "):
            began = perf_counter()
            for _ in range(3):
                classify(550, None, piece * (LONGEST_TEXT * 2 // len(piece)))
            self.assertLess(perf_counter() - began, 3.0, piece)

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
