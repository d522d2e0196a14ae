"""SMTP in: a receiver that does not trust its peer; what is accepted is decided by whoever stands above.

    S: 220 mx.example.com ESMTP
    C: EHLO peer.example.org
    S: 250-mx.example.com … 250 CHUNKING
    C: MAIL FROM:<> SIZE=2048 / RCPT TO:<a@example.com> / DATA     (one segment, RFC 2920)
    S: 250 2.1.0 … / 250 2.1.5 … / 354
    C: the mail, CRLF, dot, CRLF
    S: 250 2.0.0 …                                                 (only after `Deliveries.message` returned)

Doors: `ReceiverFactory` (receiver_factory.py) listens; `Deliveries` (session.py) is what it asks; `Limits` (limits.py) bounds it;
`ServerTls` (tls.py) is the certificate; `AuthRules` (auth.py) make clients log in. Used by inbound/, by submission/, and by the
catch-all MX of development.

Laws:
- One command at a time: nothing is read from the buffer while a verdict is open, so replies keep the order of the commands.
- A mail ends at CRLF . CRLF in the byte stream and nowhere else. Bare CR and bare LF are refused, in commands at once and in a
  mail after its end, so that the stream never loses step (SMTP smuggling).
- Nothing survives STARTTLS: not the buffer, not the envelope, not the name of the peer.
- The content handed over is what the peer sent, octet for octet, without the dots of RFC 5321 4.5.2.
- A password is asked for under TLS only, or on loopback where that is allowed; with AuthRules nothing is taken before a login.
- No timer belongs to a session: one sweep a second looks at all of them.
"""
