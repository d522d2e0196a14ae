"""One file a command: each registers its parser and runs; what commands share is in session.py."""

from scaisend.app.commands import (
    audit,
    classify,
    daemons,
    dev,
    domains,
    inbound,
    init,
    keys,
    migrate,
    queue,
    render,
    send,
    suppressions,
)

COMMANDS = (
    dev.register, daemons.register, init.register, migrate.register, keys.register, domains.register, send.register, queue.register,
    audit.register, classify.register, suppressions.register, inbound.register, render.register,
)
