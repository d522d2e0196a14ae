"""A composed mail as segments: bytes, and references to what lies in the object store.

Attachments are encoded and stored once for all messages of a request; a mail holds their place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps, loads

from scaisend.faults import ScaiSendError

_WHOLE = b"1"
_SEGMENTED = b"2"


class Unjoinable(ScaiSendError):
    """A stored mail is not what packing made, or an object it refers to is missing or of another size."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The place of an encoded attachment."""

    key: str
    size_bytes: int


Segment = bytes | ObjectRef


def size_of(segments: Sequence[Segment]) -> int:
    """Bytes of the joined mail."""
    return sum([len(each) if isinstance(each, bytes) else each.size_bytes for each in segments])


def needs_smtputf8(segments: Sequence[Segment]) -> bool:
    """Whether the header holds UTF-8; all else that is composed is ASCII."""
    return any(not each.isascii() for each in segments if isinstance(each, bytes))


def object_keys(segments: Sequence[Segment]) -> tuple[str, ...]:
    """The objects that joining needs, each once."""
    return tuple(dict.fromkeys(each.key for each in segments if isinstance(each, ObjectRef)))


def filled(segments: Sequence[Segment], objects: Mapping[str, bytes]) -> list[bytes]:
    """The segments with each reference replaced by its object's content.

    Raises: Unjoinable when an object is missing or has another size than when it was stored.
    """
    pieces = []
    for each in segments:
        if isinstance(each, bytes):
            pieces.append(each)
            continue
        content = objects.get(each.key)
        if content is None or len(content) != each.size_bytes:
            raise Unjoinable(f"the attachment {each.key} is {'missing' if content is None else 'not as it was stored'}")
        pieces.append(content)
    return pieces


def join(segments: Sequence[Segment], objects: Mapping[str, bytes]) -> bytes:
    """The whole mail.

    Raises: Unjoinable when an object is missing or has another size than when it was stored.
    """
    return b"".join(filled(segments, objects))


def pack(segments: Sequence[Segment]) -> bytes:
    """The segments as one value for the database; a mail without references costs one byte more than its size."""
    if len(segments) == 1 and isinstance(segments[0], bytes):
        return _WHOLE + segments[0]
    index = dumps([len(each) if isinstance(each, bytes) else [each.key, each.size_bytes] for each in segments]).encode()
    return b"".join([_SEGMENTED, b"%d\n" % len(index), index, *[each for each in segments if isinstance(each, bytes)]])


def unpack(packed: bytes) -> tuple[Segment, ...]:
    """The segments that were packed.

    Raises: Unjoinable when these bytes did not come from `pack`.
    """
    if packed[:1] == _WHOLE:
        return (packed[1:],)
    try:
        if packed[:1] != _SEGMENTED:
            raise ValueError(packed[:1])
        index_at = packed.index(b"\n", 0, 16) + 1
        at = index_at + int(packed[1 : index_at - 1])
        segments: list[Segment] = []
        for each in loads(packed[index_at:at]):
            if isinstance(each, list):
                segments.append(ObjectRef(str(each[0]), int(each[1])))
                continue
            segments.append(packed[at : at + each])
            at += each
        if at != len(packed):
            raise ValueError(at)
    except (ValueError, TypeError, IndexError):
        raise Unjoinable("the stored mail is damaged") from None
    return tuple(segments)
