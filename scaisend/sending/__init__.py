"""Sending: a request becomes messages, and messages become mail.

What it does
    `request.py` reads POST /v3/mail/send and tells every fault at once; `accept.py` commits what was read, a group of requests
    a transaction; `render.py` and `compose.py` make the mail of each message, to which delivery/ puts its hand.

Doors
    POST /v3/mail/send (api.py) · /v3/mail/batch and /v3/user/scheduled_sends (batches_api.py)
    render_worker.py takes message ids from the queue `email:process` and gives mails to delivery/

Reading a request
    request.py            the whole, and what `shared` and `own` hold
    personalizations.py   one message each        mailboxes.py     from, to, cc, bcc, reply_to
    request_fields.py     the single fields       request_maps.py  headers, custom_args, substitutions, sections
    request_settings.py   mail and tracking       attachments.py   decoded and described
    request_faults.py     every sentence that can be said of a request, and its help

Templates
    templated.py          what a mail says that names one      template_shelf.py   the compiled versions a process holds

Tables
    mail_requests, messages, recipients, events (through messages/record.py), bodies, batches, idempotency_keys

Who may call it
    delivery/ and inbound/ stand above; submission by SMTP calls `accept` as api.py does.

Laws
    202 is said after the commit. A request with a fault leaves nothing behind. No CR, LF or NUL passes request.py in anything
    that becomes a header; substitutions can bring them back, so render.py makes blanks of them. A batch that is
    paused holds its messages without `due_at`, and expiry.py discards those that are held for more than 72 hours; one that is cancelled leaves them to the worker that claims them.
"""
