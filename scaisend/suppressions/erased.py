"""The names under which addresses of erased recipients stand on the lists: keyed hashes, which still stop mail and tell nobody who it was.

The key is random, made once for an installation and stored sealed, so that a change of SECRET_KEY leaves the names as they are.
"""

import hmac
from base64 import b32encode
from collections.abc import Callable, Iterable

from scaisend.identity.instance_store import claim_fact, find_fact
from scaisend.sealing import Sealer
from scaisend.storage.database import Txn

FACT = "sealed.erasure"
PREFIX = "erased:"
KEY_BYTES = 32
KNOWN_AFTER_S = 3.0

Address = tuple[str, str]


class ErasedNames:
    """Names by the installation's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, tenant_id: str, email: str) -> str:
        """The name of the tenant's folded address: always the same, and another for each tenant."""
        digest = hmac.digest(self._key, f"{tenant_id}\0{email}".encode(), "sha256")
        return PREFIX + b32encode(digest[:25]).decode("ascii").lower()

    def with_names(self, addresses: Iterable[Address]) -> dict[Address, Address]:
        """Under what each (tenant id, folded address) may stand on a list: itself and its name, each with the address."""
        found: dict[Address, Address] = {}
        for address in addresses:
            found[address] = address
            found[address[0], self.name(*address)] = address
        return found


class Erasure:
    """Where the names come from. Until somebody is erased there are none, and look-ups ask for addresses alone.

    `clock` counts seconds. That there is a key is known to every process KNOWN_AFTER_S after it was made, and then for ever.
    """

    def __init__(self, sealer: Sealer, random_bytes: Callable[[int], bytes], clock: Callable[[], float]) -> None:
        self._sealer = sealer
        self._random_bytes = random_bytes
        self._clock = clock
        self._names: ErasedNames | None = None
        self._ask_again_at = float("-inf")

    def names(self, txn: Txn) -> ErasedNames | None:
        """The names, or None when nobody was erased so far. Raises: SealBroken."""
        if self._names is None and self._clock() >= self._ask_again_at:
            kept = find_fact(txn, FACT)
            if kept is None:
                self._ask_again_at = self._clock() + KNOWN_AFTER_S / 2
            else:
                self._know(kept)
        return self._names

    def made(self, txn: Txn) -> bool:
        """Whether the key was made just now; there is one from now on. Raises: SealBroken."""
        fresh = self._sealer.seal(FACT, self._random_bytes(KEY_BYTES)).hex()
        kept = claim_fact(txn, FACT, fresh)
        self._know(kept)
        return kept == fresh

    def _know(self, kept: str) -> None:
        self._names = ErasedNames(self._sealer.open(FACT, bytes.fromhex(kept)))


def with_names(erasure: Erasure | None, txn: Txn, tenant_id: str, emails: Iterable[str]) -> list[str]:
    """The tenant's folded addresses, and the names under which they may stand on the lists."""
    given = list(emails)
    names = erasure.names(txn) if erasure is not None else None
    return given if names is None else given + [names.name(tenant_id, email) for email in given]
