"""TLS of outgoing sessions: contexts of OpenSSL, SNI, and the checks of a host's certificate that its rung asks for (RFC 3207, 6125, 7672)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.delivery.tls_policy import CERTIFICATE, NOTHING, OBSERVED, TLSA, Rung
from scaisend.delivery.tlsa import Tlsa, authorities, of_host

# Kinds of failure, in the words of RFC 8460 4.3.
NO_STARTTLS = "starttls-not-supported"
MISMATCH = "certificate-host-mismatch"
EXPIRED = "certificate-expired"
NOT_TRUSTED = "certificate-not-trusted"
FAILED = "validation-failure"
NO_DNSSEC = "dnssec-invalid"

_EXPIRED_ERROR = 10  # X509_V_ERR_CERT_HAS_EXPIRED


class BadCertificate(Exception):
    """The host's certificate is not what its rung asks for; `kind` is a word of RFC 8460."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a certificate that is only observed, or why a handshake failed."""

    kind: str
    text: str


class TlsContexts:
    """The contexts of a process, made when they are first needed. `ca_file`: PEM file of roots to trust besides the system's."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._trusting: SSL.Context | None = None
        self._checking: dict[bool, SSL.Context] = {}
        self._flaws: WeakKeyDictionary[SSL.Connection, Flaw] = WeakKeyDictionary()

    def for_host(self, host: str, rung: Rung) -> "HostTls":
        """The TLS of one connection to the host."""
        if rung.checks in (NOTHING, TLSA):
            if self._trusting is None:
                self._trusting = _context()
                self._trusting.set_verify(SSL.VERIFY_NONE)
            return HostTls(self._trusting, host, rung, self._flaws)
        observes = rung.checks == OBSERVED
        if observes not in self._checking:
            self._checking[observes] = self._checked_context(observes)
        return HostTls(self._checking[observes], host, rung, self._flaws)

    def _checked_context(self, observes: bool) -> SSL.Context:
        context = _context()
        context.set_default_verify_paths()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)

        def judged(connection: SSL.Connection, _: crypto.X509, error: int, depth: int, good: int) -> bool:
            if not good and connection not in self._flaws:
                self._flaws[connection] = Flaw(EXPIRED if error == _EXPIRED_ERROR else NOT_TRUSTED, f"certificate verify failed (error {error})")
            return observes or bool(good)

        context.set_verify(SSL.VERIFY_PEER, judged)
        return context


@implementer(IOpenSSLClientConnectionCreator)  # type: ignore[no-untyped-call]  # as above
class HostTls:
    """Makes the connection to one host, and checks what the host showed."""

    def __init__(self, context: SSL.Context, host: str, rung: Rung, flaws: "WeakKeyDictionary[SSL.Connection, Flaw]") -> None:
        self._context = context
        self._host = host
        self._rung = rung
        self._flaws = flaws
        self._connection: SSL.Connection | None = None

    def clientConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if not _is_address(self._host):
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        connection.set_connect_state()
        self._connection = connection
        return connection

    @property
    def flaw(self) -> Flaw | None:
        """What was found wrong with the chain, also when the handshake failed of it."""
        return None if self._connection is None else self._flaws.get(self._connection)

    def check(self, connection: SSL.Connection) -> Flaw | None:
        """The certificate is what the rung asks for; one that is only observed may have a flaw. Raises: BadCertificate."""
        if self._rung.checks == TLSA:
            _check_tlsa(self._rung.tlsa, connection, self._host)
        elif self._rung.checks in (CERTIFICATE, OBSERVED):
            flaw = self.flaw
            try:
                _check_name(connection, self._host)
            except BadCertificate as error:
                if self._rung.checks == CERTIFICATE:
                    raise
                return flaw or Flaw(error.kind, str(error))
            return flaw
        return None


def described(connection: SSL.Connection) -> str:
    """TLS version and cipher, as `TLSv1.3 TLS_AES_256_GCM_SHA384`."""
    return f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}"


def _check_name(connection: SSL.Connection, host: str) -> None:
    try:
        if _is_address(host):
            verify_ip_address(connection, host)
        else:
            verify_hostname(connection, host)
    except (VerificationError, CertificateError) as error:
        raise BadCertificate(f"the certificate is not valid for {host}: {error}", MISMATCH) from None


def _check_tlsa(records: Sequence[Tlsa], connection: SSL.Connection, host: str) -> None:
    """One of the records is fulfilled. Raises: BadCertificate."""
    leaf = connection.get_peer_certificate()
    if leaf is None:
        raise BadCertificate(f"{host} shows no certificate", FAILED)
    chain = connection.get_peer_cert_chain() or []
    if of_host(records, _der(leaf)) is not None:
        return
    trusted = authorities(records, [_der(each) for each in chain[1:]])
    if not trusted:
        raise BadCertificate(f"no TLSA record of {host} is fulfilled by its certificates", FAILED)
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for each in trusted:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, each))
    try:
        crypto.X509StoreContext(store, leaf, chain[1:]).verify_certificate()
    except crypto.X509StoreContextError as error:
        code = error.errors[0] if error.errors else 0
        raise BadCertificate(f"the certificate of {host} does not hold under its TLSA records: {error}", EXPIRED if code == _EXPIRED_ERROR else FAILED) from None
    _check_name(connection, host)


def _der(certificate: crypto.X509) -> bytes:
    return certificate.to_cryptography().public_bytes(Encoding.DER)


def _context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
