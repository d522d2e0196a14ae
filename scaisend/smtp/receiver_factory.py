"""The listener's factory: one `Receiver` a connection, and what they share."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from scaisend.smtp.auth import AuthRules
from scaisend.smtp.limits import Limits
from scaisend.smtp.receiver import Receiver, ReceiverMetrics, Unmetered
from scaisend.smtp.session import Deliveries
from scaisend.smtp.sessions import Sessions
from scaisend.smtp.tls import ServerTls
from scaisend.timing import ReactorTime

DRAIN_S = 15.0


class ReceiverFactory(Factory):
    """Hand it to `listenTCP`; `tls` None means that STARTTLS is not offered, `auth` None that nobody logs in."""

    noisy = False

    def __init__(
        self, *, deliveries: Deliveries, hostname: str, reactor: ReactorTime, limits: Limits | None = None,
        tls: ServerTls | None = None, metrics: ReceiverMetrics | None = None, auth: AuthRules | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._hostname = hostname
        self._limits = limits or Limits()
        self._tls = tls
        self._auth = auth
        self._metrics = metrics or Unmetered()
        self.sessions = Sessions(reactor=reactor, limits=self._limits, tls=tls)

    def buildProtocol(self, addr: IAddress | None) -> Receiver:
        """A session; a peer without an address (a unix socket) counts as `local`."""
        return Receiver(
            deliveries=self._deliveries, hostname=self._hostname, limits=self._limits, tls=self._tls, metrics=self._metrics,
            sessions=self.sessions, peer=getattr(addr, "host", None) or "local", auth=self._auth,
        )

    def drain(self, limit_s: float = DRAIN_S) -> "Deferred[None]":
        """Fires when no session is left: idle ones got 421, open mails were finished, and after `limit_s` the rest was cut off."""
        return Deferred.fromCoroutine(self.sessions.drain(limit_s))

    def reload_certificate(self) -> None:
        """New sessions use the certificate files as they are now; a pair that cannot be used is logged and the old one stays."""
        if self._tls is not None:
            self._tls.refresh()
