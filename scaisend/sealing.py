"""SECRET_KEY and what hangs on it: keys derived for one purpose each, secrets sealed at rest.

A sealed value is one version byte, twelve bytes of nonce, then AES-256-GCM ciphertext with the purpose as associated data.
"""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scaisend.faults import ScaiSendError

VERSION = b"\x01"


class SealBroken(ScaiSendError):
    """A stored secret cannot be opened: it was altered, or sealed under another SECRET_KEY."""


class Sealer:
    """Seals and opens secrets under keys derived from the secret key (HKDF-SHA256, RFC 5869)."""

    def __init__(self, secret_key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._secret_key = secret_key
        self._random_bytes = random_bytes
        self._derived: dict[str, bytes] = {}

    def key_for(self, purpose: str) -> bytes:
        """32 bytes that belong to this purpose alone."""
        key = self._derived.get(purpose)
        if key is None:
            hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"scaisend " + purpose.encode())
            key = self._derived[purpose] = hkdf.derive(self._secret_key)
        return key

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """The sealed form, which only `open` under the same purpose and SECRET_KEY can read."""
        nonce = self._random_bytes(12)
        return VERSION + nonce + AESGCM(self.key_for(purpose)).encrypt(nonce, plain, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """The plain secret. Raises: SealBroken when it was not sealed so."""
        try:
            if sealed[:1] != VERSION:
                raise InvalidTag
            return AESGCM(self.key_for(purpose)).decrypt(sealed[1:13], sealed[13:], purpose.encode())
        except InvalidTag:
            raise SealBroken(f"a stored secret ({purpose}) cannot be opened with this SECRET_KEY") from None

    def fingerprint(self) -> str:
        """Sixteen hex digits that tell two SECRET_KEYs apart and say nothing about either."""
        return hmac.new(self.key_for("fingerprint"), b"scaisend", hashlib.sha256).hexdigest()[:16]
