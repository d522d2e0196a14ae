"""Finds the placeholders in a composed mail, and makes them places of tokens."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from scaisend.sending.segments import Segment, TokenRef

_SOFT_BREAK = b"=\r\n"  # quoted-printable may end a line within a placeholder (RFC 2045 6.7)


def with_places(segments: Iterable[Segment], places: Mapping[str, str]) -> tuple[Segment, ...]:
    """The segments with each placeholder, `places` says for which purpose, replaced by the place of its token."""
    found = list(segments)
    for placeholder, purpose in places.items():
        found = [piece for each in found for piece in (_split(each, placeholder, purpose) if isinstance(each, bytes) else (each,))]
    return tuple(found)


def _split(content: bytes, placeholder: str, purpose: str) -> Iterator[Segment]:
    end = 0
    for match in _pattern(placeholder).finditer(content):
        if match.start() > end:
            yield content[end : match.start()]
        start = 0
        for number, piece in enumerate(match[0].split(_SOFT_BREAK)):
            if number:
                yield _SOFT_BREAK
            if piece:
                yield TokenRef(purpose, start, len(piece))
            start += len(piece)
        end = match.end()
    if end < len(content):
        yield content[end:]


@lru_cache(maxsize=64)
def _pattern(placeholder: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:=\r\n)?".join(re.escape(letter.encode()) for letter in placeholder))
