"""What a handler sees of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from scaisend.caller import Caller
from scaisend.faults import Invalid, UnsupportedType

NOBODY = Caller(tenant_id="", partner_id="", credential_id="", permissions=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request whose caller is known and may do this; public routes are called by NOBODY.

    `path` holds the path's parameters, percent-decoded; `query` every value of each name, in order; `headers` lower-case
    names. `method` is as the client wrote it, for HEAD is answered by GET's route. `body` is whole and unpacked. `now_s` is the moment of arrival; `remote` the address of the client.
    """

    caller: Caller = NOBODY
    method: str = "GET"
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    request_id: str = ""
    now_s: float = 0.0
    remote: str = ""

    def json(self) -> object:
        """The body as JSON; of a key that stands twice the last one counts.

        Raises: Invalid when it is not JSON, UnsupportedType when it calls itself something else or is not UTF-8.
        """
        kind = self.headers.get("content-type")
        if kind and not is_json(kind):
            raise UnsupportedType("Content-Type should be application/json")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            pass
        try:
            self.body.decode()
        except UnicodeDecodeError:
            raise UnsupportedType("Invalid UTF8 in request") from None
        raise Invalid("Bad Request")

    def one(self, name: str) -> str | None:
        """The query parameter's first value, or None when it is absent."""
        values = self.query.get(name)
        return values[0] if values else None


def is_json(content_type: str) -> bool:
    """Whether a Content-Type says JSON: `application/json` or any `+json`, with or without parameters."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")
