"""The object seam: bytes by key, for what is too large for a row."""

import re
from typing import Protocol

LONGEST_KEY = 512
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


class Objects(Protocol):
    """Bytes by key. A key is words of letters, digits, `.`, `_`, `-` joined by `/`; no word begins with a dot.

    Every method raises ValueError for another key, and Unavailable("objects") when the store is away or refuses.
    """

    async def put(self, key: str, content: bytes) -> None:
        """The content is stored durably under the key, in place of what was there."""

    async def get(self, key: str) -> bytes:
        """The content. Raises: NotFound."""

    async def delete(self, key: str) -> None:
        """Nothing is stored under the key any more; nothing happens when nothing was."""

    async def exists(self, key: str) -> bool:
        """Whether something is stored under the key."""

    async def close(self) -> None:
        """No call runs any more."""


def checked_key(key: str) -> str:
    """The key itself. Raises: ValueError when it is not of the form `Objects` allows."""
    if len(key) > LONGEST_KEY or not _KEY.match(key):
        raise ValueError("not an object key")
    return key
