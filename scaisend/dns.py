"""Looking names up, as a seam: what a resolver answers, and the three ways in which it has no answer.

`domains/dns_client.py` implements it; delivery and outgoing HTTP are handed one.
"""

from dataclasses import dataclass
from typing import Protocol

from scaisend.faults import ScaiSendError

Record = str | tuple[int, str]


class NoSuchName(ScaiSendError):
    """The name does not exist (NXDOMAIN)."""


class NoRecords(ScaiSendError):
    """The name exists and has no record of this kind (NODATA)."""


class DnsTrouble(ScaiSendError):
    """No answer for now: SERVFAIL, a time-out, no name server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Records of one kind: `(preference, host)` for MX, text for all others; `secure` when a validating resolver vouched for them."""

    records: tuple[Record, ...]
    ttl_s: float
    secure: bool = False


class Resolver(Protocol):
    """Something that looks names up; it caches, and joins identical lookups in flight."""

    async def resolve(self, name: str, kind: str) -> Answer:
        """The records of `kind` (`A`, `AAAA`, `MX`, `TXT`, …) at `name`, CNAMEs followed.

        Raises: NoSuchName, NoRecords, DnsTrouble.
        """
        ...
