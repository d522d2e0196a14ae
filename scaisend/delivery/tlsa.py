"""TLSA records: which certificate a host promises in DNS, and whether it is the one it shows (RFC 6698, 7671, 7672 3.1).

Of the four usages only DANE-TA (2) and DANE-EE (3) mean anything between mail hosts. DANE-EE binds the host's own certificate or key: its
names and dates are not looked at. DANE-TA binds an authority in the chain: then the chain must hold and the name must be the host's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DANE_TA = 2
DANE_EE = 3
FULL = 0
SHA_256 = 1
SHA_512 = 2
_LENGTHS = {SHA_256: 32, SHA_512: 64}
MOST_RECORDS = 32


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One record: certificate usage, selector (0 certificate, 1 its key), matching type (0 whole, 1 SHA-256, 2 SHA-512), and its data."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"

    def matches(self, certificate: bytes) -> bool:
        """Whether the certificate (DER) is the one that this record promises."""
        selected = certificate if self.selector == 0 else _key_of(certificate)
        if self.matching == FULL:
            return selected == self.data
        return (sha256 if self.matching == SHA_256 else sha512)(selected).digest() == self.data


def usable(records: Iterable[object]) -> tuple[Tlsa, ...]:
    """The records, as text, that a mail host may be checked by; of two digests of one usage and selector only the stronger counts
    (RFC 7671 9)."""
    found = [each for each in map(_parsed, list(records)[:MOST_RECORDS]) if each is not None]
    strongest = {(each.usage, each.selector): 0 for each in found}
    for each in found:
        strongest[each.usage, each.selector] = max(strongest[each.usage, each.selector], each.matching)
    return tuple(each for each in found if each.matching in (FULL, strongest[each.usage, each.selector]))


def of_host(records: Sequence[Tlsa], leaf: bytes) -> Tlsa | None:
    """The DANE-EE record that the host's certificate (DER) fulfils."""
    return next((each for each in records if each.usage == DANE_EE and each.matches(leaf)), None)


def authorities(records: Sequence[Tlsa], chain: Sequence[bytes]) -> list[bytes]:
    """The certificates (DER) that DANE-TA records vouch for: of the chain behind the host's own, or given whole in DNS."""
    trusted = [each for each in records if each.usage == DANE_TA]
    found = [each for each in chain if any(record.matches(each) for record in trusted)]
    return found + [each.data for each in trusted if each.selector == 0 and each.matching == FULL and _is_certificate(each.data)]


def _parsed(record: object) -> Tlsa | None:
    words = str(record).split()
    try:
        usage, selector, matching = (int(each) for each in words[:3])
        data = bytes.fromhex("".join(words[3:]))
    except ValueError:
        return None
    if usage not in (DANE_TA, DANE_EE) or selector not in (0, 1) or matching not in (FULL, SHA_256, SHA_512) or not data:
        return None
    if len(data) != _LENGTHS.get(matching, len(data)):
        return None
    return Tlsa(usage, selector, matching, data)


def _key_of(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo (DER); empty where there is none that can be read."""
    try:
        return x509.load_der_x509_certificate(certificate).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return b""


def _is_certificate(data: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        return False
    return True
