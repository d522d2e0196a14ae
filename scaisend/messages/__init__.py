"""messages: the life of a message.

What it does: keeps the tables of states and events, writes history, answers what happened to a mail.
Doors: `/v3/messages*` (api.py); `record.record(txn, …)` for everyone who learns something about a recipient.
Tables: messages, recipients, events, outbox, bodies, dialogues (mail_requests is written by sending/ and read here).
Callers: sending, delivery, inbound, tracking, reporting, app.
Laws: history is written by `record` alone; messages are locked before recipients, in id order; a recipient that ended never
changes again, unless it failed and is retried by hand; a result is recorded only while its attempt id matches.
"""
