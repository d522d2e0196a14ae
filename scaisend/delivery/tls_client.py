"""TLS of outgoing sessions: one OpenSSL context per policy, SNI, and the check of a certificate's name (RFC 3207, 6125)."""

import ipaddress

from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

from scaisend.delivery.tls_policy import TlsPolicy


class BadCertificate(Exception):
    """The host's certificate is not one for its name."""


@implementer(IOpenSSLClientConnectionCreator)  # type: ignore[no-untyped-call]  # as above
class HostTls:
    """Makes the connection to one host, on the context of its policy."""

    def __init__(self, context: SSL.Context, host: str) -> None:
        self._context = context
        self._host = host

    def clientConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if not _is_address(self._host):
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        connection.set_connect_state()
        return connection


class TlsContexts:
    """The context of a policy, made when it is first needed."""

    def __init__(self, policy: TlsPolicy) -> None:
        self._policy = policy
        self._context: SSL.Context | None = None

    def for_host(self, host: str) -> HostTls:
        if self._context is None:
            self._context = _context(self._policy)
        return HostTls(self._context, host)

    def check(self, connection: SSL.Connection, host: str) -> None:
        """The certificate is for this host, where the policy asks for that; the chain was checked in the handshake. Raises: BadCertificate."""
        if not self._policy.verifies:
            return
        try:
            if _is_address(host):
                verify_ip_address(connection, host)
            else:
                verify_hostname(connection, host)
        except (VerificationError, CertificateError) as error:
            raise BadCertificate(f"the certificate is not valid for {host}: {error}") from None


def described(connection: SSL.Connection) -> str:
    """TLS version and cipher, as `TLSv1.3 TLS_AES_256_GCM_SHA384`."""
    return f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}"


def _context(policy: TlsPolicy) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if policy.verifies:
        context.set_default_verify_paths()
        if policy.ca_file is not None:
            context.load_verify_locations(policy.ca_file)
        context.set_verify(SSL.VERIFY_PEER)
    else:
        context.set_verify(SSL.VERIFY_NONE)
    return context


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
