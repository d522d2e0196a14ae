"""Bodies: taken in while they arrive, unpacked in small steps, bounded in both."""

import zlib
from collections.abc import Iterator

from scaisend.faults import Invalid, TooLarge, UnsupportedType

STEP_BYTES = 256 * 1024
UNPACKED_FACTOR = 4
UNPACKED_MOST = 64_000_000


class Intake:
    """The chunks of one body as they came. It never holds more than `limit` bytes."""

    __slots__ = ("_chunks", "_limit", "size_bytes")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size_bytes = 0

    def add(self, chunk: bytes) -> None:
        """The chunk belongs to the body.

        Raises: TooLarge when the body grew over its limit; what was held is let go.
        """
        self.size_bytes += len(chunk)
        if self.size_bytes > self._limit:
            self._chunks.clear()
            raise TooLarge("content too large")
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        """All of it."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)


def is_packed(encoding: str | None) -> bool:
    """Whether a Content-Encoding means gzip; False for none and `identity`.

    Raises: UnsupportedType for any other.
    """
    word = encoding.strip().lower() if encoding else ""
    if word in ("gzip", "x-gzip"):
        return True
    if word in ("", "identity"):
        return False
    raise UnsupportedType("Content-Encoding should be gzip", help="Send the body as it is, or packed with gzip.")


def unpacked_limit(limit: int) -> int:
    """How many bytes a packed body of at most `limit` bytes may unpack to."""
    return max(limit, min(UNPACKED_FACTOR * limit, UNPACKED_MOST))


def unpack(packed: bytes, limit: int) -> Iterator[bytes]:
    """The pieces of a gzip body (RFC 1952, several members allowed), each of at most STEP_BYTES.

    Raises: TooLarge as soon as it comes to more than `limit` bytes; Invalid when it is no gzip, or cut short.
    """
    size_bytes = 0
    while True:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            piece = member.decompress(packed, STEP_BYTES)
            while piece:
                size_bytes += len(piece)
                if size_bytes > limit:
                    raise TooLarge("content too large", help="The unpacked body is over the limit.")
                yield piece
                piece = member.decompress(member.unconsumed_tail, STEP_BYTES)
        except zlib.error:
            raise Invalid("Bad Request", help="The body is not gzip, as its Content-Encoding says.") from None
        if not member.eof:
            raise Invalid("Bad Request", help="The gzip body is cut short.")
        packed = member.unused_data
        if not packed:
            return
