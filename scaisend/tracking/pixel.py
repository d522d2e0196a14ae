"""The open pixel: where it stands in a mail, and its bytes."""

from base64 import b64decode

# One transparent pixel, 42 bytes.
GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_STYLE = "height:1px!important;width:1px!important;border:0!important;margin:0!important;padding:0!important"
_BODY_END = "</body"


def pixel_tag(url: str) -> str:
    """The image as HTML; `url` holds nothing that HTML reads otherwise."""
    return f'<img src="{url}" alt="" width="1" height="1" border="0" style="{_STYLE}">'


def with_pixel(html: str, tag: str, place: str | None = None) -> str:
    """The HTML with the image at each `place`, a text of the sender's; without one at the end of the body."""
    if place and place in html:
        return html.replace(place, tag)
    at = body_end(html)
    return html[:at] + tag + html[at:]


def body_end(html: str) -> int:
    """Where the last `</body` begins, in any case; the end without one."""
    at = html.rfind(_BODY_END)
    if at >= 0:
        return at
    at = len(html)
    while (at := html.rfind("</", 0, at)) >= 0:
        if html[at : at + len(_BODY_END)].lower() == _BODY_END:
            return at
    return len(html)
