"""One file a command: each registers its parser and runs; what commands share is in session.py.

A file is imported only when its command is asked for: the whole program is a second of imports.
"""

from collections.abc import Mapping

# command → its file; the order is that of the help
COMMANDS: Mapping[str, str] = {
    "dev": "dev", "serve": "daemons", "worker": "daemons", "smtp": "daemons", "all": "daemons", "run": "daemons", "init": "init",
    "migrate": "migrate", "register": "register", "register-status": "register", "sync": "sync",
    "keys": "keys", "domains": "domains", "send": "send", "queue": "queue", "destinations": "destinations", "bulk": "bulk", "audit": "audit", "backup": "backup", "import": "importing", "audit-log": "audit_log", "secrets": "secrets", "limits": "limits", "erase": "erase", "classify": "classify",
    "suppressions": "suppressions", "inbound": "inbound", "render": "render", "doctor": "doctor",
    "explain": "explain",
}
