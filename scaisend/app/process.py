"""Makes and runs the daemon of a process."""

import faulthandler
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from scaisend.app import logs
from scaisend.app.adapters import open_adapters
from scaisend.app.config import Config, check_login
from scaisend.app.daemon import Daemon, Places
from scaisend.app.installation import prepare_embedded
from scaisend.http.route import Route

YOUNG = 10_000  # so many new objects before the collector looks at them, instead of 700: most are gone by then


def make_daemon(
    config: Config, roles: Sequence[str], reactor: Any, *, host: str, port: int, reuse_port: bool = False, extra_routes: Sequence[Route] = (),
) -> Daemon:
    """The daemon, not started; on SQLite the schema is there. Raises: ScaiSendError when the settings cannot work."""
    check_login(config)
    prepare_embedded(config)
    reactor.suggestThreadPoolSize(4)
    places = Places(
        http_host=host, http_port=port, reuse_port=reuse_port, inbound_host=config["INBOUND_SMTP_HOST"],
        inbound_port=config["INBOUND_SMTP_PORT"], ops=config["OPS_LISTEN"],
    )
    return Daemon(open_adapters(config, reactor), roles, places, extra_routes)


def run_daemon(make: Callable[[Any], Daemon], config: Config, *, started: Callable[[Daemon], None] = lambda daemon: None) -> int:
    """Runs the daemon until it is told to stop; its exit code."""
    from twisted.internet import reactor as untyped_reactor

    reactor: Any = untyped_reactor
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    logs.begin(sys.stdout, level=config["LOG_LEVEL"], form=config["LOG_FORMAT"])
    daemon = make(reactor)
    daemon.ready.addCallback(_stay)
    daemon.ready.addCallbacks(started, lambda failure: None)
    reactor.callWhenRunning(daemon.startService)
    reactor.addSystemEventTrigger("before", "shutdown", _hear_no_more)
    reactor.addSystemEventTrigger("before", "shutdown", daemon.stopService)
    reactor.run()
    return daemon.exit_code


def _hear_no_more() -> None:
    """A second signal while the process drains changes nothing: the drain has a bound of its own."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: None)


def _stay(daemon: Daemon) -> Daemon:
    """What stands when the daemon is ready stays as long as the process: the collector passes it by from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    return daemon
