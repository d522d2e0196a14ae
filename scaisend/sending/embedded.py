"""Images of the tenant's library that a mail carries with it: `image_embed_mode` cid. With `proxy`, the default, its links to them stay.

Where HTML shows such an image, it shows the one that comes as an inline part under the image's id (RFC 2392, 2387).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from scaisend.sending.mail import Attached, Mail, Part

CID = "cid"
MOST_IMAGES = 1_000  # of a tenant's library, the newest
_BASE64_LINE = 76


@dataclass(frozen=True, slots=True)
class LibraryImage:
    """An image that may be embedded; `object_key` is where its bytes lie as a mail holds them."""

    id: str
    filename: str
    media_type: str
    size_bytes: int
    object_key: str


def wants_embedded(shared: Mapping[str, object]) -> bool:
    """Whether the request, or the tenant in what was laid under it, wants images embedded."""
    settings = shared.get("tracking_settings")
    return isinstance(settings, dict) and settings.get("image_embed_mode") == CID


def with_embedded(mail: Mail, library: Sequence[LibraryImage], base_url: str) -> Mail:
    """The mail with each image of the library that its HTML shows by link; itself when it shows none."""
    known = {each.id: each for each in library}
    shown: dict[str, LibraryImage] = {}

    def embedded(match: re.Match[str]) -> str:
        image = known.get(match[2])
        if image is None:
            return match[0]
        shown[image.id] = image
        return f"{match[1]}cid:{image.id}"

    pattern = _shown(base_url)
    parts = tuple([Part(part.media_type, pattern.sub(embedded, part.text)) if part.media_type == "text/html" else part for part in mail.parts])
    if not shown:
        return mail
    attached = [
        Attached(each.filename, each.media_type, "inline", each.id, each.object_key, _encoded_size(each.size_bytes)) for each in shown.values()
    ]
    return replace(mail, parts=parts, attachments=(*mail.attachments, *attached))


@lru_cache(maxsize=4)
def _shown(base_url: str) -> re.Pattern[str]:
    return re.compile(
        rf"((?:\b(?:src|background|poster)\s{{0,8}}=\s{{0,8}}[\"']?|\burl\(\s{{0,8}}[\"']?)){re.escape(base_url)}/i/(img_[0-9a-z]{{26}})(?=[\"'\s>)])",
        re.IGNORECASE,
    )


def _encoded_size(size_bytes: int) -> int:
    """Bytes of base64 in lines with their ends."""
    letters = -(-size_bytes // 3) * 4
    return letters + 2 * -(-letters // _BASE64_LINE)
