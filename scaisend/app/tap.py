"""`twistd scaisend [role,role]`: options, makeService, and its log, which is that of the console script."""

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from twisted.application.service import MultiService
from twisted.logger import ILogObserver
from twisted.python import usage
from twisted.python.logfile import LogFile

from scaisend.app import logs
from scaisend.app.config import Config, load
from scaisend.app.daemon import Daemon
from scaisend.app.process import make_daemon
from scaisend.app.refusals import lines_of
from scaisend.app.roles import read_roles
from scaisend.app.settings_file import DEFAULT_FILE
from scaisend.faults import ScaiSendError


class Options(usage.Options):
    """Settings come from the environment; these say what runs in this process and where the API listens."""

    synopsis = "[options] [role,role…]   roles: api, worker, smtp, all (the default)"
    optParameters = [
        ["host", None, "0.0.0.0", "address the API listens on"],
        ["port", None, 8000, "port the API listens on", int],
        ["env-file", None, DEFAULT_FILE, "file of settings; the process environment wins over it"],
    ]
    optFlags = [["reuse-port", None, "share the API's port with other processes"]]

    def parseArgs(self, *words: str) -> None:
        try:
            self["roles"] = read_roles(words)
        except ScaiSendError as error:
            raise usage.UsageError(str(error)) from None


class Logging(MultiService):
    """Runs the daemon in an application whose log it keeps; who starts twistd with a `--logger` of his own keeps it himself."""

    def __init__(self, daemon: Daemon, observer: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._observer = observer
        daemon.setServiceParent(self)  # type: ignore[no-untyped-call]

    def setServiceParent(self, parent: Any) -> None:
        if self._observer is not None:
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]


class _LogFile(LogFile):
    """twistd's log file, which no lone surrogate costs a line."""

    def write(self, data: str) -> None:
        super().write(data.encode("utf-8", "backslashreplace"))  # type: ignore[no-untyped-call]


def makeService(options: Options) -> Logging:
    """The daemon of these roles, and its log. Exits with 1 and clear lines when it cannot start."""
    from twisted.internet import reactor

    twistd: Any = options.parent
    _check_log(twistd)
    try:
        config = load(os.environ, options["env-file"])
        observer = _make_observer(config, twistd, reactor)
        daemon = make_daemon(
            config, options["roles"], reactor, host=options["host"], port=options["port"], reuse_port=bool(options["reuse-port"])
        )
    except ScaiSendError as error:
        raise SystemExit("\n".join(lines_of(error))) from None
    _exit_with_it(reactor, daemon)
    return Logging(daemon, observer)


def _exit_with_it(reactor: Any, daemon: Any) -> None:
    """A start that fails after the reactor runs ends the process with the daemon's code, not with twistd's 0."""

    def leave() -> None:
        if daemon.exit_code:
            os._exit(daemon.exit_code)

    reactor.addSystemEventTrigger("after", "shutdown", leave)


def _check_log(twistd: Mapping[str, Any]) -> None:
    """twistd's own options leave a place for the lines."""
    if twistd["logger"]:
        return
    if twistd["syslog"]:
        raise SystemExit("scaisend: --syslog takes no lines in LOG_FORMAT: leave it out, and let the journal take standard output with --nodaemon")
    if twistd["logfile"] == "-" and not twistd["nodaemon"]:
        raise SystemExit("scaisend: --logfile=- is standard output, which a process in the background has not: name a file, or add --nodaemon")


def _make_observer(config: Config, twistd: Mapping[str, Any], reactor: Any) -> Any:
    """Lines go where twistd's options say: standard output, or a file that is rotated by size and by SIGUSR1."""
    if twistd["logger"]:
        return None
    path = twistd["logfile"] or ("-" if twistd["nodaemon"] else "twistd.log")
    if path == "-":
        return logs.make_observer(sys.stdout, level=config["LOG_LEVEL"], form=config["LOG_FORMAT"])
    try:
        out: Any = _LogFile.fromFullPath(path)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SystemExit(f"scaisend: --logfile={path}: {error.strerror}: name a file that this user can write") from None
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda number, frame: reactor.callFromThread(out.rotate))
    return logs.make_observer(out, level=config["LOG_LEVEL"], form=config["LOG_FORMAT"] or "json")
