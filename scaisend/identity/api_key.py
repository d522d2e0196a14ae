"""API keys: their form, their hash, and the verdict on one that was found."""

import hashlib
import re
from dataclasses import dataclass

from scaisend.caller import Caller
from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.permissions import permissions_of

LIVE = "sg_live_"
TEST = "sg_test_"
SECRET_BYTES = 16
SHOWN_LENGTH = 12
REFUSED = "The provided authorization grant is invalid, expired, or revoked"
_FORM = re.compile(r"sg_(?:live|test)_[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """What the database says of one API key, its tenant and partner, and the identity epoch of that very moment."""

    key_id: str
    key_hash: bytes
    tenant_id: str
    partner_id: str
    scopes: tuple[str, ...]
    is_test: bool
    expires_at: float | None
    revoked_at: float | None
    tenant_status: str
    partner_status: str
    epoch: int


def make_key(secret: bytes, *, is_test: bool = False) -> str:
    """The key of 16 random bytes: `sg_live_` or `sg_test_` and 32 lower-case hex digits."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a key is made of {SECRET_BYTES} bytes")
    return (TEST if is_test else LIVE) + secret.hex()


def is_key(credential: str) -> bool:
    """Whether it has the form of a key of ours."""
    return _FORM.fullmatch(credential) is not None


def hash_of(key: str) -> bytes:
    """SHA-256 of the whole key: what is stored, and what it is found by. 128 random bits need no slow hash."""
    return hashlib.sha256(key.encode("ascii")).digest()


def shown_prefix(key: str) -> str:
    """As much of a key as may be shown to recognise it by."""
    return key[:SHOWN_LENGTH]


def caller_of(found: Credential | None, now_s: float) -> Caller:
    """The caller that a found key stands for at this moment.

    Raises: Unauthenticated when the key is unknown (None), revoked or expired; Forbidden when its tenant or partner is not active.
    """
    if found is None or found.revoked_at is not None or (found.expires_at is not None and found.expires_at <= now_s):
        raise Unauthenticated(REFUSED)
    if found.tenant_status != "active" or found.partner_status != "active":
        status = found.tenant_status if found.tenant_status != "active" else found.partner_status
        raise Forbidden(f"access forbidden: the account is {status}", help="ask the operator of this service")
    return Caller(
        tenant_id=found.tenant_id, partner_id=found.partner_id, credential_id=found.key_id, permissions=permissions_of(found.scopes),
        scopes=found.scopes, is_test=found.is_test, epoch=found.epoch, key_hash=found.key_hash,
    )
