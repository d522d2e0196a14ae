"""Bodies of multipart/form-data (RFC 7578): the fields and files of a form."""

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from scaisend.faults import Invalid, UnsupportedType

MOST_PARTS = 100
LARGEST_HEAD = 8_192
_FIELD = re.compile(r'([a-zA-Z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


@dataclass(frozen=True, slots=True)
class FormPart:
    """One field. `filename` is None for what is no file."""

    name: str
    content: bytes
    filename: str | None = None

    def text(self) -> str:
        """The content as text. Raises: Invalid when it is not UTF-8."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise Invalid("This field is not UTF-8.", self.name) from None


def read_form_data(content_type: str, body: bytes) -> dict[str, FormPart]:
    """The parts by name; of a name that stands twice the first one counts.

    Raises: UnsupportedType when it is no multipart/form-data; Invalid when it cannot be read or has more than MOST_PARTS parts.
    """
    head = Message()
    head["Content-Type"] = content_type.replace("\r", "").replace("\n", "")
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not 0 < len(boundary) <= 70 or not boundary.isascii():
        raise UnsupportedType("Content-Type should be multipart/form-data")
    delimiter = b"\r\n--" + boundary.encode()
    pieces = (b"\r\n" + body).split(delimiter, MOST_PARTS + 2)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Invalid("The form is cut short, or has too many fields.")
    found: dict[str, FormPart] = {}
    for piece in pieces[1:-1]:
        part = _part(piece)
        found.setdefault(part.name, part)
    return found


def _part(piece: bytes) -> FormPart:
    """One part: white space behind the boundary, header fields, an empty line, the content."""
    head, end, content = piece.lstrip(b" \t").partition(b"\r\n\r\n")
    if not end or len(head) > LARGEST_HEAD:
        raise Invalid("The form cannot be read.")
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name.strip().lower() != "content-disposition":
            continue
        fields = {found[1].lower(): re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3] for found in _FIELD.finditer(value)}
        filename = fields.get("filename")
        if filename is not None:
            # Browsers escape quotation marks and line ends by percents (WHATWG HTML, multipart/form-data).
            filename = filename.replace("%22", '"').replace("%0D", "").replace("%0A", "")
        elif fields.get("filename*", "").lower().startswith("utf-8''"):
            filename = unquote(fields["filename*"][7:])
        if "name" in fields:
            return FormPart(fields["name"], content, filename)
    raise Invalid("A field of the form has no name.")
