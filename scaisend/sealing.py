"""SECRET_KEY and what hangs on it: keys derived for one purpose each, secrets sealed at rest.

A sealed value is one version byte, twelve bytes of nonce, then AES-256-GCM ciphertext with the purpose as associated data.
While SECRET_KEY is being changed others are named beside it: what was sealed or signed under them is still accepted.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scaisend.faults import ScaiSendError

VERSION = b"\x01"


class SealBroken(ScaiSendError):
    """A stored secret cannot be opened: it was altered, or sealed under another SECRET_KEY."""


class Key(bytes):
    """A key to sign with. `others` are those whose signatures are accepted too."""

    others: tuple[bytes, ...] = ()


def keys_of(key: bytes) -> tuple[bytes, ...]:
    """The keys whose signatures are accepted: this one first."""
    return (key, *getattr(key, "others", ()))


class Sealer:
    """Seals and opens secrets under keys derived from the secret key (HKDF-SHA256, RFC 5869); opens those of the `others` too."""

    def __init__(self, secret_key: bytes, random_bytes: Callable[[int], bytes], others: Sequence[bytes] = ()) -> None:
        self._secret_keys = (secret_key, *others)
        self._random_bytes = random_bytes
        self._derived: dict[str, Key] = {}

    def key_for(self, purpose: str) -> Key:
        """32 bytes that belong to this purpose alone."""
        key = self._derived.get(purpose)
        if key is None:
            first, *others = (_derived(secret_key, purpose) for secret_key in self._secret_keys)
            key = Key(first)
            key.others = tuple(others)
            self._derived[purpose] = key
        return key

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """The sealed form, which only `open` under the same purpose and SECRET_KEY can read."""
        nonce = self._random_bytes(12)
        return VERSION + nonce + AESGCM(self.key_for(purpose)).encrypt(nonce, plain, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """The plain secret. Raises: SealBroken when it was not sealed so, under any of the keys."""
        for key in keys_of(self.key_for(purpose)):
            plain = _opened(key, purpose, sealed)
            if plain is not None:
                return plain
        raise SealBroken(f"a stored secret ({purpose}) cannot be opened with this SECRET_KEY")

    def resealed(self, purpose: str, sealed: bytes) -> bytes | None:
        """The secret sealed under SECRET_KEY, or None when it is already. Raises: SealBroken."""
        if _opened(self.key_for(purpose), purpose, sealed) is not None:
            return None
        return self.seal(purpose, self.open(purpose, sealed))

    def fingerprint(self) -> str:
        """Sixteen hex digits that tell two SECRET_KEYs apart and say nothing about either."""
        return _fingerprint(self.key_for("fingerprint"))

    def other_fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of the other keys."""
        return tuple(_fingerprint(key) for key in self.key_for("fingerprint").others)


def _derived(secret_key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"scaisend " + purpose.encode()).derive(secret_key)


def _opened(key: bytes, purpose: str, sealed: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], purpose.encode()) if sealed[:1] == VERSION else None
    except InvalidTag:
        return None


def _fingerprint(key: bytes) -> str:
    return hmac.new(key, b"scaisend", hashlib.sha256).hexdigest()[:16]
