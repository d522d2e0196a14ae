"""suppressions: addresses that are not mailed, and why.

What it does: says which list stops which mail, and looks recipients up, one query a batch.
Doors: `store.listed_across_tenants(txn, …)`, `lists.stopped_by(…)`. Tables: suppressions, asm_suppressions.
Callers: sending (at accept), delivery (at each claim).
Laws: blocks never stop mail; an address is looked up folded (address.fold).
"""
