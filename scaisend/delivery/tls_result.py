"""What came of TLS with one host, as TLS reports count it (RFC 8460 4.3)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsResult:
    """One session that was tried. `kind` of policy: tlsa, sts or no-policy-found; `failure` None: TLS as it was asked for.

    `policy` are the lines of the policy, TLSA records or MTA-STS; `address` is the host's, `source` ours.
    """

    kind: str
    host: str
    failure: str | None = None
    text: str = ""
    address: str | None = None
    source: str | None = None
    policy: tuple[str, ...] = ()


TellTls = Callable[[str, TlsResult], None]  # of a recipients' domain (A-label)
