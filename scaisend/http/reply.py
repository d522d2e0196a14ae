"""What is answered: replies of handlers, and the one body of every error."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from scaisend.faults import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    ScaiSendError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)

Headers = tuple[tuple[str, str], ...]

STATUS_OF: dict[type[ScaiSendError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedType: 415,
    TooManyRequests: 429,
    Unavailable: 503,
}
# The standard library's names of these are older than RFC 9110.
_RENAMED = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
PHRASES = {status.value: _RENAMED.get(status.value, status.phrase) for status in HTTPStatus}
BODILESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `headers` come in addition to those of the door (request id, limits, length)."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Headers = ()


def json_reply(value: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """`value` as JSON: dicts, lists, text, numbers, dataclasses, None."""
    return Reply(status, orjson.dumps(value), "application/json", tuple(headers))


def data_reply(value: object, status: int = 200) -> Reply:
    """`{"data": value}`, the form of /api/admin."""
    return json_reply({"data": value}, status)


def no_content() -> Reply:
    """204, and no body."""
    return Reply(204)


def error_reply(status: int, faults: Sequence[Fault], headers: Headers = (), ids: Sequence[str] = ()) -> Reply:
    """The body of every error: all faults, and one sentence; `ids` where several things match."""
    first = faults[0].message if faults else PHRASES[status]
    detail = first if len(faults) < 2 else f"{first} (and {len(faults) - 1} more)"
    errors = [{"message": fault.message, "field": fault.field, "help": fault.help} for fault in faults]
    body: dict[str, object] = {"errors": errors, "detail": detail}
    if ids:
        body["ids"] = list(ids)
    return Reply(status, orjson.dumps(body), "application/json", headers)


def refusal_reply(error: ScaiSendError) -> Reply:
    """The refusal as HTTP says it: its status, its faults, and the headers that belong to it."""
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), 400)
    headers: Headers = ()
    ids: Sequence[str] = ()
    match error:
        case Unauthenticated():
            headers = (("WWW-Authenticate", "Bearer"),)
        case TooManyRequests() | Unavailable():
            headers = (("Retry-After", str(max(1, error.retry_after_s))),)
        case Conflict():
            ids = error.ids
            if error.retry_after_s is not None:
                headers = (("Retry-After", str(max(1, error.retry_after_s))),)
    return error_reply(status, error.faults, headers, ids)


def failure_reply(request_id: str) -> Reply:
    """500: nothing but the id under which the exception was logged."""
    return error_reply(500, [Fault(f"internal error, request id {request_id}")])
