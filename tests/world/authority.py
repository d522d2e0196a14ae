"""A certificate authority of the test's own, and what it vouches for."""

import datetime
import ipaddress
import os
import shutil
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Authority:
    """Issues certificates for names and addresses. `certificate` is its own (cryptography's)."""

    def __init__(self, name: str = "authority of a test") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._begun(self._name, self._key.public_key(), days=10)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = made.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def ca_file(self, case) -> str:  # type: ignore[no-untyped-def]  # any test case
        """A PEM file of its certificate, gone when the test ends."""
        folder = tempfile.mkdtemp()
        case.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "ca.pem")
        with open(path, "wb") as out:
            out.write(self.pem)
        return path

    def issue(self, *names: str, days: float = 5, ago: float = 1) -> "Issued":
        """A certificate for these names or addresses, valid since so many days ago, for so many days from then."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._begun(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])]), key.public_key(), days=days, ago=ago)
        alternatives = [x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names]
        made = made.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        return Issued(made.sign(self._key, hashes.SHA256()), key, self.certificate)

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float, ago: float = 1) -> x509.CertificateBuilder:
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=ago)
        return x509.CertificateBuilder(
            self._name, subject, key, x509.random_serial_number(), since, since + datetime.timedelta(days=days)
        )


class Issued:
    """A certificate with its key and its authority's certificate."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, authority: x509.Certificate) -> None:
        self.certificate, self._key, self._authority = certificate, key, authority

    @property
    def key_pem(self) -> bytes:
        return self._key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    @property
    def chain_pem(self) -> bytes:
        """The certificate and its authority's."""
        return self.certificate.public_bytes(Encoding.PEM) + self._authority.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_der(self) -> bytes:
        """The SubjectPublicKeyInfo."""
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def authority_der(self) -> bytes:
        return self._authority.public_bytes(Encoding.DER)

    def write(self, folder: str) -> None:
        """cert.pem with the chain, and key.pem."""
        for name, content in (("cert.pem", self.chain_pem), ("key.pem", self.key_pem)):
            with open(f"{folder}/{name}", "wb") as out:
                out.write(content)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
