"""What proves a post to its receiver.

Event Webhook: ECDSA on P-256 with SHA-256 over the timestamp's digits followed by the body, ASN.1 DER in base64. The key is
published as base64 of its DER SubjectPublicKeyInfo. Endpoints: HMAC-SHA256 over `timestamp.body`, as `t=…,v1=…`.
"""

import hashlib
import hmac
from base64 import b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

ECDSA_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
ECDSA_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
HMAC_SIGNATURE = "X-ScaiSend-Signature"


def make_ecdsa_key() -> tuple[bytes, str]:
    """A fresh key: its DER (PKCS #8), and the public half as base64 on one line."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return private, b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def ecdsa_headers(key: bytes, body: bytes, at: float) -> dict[str, str]:
    """The two headers of a post made at that moment, signed with the DER key."""
    loaded = load_der_private_key(key, None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic curve key")
    timestamp = str(int(at))
    signature = loaded.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {ECDSA_SIGNATURE: b64encode(signature).decode(), ECDSA_TIMESTAMP: timestamp}


def make_hmac_secret(random: bytes) -> str:
    """The signing secret of an endpoint, from 32 random bytes."""
    return "whsec_" + random.hex()


def hmac_headers(secret: str, body: bytes, at: float) -> dict[str, str]:
    """The header of a post made at that moment; the whole secret, prefix included, is the HMAC key."""
    timestamp = str(int(at))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {HMAC_SIGNATURE: f"t={timestamp},v1={digest}"}
