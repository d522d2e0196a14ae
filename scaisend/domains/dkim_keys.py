"""DKIM keys: made, named, and in the form that is published (RFC 6376 3.6.1, RFC 8463)."""

from base64 import b64encode
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from scaisend.ids import LANE_AT, LANE_LENGTH, lane_of, letters
from scaisend.sealing import Sealer

RSA = "rsa-sha256"
ED25519 = "ed25519-sha256"
ALGORITHMS = (RSA, ED25519)
RSA_BITS = 2_048
SEAL = "dkim"

_KINDS = {RSA: "rsa", ED25519: "ed25519"}
_PRIVATE = Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
_LETTER = {RSA: "s", ED25519: "e"}


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair: `sealed_private` is PKCS8 DER under the seal `dkim`; `public` SubjectPublicKeyInfo DER, or 32 raw bytes of Ed25519."""

    algorithm: str
    sealed_private: bytes
    public: bytes


def make_key(algorithm: str, sealer: Sealer) -> NewKey:
    """A fresh key pair. RSA takes a tenth of a second or more: call it in a thread."""
    if algorithm == ED25519:
        edwards = Ed25519PrivateKey.generate()
        private, public = edwards.private_bytes(*_PRIVATE), edwards.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        rsa = generate_private_key(65_537, RSA_BITS)
        private = rsa.private_bytes(*_PRIVATE)
        public = rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return NewKey(algorithm, sealer.seal(SEAL, private), public)


def selector_of(tenant_id: str, algorithm: str, number: int) -> str:
    """The selector of a tenant's `number`-th key of a domain, such as `ss1-k3f2`.

    The tenant's lane is part of it, so that two tenants of one domain can both publish theirs.
    """
    lane = letters(lane_of(tenant_id) << 60)[LANE_AT : LANE_AT + LANE_LENGTH]
    return f"s{_LETTER[algorithm]}{number}-{lane}"


def number_in(selector: str) -> int:
    """The number in a selector made by `selector_of`; 0 for others."""
    digits = selector.partition("-")[0][2:]
    return int(digits) if digits.isdigit() else 0


def published(algorithm: str, public: bytes) -> str:
    """The TXT record's value, one string."""
    return f"v=DKIM1; k={_KINDS[algorithm]}; p={b64encode(public).decode()}"


def kind_of(algorithm: str) -> str:
    """The record's `k=` tag."""
    return _KINDS[algorithm]
