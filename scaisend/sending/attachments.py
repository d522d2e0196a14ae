"""The attachments of a send request: decoded, and described without their content."""

import re
from binascii import Error, a2b_base64
from collections.abc import Sequence
from dataclasses import dataclass

from scaisend.sending import request_faults as say
from scaisend.sending.request_faults import Found
from scaisend.sending.request_maps import is_safe

LARGEST_MESSAGE = 30 * 1024 * 1024
DEFAULT_TYPE = "application/octet-stream"

_FIELDS = frozenset({"content", "filename", "type", "disposition", "content_id"})
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:[ \t]*;[ -~]*)?")
_TYPES = {
    "csv": "text/csv", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "gif": "image/gif",
    "htm": "text/html", "html": "text/html", "ics": "text/calendar", "jpeg": "image/jpeg", "jpg": "image/jpeg", "json": "application/json",
    "pdf": "application/pdf", "png": "image/png", "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "svg": "image/svg+xml", "txt": "text/plain", "webp": "image/webp",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xml": "application/xml", "zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment: `number` is its place in the request, `type` a media type, `disposition` attachment or inline."""

    number: int
    filename: str
    type: str
    disposition: str
    content_id: str | None
    content: bytes

    def described(self) -> dict[str, object]:
        """What `shared` says of it: filename, type, disposition, size in bytes, and content_id where it has one."""
        about: dict[str, object] = {
            "filename": self.filename, "type": self.type, "disposition": self.disposition, "size": len(self.content),
        }
        if self.content_id is not None:
            about["content_id"] = self.content_id
        return about


def read_attachments(value: object, found: Found) -> tuple[Attachment, ...]:
    """The attachments; those with faults are left out."""
    if type(value) is not list:
        found.add_type("array", value, "attachments")
        return ()
    read = []
    for number, each in enumerate(value):
        path = f"attachments.{number}"
        if type(each) is not dict:
            found.add_type("object", each, path)
            continue
        found.add_unknown(each, _FIELDS, path)
        attachment = _read(each, number, path, found)
        if attachment is not None:
            read.append(attachment)
    return tuple(read)


def total_bytes(attachments: Sequence[Attachment]) -> int:
    """Bytes of all the decoded contents."""
    return sum(len(each.content) for each in attachments)


def _read(each: dict[str, object], number: int, path: str, found: Found) -> Attachment | None:
    content = _content(each, path, found)
    filename = _filename(each, path, found)
    given_type = each.get("type")
    if "type" in each and (type(given_type) is not str or not given_type):
        found.add(say.ATTACHMENT_TYPE, f"{path}.type")
    elif type(given_type) is str and not is_safe(given_type):
        found.add(say.ATTACHMENT_TYPE_UNSAFE, f"{path}.type")
    disposition = each.get("disposition", "attachment")
    if type(disposition) is not str or disposition not in ("attachment", "inline"):
        found.add(say.DISPOSITION, f"{path}.disposition")
        return None
    content_id = _content_id(each, path, found)
    if content is None or filename is None:
        return None
    return Attachment(number, filename, _media_type(given_type, filename), disposition, content_id, content)


def _content(each: dict[str, object], path: str, found: Found) -> bytes | None:
    """The decoded content. Line breaks within the base64 are passed over, as SendGrid's decoder does."""
    if "content" not in each:
        found.add(say.ATTACHMENT_NEEDED, f"{path}.content")
        return None
    content = each["content"]
    if type(content) is not str or not content:
        found.add(say.ATTACHMENT_EMPTY, f"{path}.content")
        return None
    if "\n" in content or "\r" in content:
        content = content.replace("\r", "").replace("\n", "")
    try:
        return a2b_base64(content, strict_mode=True)
    except (Error, ValueError):
        found.add(say.ATTACHMENT_BASE64, f"{path}.content")
        return None


def _filename(each: dict[str, object], path: str, found: Found) -> str | None:
    if "filename" not in each:
        found.add(say.FILENAME_NEEDED, f"{path}.filename")
        return None
    filename = each["filename"]
    if type(filename) is not str:
        found.add(say.FILENAME, f"{path}.filename")
        return None
    if not is_safe(filename):
        found.add(say.FILENAME_UNSAFE, f"{path}.filename")
    return filename


def _content_id(each: dict[str, object], path: str, found: Found) -> str | None:
    """The content id without the angle brackets that some put around it, None when there is none."""
    if "content_id" not in each:
        return None
    content_id = each["content_id"]
    if type(content_id) is not str:
        found.add(say.CONTENT_ID.format(say.shown(content_id)), f"{path}.content_id")
        return None
    if not is_safe(content_id):
        found.add(say.CONTENT_ID_UNSAFE, f"{path}.content_id")
    return content_id.strip().removeprefix("<").removesuffix(">") or None


def _media_type(given: object, filename: str) -> str:
    """The given type where it is a media type, else what the file's ending says, else octet-stream (RFC 2046 4.5.1)."""
    if type(given) is str and _MEDIA_TYPE.fullmatch(given):
        return given
    return _TYPES.get(filename.rpartition(".")[2].lower(), DEFAULT_TYPE)
