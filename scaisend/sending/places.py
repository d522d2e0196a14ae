"""Finds the placeholders in a composed mail, and makes them places of tokens."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from scaisend.sending.segments import Segment, token_ref

_SOFT_BREAK = b"=\r\n"  # quoted-printable may end a line within a placeholder (RFC 2045 6.7)


def with_places(segments: Iterable[Segment], places: Mapping[str, str]) -> tuple[Segment, ...]:
    """The segments with each placeholder, `places` says for which purpose, replaced by the place of its token."""
    found: list[Segment] = []
    for each in segments:
        if isinstance(each, bytes):
            _split(each, places, found)
        else:
            found.append(each)
    return tuple(found)


def _split(content: bytes, places: Mapping[str, str], found: list[Segment]) -> None:
    end = 0
    has_breaks = _SOFT_BREAK in content
    spans = sorted([(start, stop, purpose) for placeholder, purpose in places.items() for start, stop in _found(content, placeholder, has_breaks)])
    for start, stop, purpose in spans:
        if start > end:
            found.append(content[end:start])
        at = 0
        for number, piece in enumerate(content[start:stop].split(_SOFT_BREAK)):
            if number:
                found.append(_SOFT_BREAK)
            if piece:
                found.append(token_ref(purpose, at, len(piece)))
            at += len(piece)
        end = stop
    if end < len(content):
        found.append(content[end:])


def _found(content: bytes, placeholder: str, has_breaks: bool) -> set[tuple[int, int]]:
    """Where the placeholder stands, from and to. A line is longer than it, so at most one break is in it, and one half is whole."""
    letters = placeholder.encode()
    spans = {(at, at + len(letters)) for at in _places_of(content, letters)}
    if has_breaks:
        middle = len(letters) // 2
        pattern = _pattern(placeholder)
        starts = {*_places_of(content, letters[:middle]), *[at - middle - len(_SOFT_BREAK) for at in _places_of(content, letters[middle:])]}
        spans |= {match.span() for at in starts if at >= 0 and (match := pattern.match(content, at)) is not None}
    return spans


def _places_of(content: bytes, wanted: bytes) -> list[int]:
    places = []
    at = content.find(wanted)
    while at >= 0:
        places.append(at)
        at = content.find(wanted, at + len(wanted))
    return places


@lru_cache(maxsize=64)
def _pattern(placeholder: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:=\r\n)?".join(re.escape(letter.encode()) for letter in placeholder))
