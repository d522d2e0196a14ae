import struct
import zlib
from io import BytesIO

from PIL import Image

from scaisend.content.image_type import image_type
from scaisend.content.thumbnail import MOST_PIXELS, SIDE, checked_image, thumbnail
from scaisend.faults import Invalid
from tests.base import PlainTestCase
from tests.content.test_image_type import picture


def png_of(width: int, height: int) -> bytes:
    """A tiny file that says it is a huge picture, all of one colour: a decompression bomb."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compress(bytes((width + 7) // 8 + 1) * min(height, 1_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class ThumbnailTests(PlainTestCase):
    def small(self, content: bytes) -> Image.Image:
        return Image.open(BytesIO(thumbnail(content, checked_image(content))))

    def test_kinds(self) -> None:
        """Every kind becomes a small JPEG with the same proportions, or a PNG where it is transparent; a small one is not made larger."""
        for kind in ("PNG", "GIF", "JPEG", "WEBP"):
            small = self.small(picture(kind, 1_000, 500))
            self.assertEqual((small.format, small.size), ("JPEG", (SIDE, SIDE // 2)))
        self.assertEqual([(each.format, each.size) for each in (self.small(picture("PNG", 400, 800, "RGBA")), self.small(picture("JPEG", 20, 10)))], [("PNG", (160, 320)), ("JPEG", (20, 10))])

    def test_cameras(self) -> None:
        """A photo stands upright, and where it was taken stays with who took it."""
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "a maker"
        content = picture("JPEG", 600, 300, exif=exif.tobytes())
        small = self.small(content)
        self.assertEqual((small.size, dict(small.getexif()), b"a maker" in thumbnail(content, checked_image(content))), ((SIDE // 2, SIDE), {}, False))

    def test_bombs(self) -> None:
        """What says it has too many pixels is refused by its header alone; what says it has fewer than it brings is damaged."""
        self.assertRaises(Invalid, checked_image, png_of(50_000, 50_000))
        self.assertRaises(Invalid, checked_image, png_of(MOST_PIXELS + 1, 1))
        lying = bytearray(picture("PNG", 600, 600))
        lying[16:24] = struct.pack(">II", 10, 10)
        self.assertRaises(Invalid, thumbnail, bytes(lying), checked_image(bytes(lying)))

    def test_damaged(self) -> None:
        """A file cut short is refused, not shown in halves."""
        for kind in ("PNG", "GIF", "JPEG", "WEBP"):
            content = picture(kind, 600, 600)
            cut = content[: len(content) // 2]
            found = image_type(cut)
            assert found is not None
            self.assertRaises(Invalid, thumbnail, cut, found)
        self.assertRaises(Invalid, checked_image, b"<svg/>")
