"""Signed tokens that travel in addresses and links: they name a recipient and cannot be made by others.

The VERP token (RFC 5321 4.4; the local part after `bounces+`) is base32 without padding, in lower case, compared without
case: one byte of version, sixteen of the message, two of the recipient's number, two of the day of acceptance, twelve of
HMAC-SHA256. 33 bytes are 53 characters, so the local part stays under the 64 of RFC 5321 4.5.3.1.1.
"""

import hmac
from base64 import b32decode, b32encode
from dataclasses import dataclass

from scaisend.ids import letters, number_of
from scaisend.sealing import keys_of

VERSION = 1
GOOD_FOR_DAYS = 30
SIGNATURE_BYTES = 12
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """What a VERP token names."""

    message_id: str
    recipient_number: int
    accepted_day: int

    @property
    def recipient_id(self) -> str:
        return f"{self.message_id}.{self.recipient_number}"


def return_path_token(key: bytes, message_id: str, recipient_number: int, accepted_at: float) -> str:
    """The token of one recipient, the same for every attempt."""
    day = int(accepted_at // DAY_S)
    body = bytes([VERSION]) + number_of(message_id).to_bytes(16, "big") + recipient_number.to_bytes(2, "big") + day.to_bytes(2, "big")
    return b32encode(body + _signature(key, body)).decode().rstrip("=").lower()


def read_return_path(key: bytes, token: str, now_s: float) -> ReturnPath | None:
    """What the token names, or None when it is not ours, altered, or older than 30 days."""
    if len(token) != 53:
        return None
    try:
        raw = b32decode(token.upper() + "===")
    except ValueError:
        return None
    body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    if not any(hmac.compare_digest(signature, _signature(each, body)) for each in keys_of(key)) or body[0] != VERSION:
        return None
    day = int.from_bytes(body[19:21], "big")
    if not 0 <= int(now_s // DAY_S) - day <= GOOD_FOR_DAYS:
        return None
    return ReturnPath("msg_" + letters(int.from_bytes(body[1:17], "big")), int.from_bytes(body[17:19], "big"), day)


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:SIGNATURE_BYTES]
