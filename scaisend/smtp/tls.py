"""The receiver's certificate: read from files and read again when they change, or made by itself."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[attr-defined]  # zope.interface has no types

GOOD_FOR = timedelta(days=3650)
# What is raised for a certificate and key that cannot be read, are no PEM, or do not fit.
UNUSABLE = (OSError, ValueError, SSL.Error, crypto.Error)
log = Logger()


@implementer(IOpenSSLServerConnectionCreator)  # type: ignore[no-untyped-call]  # as above
class ServerTls:
    """Makes the server side of TLS connections, TLS 1.2 or newer, from a PEM chain and its PEM key.

    Raises: one of UNUSABLE when the first certificate cannot be read or does not fit its key.
    """

    def __init__(self, read: Callable[[], tuple[bytes, bytes]], stamp: Callable[[], object] = lambda: None) -> None:
        self._read = read
        self._stamp = stamp
        self._seen = stamp()
        self._context = _context(*read())

    @classmethod
    def from_files(cls, certificate_path: str, key_path: str) -> "ServerTls":
        """The certificate in these files, as they are now and as they will be."""

        def read() -> tuple[bytes, bytes]:
            with open(certificate_path, "rb") as certificate, open(key_path, "rb") as key:
                return certificate.read(), key.read()

        def stamp() -> object:
            return [(found.st_mtime_ns, found.st_ino) for found in map(os.stat, (certificate_path, key_path))]

        return cls(read, stamp)

    @classmethod
    def self_signed(cls, hostname: str, now_s: float) -> "ServerTls":
        """A certificate of its own: enough for opportunistic TLS, which verifies nothing (RFC 7435)."""
        pair = make_certificate(hostname, now_s)
        return cls(lambda: pair)

    def refresh(self) -> None:
        """New connections use the files' present content; a pair that cannot be used is logged and the old one stays."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            self._seen = stamp
            self._context = _context(*self._read())
        except UNUSABLE as error:
            log.error("the new SMTP certificate cannot be used, the old one stays: {error}", error=error)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self._context, None)


def make_certificate(hostname: str, now_s: float) -> tuple[bytes, bytes]:
    """PEM of a self-signed certificate for the host, good for ten years, and of its P-256 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.fromtimestamp(now_s, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _context(chain_pem: bytes, key_pem: bytes) -> SSL.Context:
    first, *rest = [crypto.X509.from_cryptography(each) for each in x509.load_pem_x509_certificates(chain_pem)]
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, key_pem)
    context: SSL.Context = CertificateOptions(privateKey=key, certificate=first, extraCertChain=rest).getContext()
    context.check_privatekey()
    return context
