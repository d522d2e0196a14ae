from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scaisend.content.image_type import image_type
from tests.base import PlainTestCase


def picture(kind: str, width: int = 40, height: int = 30, mode: str = "RGB", **options: object) -> bytes:
    """An image as Pillow writes it."""
    out = BytesIO()
    Image.effect_noise((width, height), 50).convert(mode).save(out, kind, **options)
    return out.getvalue()


class TypeTests(PlainTestCase):
    @settings(deadline=None, max_examples=30)
    @given(st.integers(1, 300), st.integers(1, 300))
    def test_all_kinds(self, width: int, height: int) -> None:
        """Each kind is known with its size, in each of its forms."""
        for kind, options in (("PNG", {}), ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"comment": b"x" * 300}), ("WEBP", {}), ("WEBP", {"lossless": True})):
            found = image_type(picture(kind, width, height, **options))
            assert found is not None, kind
            self.assertEqual((found.media_type, found.width, found.height), (f"image/{kind.lower()}", width, height))
        found = image_type(picture("WEBP", width, height, "RGBA", exif=b"Exif\0\0"))
        assert found is not None
        self.assertEqual((found.width, found.height), (width, height))

    def test_others(self) -> None:
        """What is something else is no image, whatever it is called; nor is one without a size."""
        png = bytearray(picture("PNG"))
        png[16:20] = bytes(4)
        for content in (b"", b"GIF8", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", picture("BMP"), picture("TIFF"), bytes(png), b"\xff\xd8\xff", b"RIFF0000WAVE" + bytes(40)):
            self.assertIsNone(image_type(content))

    @settings(deadline=None)
    @given(st.sampled_from(["PNG", "GIF", "JPEG", "WEBP"]), st.integers(0, 200), st.binary(max_size=60))
    def test_any_bytes(self, kind: str, kept: int, rest: bytes) -> None:
        """Any bytes are judged, cut short or not."""
        image_type(picture(kind)[:kept] + rest)
