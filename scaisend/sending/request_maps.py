"""The maps of text in a send request: headers, custom_args, substitutions, sections.

A value that is not a string in the first three is not decoded at all in SendGrid's eyes: the whole request is a `Bad Request`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from scaisend.sending import request_faults as say
from scaisend.sending.request_faults import Found, bad_request

CUSTOM_ARGS_BYTES = 10_000
SUBSTITUTIONS_BYTES = 50_000
SUBSTITUTIONS_MOST = 10_000
RESERVED = frozenset({
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from", "subject", "reply-to",
    "cc", "bcc",
})
UNSAFE = re.compile("[\r\n\0]")
# ftext of RFC 5322 3.6.8; a longer name would leave no room on its line (RFC 5322 2.1.1).
_HEADER_NAME = re.compile("[!-9;-~]{1,255}")
_NAMES_COUNTED = 64


def is_safe(text: str) -> bool:
    """Whether the text may stand in a header: no CR, LF or NUL."""
    return text.isprintable() or UNSAFE.search(text) is None


def read_headers(value: object, path: str, found: Found) -> dict[str, str]:
    """The headers in the order they were given; empty when there is nothing good about them.

    Raises: Invalid when a value is not a string.
    """
    if type(value) is not dict:
        found.add_type("object", value, path)
        return {}
    personal = path != "headers"
    names = set()
    for name, text in value.items():
        if type(text) is not str:
            raise bad_request()
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            found.add(say.HEADER_NAME_PERSONAL if personal else say.HEADER_NAME, path)
        elif lower in RESERVED:
            found.add(say.HEADER_RESERVED_PERSONAL if personal else say.HEADER_RESERVED, path)
        elif lower in names:
            found.add(say.HEADERS_DOUBLED, path)
        if not is_safe(text):
            anchor = "message.personalizations.headers" if personal else "message.headers"
            found.add(say.HEADER_UNSAFE, f"{path}.{say.shown(name)}", anchor)
        names.add(lower)
    return value


def is_texts(value: object) -> TypeGuard[dict[str, str]]:
    """Whether custom_args are an object.

    Raises: Invalid when one of its values is not a string.
    """
    if type(value) is not dict:
        return False
    for text in value.values():
        if type(text) is not str:
            raise bad_request()
    return True


def read_substitutions(value: object, path: str, found: Found) -> dict[str, str]:
    """Substitutions: an object of strings within their limits, where null stands for an empty string.

    Raises: Invalid when a value is neither a string nor null.
    """
    if type(value) is not dict:
        found.add_type("object", value, path)
        return {}
    texts = {}
    for tag, text in value.items():
        if text is not None and type(text) is not str:
            raise bad_request()
        texts[tag] = text or ""
    if len(texts) > SUBSTITUTIONS_MOST:
        found.add(say.SUBSTITUTIONS_MANY, path)
    elif is_larger(texts, SUBSTITUTIONS_BYTES):
        found.add(say.SUBSTITUTIONS_LARGE, path)
    return texts


def read_sections(value: object, found: Found) -> dict[str, str]:
    """Sections of legacy templates: an object of strings."""
    if type(value) is not dict:
        found.add_type("object", value, "sections")
        return {}
    if not all(type(text) is str for text in value.values()):
        found.add(say.SECTIONS, "sections")
    return value


def is_larger(texts: Mapping[str, str], most_bytes: int) -> bool:
    """Whether keys and values together are over the limit, in bytes of UTF-8."""
    characters = sum(map(len, texts)) + sum(map(len, texts.values()))
    if characters * 4 <= most_bytes:
        return False
    return characters > most_bytes or sum(len(key.encode()) + len(text.encode()) for key, text in texts.items()) > most_bytes


def doubled_headers(body: bytes, maps: Sequence[Mapping[str, str]]) -> list[str]:
    """Paths of the `headers` objects in which the JSON text has a key twice; `maps` are those that were decoded from it.

    Most bodies are done with by counting each name in the text; only where that leaves a doubt it is decoded again.
    """
    times: dict[str, int] = {}
    for headers in maps:
        for name in headers:
            times[name] = times.get(name, 0) + 1
    if len(times) <= _NAMES_COUNTED and all(body.count(f'"{name}"'.encode()) == count for name, count in times.items()):
        return []
    try:
        root = json.loads(body, object_pairs_hook=_object, parse_int=str, parse_float=str)
    except RecursionError:
        raise bad_request()
    return [path for path, headers in _headers_in(root) if isinstance(headers, _Doubled)]


class _Doubled(dict[str, object]):
    """A JSON object in which a key stood twice."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    decoded = dict(pairs)
    return decoded if len(decoded) == len(pairs) else _Doubled(decoded)


def _headers_in(root: dict[str, object]) -> Iterable[tuple[str, object]]:
    yield "headers", root.get("headers")
    personalizations = root.get("personalizations")
    for number, each in enumerate(personalizations if isinstance(personalizations, list) else ()):
        if isinstance(each, dict):
            yield f"personalizations.{number}.headers", each.get("headers")
