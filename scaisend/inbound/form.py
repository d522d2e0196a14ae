"""multipart/form-data (RFC 7578): fields and files as one body."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class FormFile:
    """One file of a form."""

    name: str
    filename: str
    media_type: str
    content: bytes


def form_body(fields: Sequence[tuple[str, bytes]], files: Sequence[FormFile], seed: str) -> tuple[str, bytes]:
    """The Content-Type and the body; its boundary is made from `seed` and occurs in none of the contents."""
    contents = [content for _, content in fields] + [each.content for each in files]
    number = 0
    while True:
        boundary = sha256(f"{number} {seed}".encode()).hexdigest()[:32].encode()
        if not any(boundary in each for each in contents):
            break
        number += 1
    pieces: list[bytes] = []
    for name, content in fields:
        pieces += (b"--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n" % (boundary, _quoted(name)), content, b"\r\n")
    for each in files:
        head = b"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n"
        pieces += (head % (boundary, _quoted(each.name), _quoted(each.filename), _one_line(each.media_type)), each.content, b"\r\n")
    pieces.append(b"--%s--\r\n" % boundary)
    return f"multipart/form-data; boundary={boundary.decode()}", b"".join(pieces)


def _quoted(text: str) -> bytes:
    """As browsers write names: quotes and line ends as percent codes (RFC 7578 4.2, HTML)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\0", "").encode("utf-8", "replace")


def _one_line(text: str) -> bytes:
    return "".join(each for each in text if " " <= each <= "~").encode("ascii")
