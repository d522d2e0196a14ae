"""`twistd scaisend [role,role]`: options and makeService."""

import os
from typing import Any

from twisted.python import usage

from scaisend.app.config import load
from scaisend.app.daemon import Daemon
from scaisend.app.process import make_daemon
from scaisend.app.refusals import lines_of
from scaisend.app.roles import read_roles
from scaisend.faults import ScaiSendError


class Options(usage.Options):
    """Settings come from the environment; these say what runs in this process and where the API listens."""

    synopsis = "[options] [role,role…]   roles: api, worker, smtp, all (the default)"
    optParameters = [
        ["host", None, "0.0.0.0", "address the API listens on"],
        ["port", None, 8000, "port the API listens on", int],
        ["env-file", None, "./.env", "file of settings; the process environment wins over it"],
    ]
    optFlags = [["reuse-port", None, "share the API's port with other processes"]]

    def parseArgs(self, *words: str) -> None:
        try:
            self["roles"] = read_roles(words)
        except ScaiSendError as error:
            raise usage.UsageError(str(error)) from None


def makeService(options: Options) -> Daemon:
    """The daemon of these roles. Exits with 1 and clear lines when it cannot start."""
    from twisted.internet import reactor

    try:
        config = load(os.environ, options["env-file"])
        daemon = make_daemon(
            config, options["roles"], reactor, host=options["host"], port=options["port"], reuse_port=bool(options["reuse-port"])
        )
    except ScaiSendError as error:
        raise SystemExit("\n".join(lines_of(error))) from None
    _exit_with_it(reactor, daemon)
    return daemon


def _exit_with_it(reactor: Any, daemon: Any) -> None:
    """A start that fails after the reactor runs ends the process with the daemon's code, not with twistd's 0."""

    def leave() -> None:
        if daemon.exit_code:
            os._exit(daemon.exit_code)

    reactor.addSystemEventTrigger("after", "shutdown", leave)
