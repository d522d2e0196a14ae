"""Mail that comes back: which of it is ours, and that it is kept before the peer hears 250.

Doors: `InboundDeliveries` (smtp_server.py) answers the receiver of smtp/; `OurRecipients` (recipients.py) knows our addresses.
Table: `inbound_mails`, one row a recipient. Objects: `inbound/<id>` for mails over 256 KB.

Laws:
- What is not for us is refused at RCPT; nothing is bounced later, because reverse paths lie (backscatter).
- A return path is ours if its token is: nobody else can make one, so strangers cannot report bounces.
- The 250 follows the commit. With the database or the object store away the peer is asked to come back.
- What a mail says is read from the table later; what cannot be read stays there for the operator.
"""
