"""Mail that goes out: from a rendered mail to the destination's reply, and what is made of that reply.

Doors: `worker.py` takes ids from the queue `smtp:deliver` and mails handed over in memory; `pool_client.py` is what it submits jobs to;
`/api/admin/ip-pools`, `/api/admin/destinations` (destinations_api.py) and `/v3/ips` (ips_api.py) are for tenants and operators.
Tables: recipients (states `sending`, `in_doubt`), bodies, dialogues, destinations, all through `store.py`.
Called by: `app/assembly.py` alone.

A mail's way through the files: `worker` → `prepare_worker` (→ `dkim`) → `pool_client` (→ `mx_client`) → `destination_client` (→ `fair`, `marks_client`,
`dial_client`) → `smtp_client` ⟷ `opening`, `conversation` → `worker` (→ `settle` → `reply`, `retry`).

Laws:
- One SMTP transaction per recipient; an outcome for every job that was submitted.
- No final dot is written unless its recipient was committed as `sending` before, and its lease holds at that moment.
- A final dot without an answer is `unknown`, never silently sent again; anything before it may be tried on another host.
- What a host says of itself (421, no connection) concerns the destination, and uses up nobody's retries.
- A body is stuffed whole, and one that could be read as commands is refused: see `transaction.stuffed`.
- Nothing that came in clear counts after STARTTLS.
- Files that end in `client` or `worker` own sockets and time; all others are plain, and tested as data.
"""
