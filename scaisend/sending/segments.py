"""A composed mail as segments: bytes, references to what lies in the object store, and places of what is a recipient's own.

Attachments are encoded and stored once for all messages of a request; a mail holds their place. A mail is composed and kept once
for all of its recipients; it holds the places of their tokens, which delivery fills before it signs (tracking/personal.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from orjson import dumps, loads

from scaisend.faults import ScaiSendError

_WHOLE = b"1"
_SEGMENTED = b"2"
NO_TOKENS: Mapping[str, bytes] = {}


class Unjoinable(ScaiSendError):
    """A stored mail is not what packing made, or an object it refers to is missing or of another size."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The place of an encoded attachment."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TokenRef:
    """The place of the recipient's token for a purpose, or of a piece of it: `size_bytes` of it from `start` on."""

    purpose: str
    start: int
    size_bytes: int


Segment = bytes | ObjectRef | TokenRef


@lru_cache(maxsize=256)
def token_ref(purpose: str, start: int, size_bytes: int) -> TokenRef:
    """The place; most mails have the same few, so they are made once."""
    return TokenRef(purpose, start, size_bytes)


def size_of(segments: Sequence[Segment]) -> int:
    """Bytes of the joined mail."""
    return sum([len(each) if isinstance(each, bytes) else each.size_bytes for each in segments])


def needs_smtputf8(segments: Sequence[Segment]) -> bool:
    """Whether the header holds UTF-8; all else that is composed is ASCII."""
    return any(not each.isascii() for each in segments if isinstance(each, bytes))


def object_keys(segments: Sequence[Segment]) -> tuple[str, ...]:
    """The objects that joining needs, each once."""
    return tuple(dict.fromkeys(each.key for each in segments if isinstance(each, ObjectRef)))


def purposes(segments: Sequence[Segment]) -> tuple[str, ...]:
    """The purposes of the tokens that joining needs, each once."""
    return tuple(dict.fromkeys(each.purpose for each in segments if isinstance(each, TokenRef)))


def filled(segments: Sequence[Segment], objects: Mapping[str, bytes], tokens: Mapping[str, bytes] = NO_TOKENS) -> list[bytes]:
    """The segments with each reference replaced by its object's content, or by the token of its purpose.

    Raises: Unjoinable when an object or token is missing or has another size than its place.
    """
    pieces = []
    for each in segments:
        if isinstance(each, bytes):
            pieces.append(each)
            continue
        if isinstance(each, TokenRef):
            piece = tokens.get(each.purpose, b"")[each.start : each.start + each.size_bytes]
            if len(piece) != each.size_bytes:
                raise Unjoinable(f"there is no token for {each.purpose!r}")
            pieces.append(piece)
            continue
        content = objects.get(each.key)
        if content is None or len(content) != each.size_bytes:
            raise Unjoinable(f"the attachment {each.key} is {'missing' if content is None else 'not as it was stored'}")
        pieces.append(content)
    return pieces


def join(segments: Sequence[Segment], objects: Mapping[str, bytes], tokens: Mapping[str, bytes] = NO_TOKENS) -> bytes:
    """The whole mail, for the recipient whose tokens these are.

    Raises: Unjoinable when an object or token is missing or has another size than its place.
    """
    return b"".join(filled(segments, objects, tokens))


def pack(segments: Sequence[Segment]) -> bytes:
    """The segments as one value for the database; a mail without references costs one byte more than its size."""
    if len(segments) == 1 and isinstance(segments[0], bytes):
        return _WHOLE + segments[0]
    index = dumps([_indexed(each) for each in segments])
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
                segments.append(token_ref(str(each[0]), int(each[1]), int(each[2])) if len(each) == 3 else ObjectRef(str(each[0]), int(each[1])))
                continue
            segments.append(packed[at : at + each])
            at += each
        if at != len(packed):
            raise ValueError(at)
    except (ValueError, TypeError, IndexError):
        raise Unjoinable("the stored mail is damaged") from None
    return tuple(segments)


def _indexed(segment: Segment) -> object:
    if isinstance(segment, bytes):
        return len(segment)
    return [segment.key, segment.size_bytes] if isinstance(segment, ObjectRef) else [segment.purpose, segment.start, segment.size_bytes]
