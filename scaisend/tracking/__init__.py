"""tracking: what recipients do with a mail: they open it, follow its links, opt out.

What it does: signs the tokens in links and addresses that name one recipient, rewrites links, places the pixel; records opens and clicks
with who did them; takes opt-outs and preferences from the page, from one-click posts and from mails, and records them.
Doors: `seen_api.py` (/t/o/<token>.gif, /t/c/<token>; `seen_worker.py` records behind the answer),
`settings_api.py` (/v3/tracking_settings, /v3/mail_settings; the tables and their merging under requests are in `settings.py`),
`api.py` (/t/u/<token>), `optout.unsubscribe(txn, …)` for mails to unsubscribe+<token>@, `personal.py` for those who write mails.
Tables: reads recipients, messages and mail_requests; writes the suppressions and, by record, history.
Callers: sending (places of tokens), delivery (tokens), inbound (mails).
Laws: pixels and links answer without the database, and lead where their token was signed for; a GET opts nobody out, for scanners
follow links; a token names one recipient and its own purpose, and opts nobody else out;
what is asked for twice happens once.
"""
