"""Mail that comes back: which of it is ours, that it is kept before the peer hears 250, and what it means.

Doors: `InboundDeliveries` (smtp_server.py) answers the receiver of smtp/; `OurRecipients` (recipients.py) knows our addresses;
`read` (read.py) says what the octets of a mail are; `ParseWorker` (parse_worker.py) reads what was kept and records it;
`KeptMailsApi` (kept_api.py) shows what could not be read; `ParseApi` (parse_api.py) keeps which host's mail is posted where, and
`ParsePosts` (parse_post_worker.py) posts it as the form that parse_form.py, form.py and arrival_verdicts.py make of it.
Tables: `inbound_mails`, one row a recipient or parse host; `parse_settings`, a host each; `parse_posts`, a mail on its way to a URL each.
`parse_counts` are mails of parse hosts by day. Objects: `inbound/<id>` for mails over 256 KB.

    kept, kind `unparsed` → read in a thread → event, status and suppression in one transaction with the end of the row
                                             → or kept 30 days under its kind: it could not be read, or speaks of no mail we know
    kept, kind `parse`    → posted, and gone; tried for three days
                                             → or kept 30 days as `parse_failed`

Laws:
- What is not for us is refused at RCPT; nothing is bounced later, because reverse paths lie (backscatter).
- A return path is ours if its token is: nobody else can make one, so strangers cannot report bounces.
- The 250 follows the commit. With the database or the object store away the peer is asked to come back.
- No octets make the reader raise or work for long; what it cannot read stays for the operator.
- Without a valid token, in the address or in the copy of the original, a report may become an event and never a suppression.
- Automatic replies and ordinary mail are never taken for bounces: words count only when a mail system spoke them.
"""
