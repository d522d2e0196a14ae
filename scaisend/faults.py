"""What can be wrong with a request, as values; and the refusals that carry them.

A `Fault` is gathered in lists. A refusal ends one request; it knows nothing of HTTP or SMTP: `http/site.py` and `smtp/`
translate it.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what, where (`personalizations.0.to.0.email`, None where no field applies), and the cure."""

    message: str
    field: str | None = None
    help: str | None = None


class ScaiSendError(Exception):
    """A refusal with at least one fault."""

    def __init__(self, faults: Sequence[Fault] | str, field: str | None = None, help: str | None = None) -> None:
        self.faults: tuple[Fault, ...] = (Fault(faults, field, help),) if isinstance(faults, str) else tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in self.faults))


class Invalid(ScaiSendError):
    """The request is malformed or illogical (400)."""


class Unauthenticated(ScaiSendError):
    """No credential, or one that is unknown, expired or revoked (401)."""


class Forbidden(ScaiSendError):
    """The credential may not do this, or the tenant is suspended, or the sender is not verified (403)."""


class NotFound(ScaiSendError):
    """No such thing for this tenant (404). Another tenant's thing answers just so."""


class Conflict(ScaiSendError):
    """The thing's present state does not allow this (409). `ids` names the candidates where several things match."""

    def __init__(
        self, faults: Sequence[Fault] | str, field: str | None = None, help: str | None = None, *,
        retry_after_s: int | None = None, ids: Sequence[str] = (),
    ) -> None:
        super().__init__(faults, field, help)
        self.retry_after_s = retry_after_s
        self.ids = tuple(ids)


class TooLarge(ScaiSendError):
    """The body, or what it unpacks to, is over the limit (413)."""


class UnsupportedType(ScaiSendError):
    """The body's media type or encoding is not one that is read here (415)."""


class TooManyRequests(ScaiSendError):
    """A rate limit is used up (429)."""

    def __init__(self, message: str = "too many requests", *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


_NAMES = {"redis": "Redis server", "objects": "object store"}


class Unavailable(ScaiSendError):
    """A dependency is away (503): `dependency` is `database`, `redis`, `objects` or `dns`. Nothing was lost; try again."""

    def __init__(self, dependency: str, message: str | None = None, *, retry_after_s: int = 5) -> None:
        super().__init__(message or f"the {_NAMES.get(dependency, dependency)} is not available at the moment, please try again")
        self.dependency = dependency
        self.retry_after_s = retry_after_s
