"""suppressions: addresses that are not mailed, and why.

What it does: keeps the lists and the unsubscribe groups (ASM) of each tenant, says which of them stop which mail, and looks recipients
up, one query a batch; takes lists in and gives them out as CSV.
Doors: `store.listed_across_tenants(txn, …)`, `store.standings_across_tenants(txn, …)`, `groups_store.left_across_tenants(txn, …)`,
`lists.stopped_by(…)`; `store.list_across_tenants(txn, …)` puts on lists; `api.py` and `groups_api.py` are SendGrid's endpoints.
Tables: suppressions, asm_groups, asm_suppressions.
Callers: sending (at accept and when a mail is rendered), delivery (at each claim), tracking (opting out), inbound (bounces, complaints).
Laws: blocks never stop mail; an address is looked up folded (address.fold); an entry keeps its first reason and date; whoever writes
history and a list in one transaction locks the message first.
"""
