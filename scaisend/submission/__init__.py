"""Submission: mail that tenants hand in by SMTP, on the same road as POST /v3/mail/send.

What it does
    `smtp_server.py` answers the receiver of smtp/: who logs in with an API key (user `apikey`) may hand mail in. `message.py` makes of
    the mail the body of a send request, which sending/ reads, checks and accepts as if it had come by HTTP; the 250 names the
    X-Message-Id and follows the commit.

Reading a mail
    message.py    envelope, header and parts → the send request      smtpapi.py    the X-SMTPAPI header → its fields
    mime.py       octets → entities (RFC 2045, 2046, 5322)           words.py      encoded words, charsets, mailboxes (RFC 2047)
    answers.py    refusals → replies of SMTP

Settings
    SUBMISSION_LISTEN, SUBMISSION_CERT, SUBMISSION_KEY, SUBMISSION_PLAIN_AUTH; it runs in the role smtp.

Laws
    Nothing is taken before a login. What a request could not say by HTTP it cannot say here: one validation for both. A mail that
    cannot be carried unchanged in what matters (signed or encrypted as a whole) is refused, not damaged. No bounce is ever written:
    what is wrong is said in the reply.
"""
