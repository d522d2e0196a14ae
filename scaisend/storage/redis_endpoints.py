"""How Redis is reached: at a socket, at a host, or at the master that sentinels name; with TLS where the address says so.

Over TLS each server shows a certificate of a trusted authority for the name by which it is reached: a sentinel for the host of the URL, a master for
the address or name that the sentinels give.
"""

from typing import Any, cast

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.storage.redis_url import RedisAddress

TIMEOUT_S = 2.0


class Telling:
    """Mixed into a txredisapi protocol: its factory's `trouble` is what TLS last failed of, None for any other end of a connection."""

    factory: Any

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.trouble = tls_trouble(reason.value)
        super().connectionLost(reason)  # type: ignore[misc]  # the other base


@implementer(IStreamClientEndpoint)  # type: ignore[no-untyped-call]  # as above
class MasterEndpoint:
    """The master that the sentinels name at the moment; connections to an earlier one are ended."""

    def __init__(self, address: RedisAddress, sentinels: Any, factory: Any) -> None:
        self._address, self._sentinels, self._factory = address, sentinels, factory
        self._master: tuple[str, int] | None = None

    def connect(self, protocol_factory: Any) -> "Deferred[Any]":
        found: Deferred[Any] = self._sentinels.discover_master(self._address.service)
        return found.addCallback(self._connect, protocol_factory)

    def _connect(self, master: tuple[str, int], protocol_factory: Any) -> Any:
        if self._master not in (None, master):
            for each in list(self._factory.pool):
                each.transport.loseConnection()
        self._master = master
        return host_endpoint(self._address, *master).connect(protocol_factory)


def server_endpoint(address: RedisAddress) -> Any:
    """The socket or the one host of an address without sentinels."""
    if address.path is not None:
        return cast(Any, UNIXClientEndpoint)(reactor, address.path, timeout=TIMEOUT_S)
    return host_endpoint(address, *address.hosts[0])


def host_endpoint(address: RedisAddress, host: str, port: int) -> Any:
    """One host, over TLS where the address says so."""
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=TIMEOUT_S)
    if not address.tls:
        return endpoint
    return wrapClientTLS(optionsForClientTLS(host, trustRoot=_authorities(address.ssl_ca)), endpoint)


def tls_trouble(error: BaseException | None) -> str | None:
    """What is wrong with the other side's certificate or TLS; None where that is not why a connection ended."""
    if isinstance(error, VerificationError):
        return "certificate is for another name than it is reached by"
    if not isinstance(error, SSL.Error):
        return None
    said = ", ".join(str(each[-1]) for each in error.args[0]) if error.args and isinstance(error.args[0], list) else ""
    return "certificate is not of a trusted authority" if "certificate verify failed" in said else f"TLS failed: {said or 'no reason given'}"


def _authorities(ssl_ca: str | None) -> Any:
    if ssl_ca is None:
        return None
    with open(ssl_ca) as file:
        ends = file.read().split("-----END CERTIFICATE-----")[:-1]
    certificates = [Certificate.loadPEM((each + "-----END CERTIFICATE-----\n").encode()) for each in ends]
    return cast(Any, trustRootFromCertificates)(certificates)
