"""A door of the service on one line: method, path, what it asks of its caller, and the coroutine behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from scaisend.http.call import Call
from scaisend.http.reply import Reply

LIMIT_NAMES = ("mail_send", "messages", "writes", "default")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    `path` is in Werkzeug's form, `/v3/api_keys/<key_id>`; segments arrive percent-decoded as text. `permission` is one
    permission, or a tuple of which any one suffices; None asks for a valid credential only. `public` routes ask for none,
    and are handed the caller NOBODY. `limit` is one of LIMIT_NAMES, or None where requests are not counted. `body_limit` is
    in bytes, counted as they arrive. `hot` routes have a path without parameters and are found before all others.
    """

    method: str
    path: str
    call: Callable[[Call], Awaitable[Reply]]
    permission: str | tuple[str, ...] | None = None
    public: bool = False
    limit: str | None = "default"
    body_limit: int = 1_000_000
    summary: str = ""
    hot: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit not in LIMIT_NAMES:
            raise ValueError(f"{self.method} {self.path}: no limit is called {self.limit!r}")
        if not self.path.startswith("/") or (self.hot and "<" in self.path):
            raise ValueError(f"{self.method} {self.path}: not a path that can be served")


Calls = Callable[[Call], Awaitable[Reply]]
Permission = str | tuple[str, ...] | None


def get(path: str, call: Calls, *, permission: Permission = None, **more: Any) -> Route:
    """A GET route; HEAD is answered by it too."""
    return Route("GET", path, call, permission, **more)


def post(path: str, call: Calls, *, permission: Permission = None, **more: Any) -> Route:
    """A POST route."""
    return Route("POST", path, call, permission, **more)


def put(path: str, call: Calls, *, permission: Permission = None, **more: Any) -> Route:
    """A PUT route."""
    return Route("PUT", path, call, permission, **more)


def patch(path: str, call: Calls, *, permission: Permission = None, **more: Any) -> Route:
    """A PATCH route."""
    return Route("PATCH", path, call, permission, **more)


def delete(path: str, call: Calls, *, permission: Permission = None, **more: Any) -> Route:
    """A DELETE route."""
    return Route("DELETE", path, call, permission, **more)
