"""Small images of large ones: the only file that knows Pillow. To be run in a thread."""

from io import BytesIO

from PIL import Image, ImageOps

from scaisend.content.image_type import JPEG, ImageType, image_type
from scaisend.faults import Invalid

SIDE = 320
# What an image may unpack to: 25 million pixels are 100 MB of memory for as long as one is looked at.
MOST_PIXELS = 25_000_000


def checked_image(content: bytes) -> ImageType:
    """What the image is. Raises: Invalid when it is none that mail programs show, or has too many pixels."""
    found = image_type(content)
    if found is None:
        raise Invalid("The file is no JPEG, PNG, GIF or WebP image.", "file", "The content decides, not the name or the type that is given.")
    if found.width * found.height > MOST_PIXELS:
        raise Invalid(f"The image has {found.width} x {found.height} pixels; at most {MOST_PIXELS:,} are taken.", "file")
    return found


def thumbnail(content: bytes, known: ImageType) -> bytes:
    """The image, its first frame if it moves, within SIDE x SIDE pixels and without what a camera wrote into it; JPEG, or PNG where it is transparent.

    Raises: Invalid when it cannot be read to its end, or is not of the size that its header tells.
    """
    try:
        with Image.open(BytesIO(content), formats=[known.media_type.removeprefix("image/").upper()]) as image:
            if image.size != (known.width, known.height):
                raise ValueError("another size")
            if known.media_type == JPEG:
                image.draft("RGB", (2 * SIDE, 2 * SIDE))
            image.load()
            small = ImageOps.exif_transpose(image)
            small.thumbnail((SIDE, SIDE))
            is_transparent = "A" in small.getbands() or "transparency" in small.info
            kind, mode, options = ("PNG", "RGBA", {"optimize": True}) if is_transparent else ("JPEG", "RGB", {"quality": 85})
            # A new image, so that nothing but pixels comes along.
            written = BytesIO()
            bare = Image.new(mode, small.size)
            bare.paste(small.convert(mode))
            bare.save(written, kind, **options)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid("The image is damaged.", "file", type(error).__name__) from None
    return written.getvalue()
