"""A process with a set of roles: starts in order, listens, and drains when it is told to stop."""

import glob
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from scaisend import __version__
from scaisend.app.adapters import Adapters
from scaisend.app.assembly import Assembly
from scaisend.app.installation import make_data_dir
from scaisend.app.listening import Busy, close_listener, forget_dead_sockets, listen_at, listen_tcp, place_of
from scaisend.app.ops_api import OpsApi
from scaisend.app.refusals import lines_of
from scaisend.app.rooms import inbound
from scaisend.app.routes import add_services, public_routes
from scaisend.app.setup import add_measuring
from scaisend.app.submitting import listen_for_submission
from scaisend.faults import ScaiSendError, Unavailable
from scaisend.http.route import Route
from scaisend.http.site import HttpSite, make_site

DRAIN_S = 25.0
OPS_PORT = "127.0.0.1:9464"
LAG_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Places:
    """Where the public API and the inbound listener are; None as host: the role does not listen."""

    http_host: str = "0.0.0.0"
    http_port: int = 8000
    reuse_port: bool = False
    inbound_host: str = "0.0.0.0"
    inbound_port: int | None = None
    ops: str = ""


class Daemon(MultiService):
    """The roles of one process. `exit_code` says how it ended; `ready` fires when everything listens."""

    log = Logger("scaisend")

    def __init__(
        self, adapters: Adapters, roles: Sequence[str], places: Places, extra_routes: Sequence[Route] = (),
        closing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self.adapters = adapters
        self.roles = tuple(roles)
        self.exit_code = 0
        self.ready: Deferred[Daemon] = Deferred()
        self.http_port: Any = None
        self.inbound_port: Any = None
        self.submission_ports: tuple[Any, ...] = ()
        self._reactor = adapters.reactor
        self._places = places
        self._extra_routes = extra_routes
        self._closing = closing
        self._assembly = Assembly(adapters)
        self._ports: list[Any] = []
        self._sites: list[HttpSite] = []
        self._receivers: list[Any] = []
        self._lag = 0.0
        self._lag_at = 0.0
        self._lag_calls = LoopingCall(self._measure_lag)

    # -- start --

    def startService(self) -> None:
        ensureDeferred(self._start())

    async def _start(self) -> None:
        try:
            await self._check_database()
            self._build()
            for restore in self._assembly.built.restoring:
                await restore()
            self._listen()
        except ScaiSendError as error:
            self.fail(*lines_of(error))
            return
        except Exception:
            self.log.failure("the start failed")
            self.fail("scaisend: the start failed")
            return
        for pool in self._assembly.built.threads:
            pool.start()
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._lag_at = self._reactor.seconds()
        self._lag_calls.start(LAG_EVERY_S, now=False)
        for warning in (*self.adapters.config.warnings, *self.adapters.config.doubts):
            self.log.warn("{warning}", warning=warning)
        self.log.info("ScaiSend {version} runs {roles}", version=__version__, roles=", ".join(self.roles))
        self.ready.callback(self)

    def fail(self, *lines: str) -> None:
        """The process ends with 1 and these lines."""
        print(*lines, sep="\n", file=sys.stderr, flush=True)
        self.exit_code = 1
        if not self.ready.called:
            self.ready.addErrback(lambda failure: None)
            self.ready.cancel()
        self._reactor.callWhenRunning(self._leave)  # the start may fail before twistd runs the reactor

    def _leave(self) -> None:
        with suppress(ReactorNotRunning):  # it is stopping already
            self._reactor.stop()

    async def _check_database(self) -> None:
        """The schema serves this program and SECRET_KEY is the one it was set up with; a database that is away is checked later."""
        try:
            await self.adapters.check_fit()
        except Unavailable:
            self.log.warn("the database is away; it is asked again until it answers")
            ensureDeferred(self._check_until_answered())

    async def _check_until_answered(self) -> None:
        while True:
            await deferLater(self._reactor, 2.0, lambda: None)
            try:
                await self.adapters.check_fit()
                self.log.info("the database answers")
                return
            except Unavailable:
                continue
            except ScaiSendError as error:
                self.fail(*lines_of(error))
                return

    def _build(self) -> None:
        add_services(self._assembly, self.roles)
        if "worker" in self.roles:
            add_measuring(self._assembly)

    def _listen(self) -> None:
        ops = OpsApi(adapters=self.adapters, measures=self._assembly.built.measures, roles=self.roles, lag_s=lambda: self._lag)
        door = self._assembly.door()
        if "api" in self.roles:
            routes = [*public_routes(self._assembly, ops), *self._extra_routes]
            site = make_site(routes, door=door, reactor=self._reactor, proxies=self.adapters.config["TRUSTED_PROXIES"])
            self.http_port = self._open(
                listen_tcp(self._reactor, self._places.http_host, self._places.http_port, site, reuse_port=self._places.reuse_port), site
            )
            self.log.info("the API listens on {place}", place=place_of(self.http_port))
        if "smtp" in self.roles and self._places.inbound_port is not None:
            receiver = inbound.receiver(self._assembly)
            self.inbound_port = listen_tcp(self._reactor, self._places.inbound_host, self._places.inbound_port, receiver, reuse_port=True)
            self._ports.append(self.inbound_port)
            self._receivers.append(receiver)
            self.log.info("returning mail is received on {place}", place=place_of(self.inbound_port))
        if "smtp" in self.roles:
            self._listen_for_submission()
        if self._places.ops != "off":
            site = make_site(ops.routes(), door=door, reactor=self._reactor)
            port = self._open(self._listen_ops(site), site)
            self.log.info("metrics and health are on {place}", place=place_of(port))
        if self.adapters.config["MANHOLE_LISTEN"]:
            self._listen_manhole()
        for service in self._assembly.built.services:
            service.setServiceParent(self)  # type: ignore[no-untyped-call]  # Twisted's has no types

    def _listen_for_submission(self) -> None:
        listeners = listen_for_submission(self._assembly, self.adapters)
        if listeners is None:
            return
        self.submission_ports = listeners.ports
        self._ports += listeners.ports
        self._receivers.append(listeners.receiver)
        self.log.info("mail is handed in at {places}", places=", ".join(place_of(port) for port in listeners.ports))

    def _listen_manhole(self) -> None:
        # Imported here: few processes need what it brings along.
        from scaisend.app.manhole_server import Tools, make_manhole

        tools = Tools(adapters=self.adapters, measures=self._assembly.built.measures, receivers=self._receivers)
        port = listen_at(self._reactor, self.adapters.config["MANHOLE_LISTEN"], make_manhole(adapters=self.adapters, tools=tools))
        self._ports.append(port)
        self.log.info("the operator's shell is on {place}", place=place_of(port))

    def _open(self, port: Any, site: HttpSite) -> Any:
        self._ports.append(port)
        self._sites.append(site)
        return port

    def _listen_ops(self, site: HttpSite) -> Any:
        """The ops listener; without a setting the first API process of a host gets the known port, every other process a socket."""
        if self._places.ops:
            return listen_at(self._reactor, self._places.ops, site)
        if "api" in self.roles:
            try:
                return listen_at(self._reactor, OPS_PORT, site)
            except Busy:
                pass
        directory = make_data_dir(self.adapters.config)
        forget_dead_sockets(f"{glob.escape(directory)}/ops-*.sock")
        return listen_at(self._reactor, f"unix:{directory}/ops-{'-'.join(self.roles)}-{os.getpid()}.sock", site)

    def _measure_lag(self) -> None:
        now = self._reactor.seconds()
        self._lag = max(0.0, now - self._lag_at - LAG_EVERY_S)
        self._lag_at = now

    # -- stop --

    def stopService(self) -> "Deferred[None]":
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        """No new work was taken, open work was finished within 25 seconds, the rest is back in the queue."""
        began = time.monotonic()
        for port in self._ports:
            close_listener(port)
        if self._lag_calls.running:
            self._lag_calls.stop()
        drains = [receiver.drain() for receiver in self._receivers]
        for site in self._sites:
            await site.drained(max(1.0, DRAIN_S - 10 - (time.monotonic() - began)))
        for drain in drains:
            await drain
        for worker in reversed(self._assembly.built.workers):
            await worker.stop(max(1.0, DRAIN_S - 3 - (time.monotonic() - began)))
        for pushing in self._assembly.built.pushings:
            await pushing.flush()
        if self.running:
            await _settled(super().stopService())  # type: ignore[no-untyped-call]  # Twisted's has no types
        for pool in self._assembly.built.threads:
            pool.stop()
        if self._closing is not None:
            await self._closing()
        await self.adapters.close()


async def _settled(stopped: "Deferred[object] | None") -> None:
    if stopped is not None:
        try:
            await stopped
        except Exception:
            Logger("scaisend").failure("a service did not stop cleanly")
