"""All sessions of one listener: who may connect, the sweep, and the end."""

from ipaddress import ip_address
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from scaisend.smtp.limits import Limits
from scaisend.smtp.tls import ServerTls
from scaisend.smtp.verdict import DRAINING, TOO_MANY_CONNECTIONS, TOO_MANY_FROM_ADDRESS, Verdict
from scaisend.timing import ReactorTime

SWEEP_S = 1.0
REFRESH_S = 60.0


class OpenSession(Protocol):
    """What is asked of a session here."""

    peer: str

    def check(self, now_s: float) -> None:
        """It is ended if it is too old, too slow or silent."""

    def drain(self) -> None:
        """It is ended now, or after the mail that is coming in."""

    def abort(self) -> None:
        """Its connection is gone."""


class Sessions:
    """The open sessions.

    `now_s` is the reactor's time as of the last sweep: good to a second, and free to read. `held_bytes` are the mails that
    wait for a verdict.
    """

    def __init__(self, *, reactor: ReactorTime, limits: Limits, tls: ServerTls | None) -> None:
        self.now_s: float = reactor.seconds()
        self.held_bytes = 0
        self.is_draining = False
        self._reactor = reactor
        self._limits = limits
        self._tls = tls
        self._refreshed_at = self.now_s
        self._open: set[OpenSession] = set()
        self._by_source: dict[str, int] = {}
        self._empty: list[Deferred[None]] = []
        self._sweeping = LoopingCall(self.sweep)
        self._sweeping.clock = reactor  # type: ignore[assignment]  # the same thing by another name

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, session: OpenSession) -> Verdict | None:
        """Why the session is refused, or None; then it counts until `leave`."""
        if self.is_draining:
            return DRAINING
        if len(self._open) >= self._limits.connections:
            return TOO_MANY_CONNECTIONS
        source = source_of(session.peer)
        count = self._by_source.get(source, 0)
        if count >= self._limits.connections_per_address:
            return TOO_MANY_FROM_ADDRESS
        self._by_source[source] = count + 1
        self._open.add(session)
        if not self._sweeping.running:
            self.now_s = self._reactor.seconds()
            self._sweeping.start(SWEEP_S, now=False)
        return None

    def leave(self, session: OpenSession) -> None:
        """The session is over; one that was never admitted changes nothing."""
        if session not in self._open:
            return
        self._open.remove(session)
        source = source_of(session.peer)
        left = self._by_source.pop(source) - 1
        if left:
            self._by_source[source] = left
        if not self._open:
            self._sweeping.stop()
            waiting, self._empty = self._empty, []
            for each in waiting:
                each.callback(None)

    def sweep(self) -> None:
        """Each session was checked once; a changed certificate is in use."""
        self.now_s = self._reactor.seconds()
        for session in tuple(self._open):
            session.check(self.now_s)
        if self._tls is not None and self.now_s - self._refreshed_at >= REFRESH_S:
            self._refreshed_at = self.now_s
            self._tls.refresh()

    async def drain(self, limit_s: float) -> None:
        """No session is left: idle ones got 421, open mails were finished, and after `limit_s` the rest was cut off."""
        self.is_draining = True
        for session in tuple(self._open):
            session.drain()
        if not self._open:
            return
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        cut_off = self._reactor.callLater(limit_s, self._cut_off)
        await empty
        if cut_off.active():
            cut_off.cancel()

    def _cut_off(self) -> None:
        for session in tuple(self._open):
            session.abort()


def source_of(peer: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 address is in."""
    if ":" not in peer:
        return peer
    address = ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped) if mapped else address.packed[:8].hex()
