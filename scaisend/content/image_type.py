"""What an image is, read from its first bytes and from nothing that is said of it."""

from collections.abc import Callable
from dataclasses import dataclass

JPEG, PNG, GIF, WEBP = "image/jpeg", "image/png", "image/gif", "image/webp"
# JPEG's frame headers (ITU-T T.81 B.1.1.3): SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class ImageType:
    """A kind of image and its size in pixels, as its header tells it."""

    media_type: str
    width: int
    height: int


def image_type(content: bytes) -> ImageType | None:
    """JPEG, PNG, GIF or WebP, with its size; None for all else and for what has no size."""
    for begins, read in _READERS:
        if content.startswith(begins):
            found = read(content)
            return found if found is not None and found.width > 0 and found.height > 0 else None
    return None


def _png(content: bytes) -> ImageType | None:
    if len(content) < 24 or content[12:16] != b"IHDR":
        return None
    return ImageType(PNG, int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))


def _gif(content: bytes) -> ImageType | None:
    if content[4:6] not in (b"7a", b"9a") or len(content) < 10:
        return None
    return ImageType(GIF, int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little"))


def _jpeg(content: bytes) -> ImageType | None:
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _FRAMES:
            return ImageType(JPEG, int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big"))
        elif marker in _ALONE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    return None


def _webp(content: bytes) -> ImageType | None:
    if content[8:12] != b"WEBP" or len(content) < 30:
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return ImageType(WEBP, 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little"))
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return ImageType(WEBP, 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return ImageType(WEBP, int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF)
    return None


_READERS: tuple[tuple[bytes, Callable[[bytes], ImageType | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png), (b"GIF8", _gif), (b"\xff\xd8\xff", _jpeg), (b"RIFF", _webp),
)
