"""What a handler answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `headers` come in addition to those of the door (request id, limits, length)."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(value: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """`value` as JSON: dicts, lists, text, numbers, dataclasses, None."""
    return Reply(status, orjson.dumps(value), "application/json", tuple(headers))


def data_reply(value: object, status: int = 200) -> Reply:
    """`{"data": value}`, the form of /api/admin."""
    return json_reply({"data": value}, status)


def no_content() -> Reply:
    """204, and no body."""
    return Reply(204)
