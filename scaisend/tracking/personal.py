"""What is each recipient's own in a mail that many get: tokens in links and addresses.

A mail is composed once for all of its recipients, with a placeholder where a token goes; delivery puts each recipient's token there
before it signs. A token and its placeholder have the same length and the same kind of letters, so that nothing moves.

A token is base32 without padding, in lower case, compared without case: one byte of purpose, sixteen of the message, two of the
recipient's number, twelve of HMAC-SHA256. 31 bytes are 50 characters: with `unsubscribe+` a local part of 62 (RFC 5321 4.5.3.1.1).
"""

import hashlib
import hmac
from base64 import b32decode, b32encode
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache

from scaisend.ids import letters, number_of
from scaisend.sealing import keys_of

LENGTH = 50
SIGNATURE_BYTES = 12

# Purposes: opting out of all mail of the sender, or of the mail's group; choosing among groups; telling of an open, or of a click.
ALL_MAIL = "a"
GROUP = "g"
PREFERENCES = "p"
OPEN = "o"
CLICK = "c"
OPTING_OUT = (ALL_MAIL, GROUP, PREFERENCES)
PURPOSES = (*OPTING_OUT, OPEN, CLICK)


@dataclass(frozen=True, slots=True)
class Named:
    """What a token names: a recipient, and what its bearer may do for it."""

    purpose: str
    message_id: str
    recipient_number: int

    @property
    def recipient_id(self) -> str:
        return f"{self.message_id}.{self.recipient_number}"


@lru_cache(maxsize=64)
def placeholder(purpose: str) -> str:
    """What stands in a composed mail for a token of the purpose. A token cannot look so: base32 knows no 0."""
    return "0" + b32encode(hashlib.sha256(b"placeholder " + purpose.encode()).digest()).decode().lower()[: LENGTH - 2] + "0"


def token(key: bytes, purpose: str, message_id: str, recipient_number: int) -> str:
    """The recipient's token for the purpose, always the same."""
    return tokens(key, (purpose,), message_id, recipient_number)[purpose].decode()


def tokens(key: bytes, purposes: Iterable[str], message_id: str, recipient_number: int) -> dict[str, bytes]:
    """The recipient's tokens by purpose, as they stand in a mail."""
    recipient = number_of(message_id).to_bytes(16, "big") + recipient_number.to_bytes(2, "big")
    found: dict[str, bytes] = {}
    for purpose in purposes:
        body = purpose.encode("ascii") + recipient
        found[purpose] = b32encode(body + _signature(key, body))[:LENGTH].lower()
    return found


def read_token(key: bytes, text: str, purposes: Container[str] = OPTING_OUT) -> Named | None:
    """What the token names, or None when it is not ours, altered, or for none of the purposes.

    It does not grow old: who wants out may always go.
    """
    text = text.lower()
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = b32decode(text.upper() + "=" * 6)
    except ValueError:
        return None
    body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    purpose = chr(body[0])
    if not any(hmac.compare_digest(signature, _signature(each, body)) for each in keys_of(key)) or purpose not in purposes:
        return None
    if b32encode(raw).decode().rstrip("=").lower() != text:  # the last letter has two bits to spare
        return None
    return Named(purpose, "msg_" + letters(int.from_bytes(body[1:17], "big")), int.from_bytes(body[17:19], "big"))


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:SIGNATURE_BYTES]
