"""What delivery is asked to do for one recipient, and what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

# Kinds of outcome.
DELIVERED = "delivered"
REFUSED = "refused"
DEFERRED = "deferred"
TROUBLE = "trouble"
UNKNOWN = "unknown"
FENCED = "fenced"
BACKOFF = "backoff"
NOMX = "nomx"

KINDS = {
    DELIVERED: "the destination took responsibility",
    REFUSED: "5xx for this recipient, or one of its limits that we know of",
    DEFERRED: "4xx for this recipient",
    TROUBLE: "no verdict: no connection, DNS, TLS, 421, or dropped before the dot",
    UNKNOWN: "the final dot was written and no answer came: it may have been delivered",
    FENCED: "the lease had ended before the final dot, which was not written",
    BACKOFF: "not tried: the destination is left alone for now, or this process stops",
    NOMX: "the domain takes no mail: null MX, or it does not exist",
}

# Stages of a mail transaction.
RSET = "rset"
MAIL = "mail"
RCPT = "rcpt"
DATA = "data"
DOT = "dot"
LONE_DOT = "lone dot"
# Stages before and beside it; greeting, ehlo and tls are in opening.py.
DNS = "dns"
CONNECT = "connect"
LOCAL = "local"
LOAD = "load"
WAIT = "wait"


@dataclass(slots=True, eq=False)
class Job:
    """One mail for one recipient.

    `domain` is the A-label of the recipient's domain. `body` is canonical (CRLF, ends in CRLF) and signed; when it is None, `load` brings it
    just before it is needed. `source_pool` are the source addresses it may leave from, none given: any. `may_finish` is asked right before the
    write that holds the final dot. After `give_up_at` (epoch seconds) it is not begun any more. `needs_no_tls`: its sender wants it to arrive even
    where the domain's DANE or MTA-STS fails (RFC 8689 5). `route`: the host (`host:port`) that it goes to instead of the domain's own. `context` is
    the caller's own.
    """

    recipient_id: str
    tenant_id: str
    envelope_from: str
    envelope_to: str
    domain: str
    body: bytes | None
    load: Callable[[], Awaitable[bytes]] | None
    size_bytes: int
    smtputf8: bool
    source_pool: tuple[str, ...]
    may_finish: Callable[[], bool]
    give_up_at: float | None = None
    context: object = None
    needs_no_tls: bool = False
    route: str | None = None
    returns: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    `stage` is the command or step that decided it; `code`, `enhanced`, `text` are the host's words (code None: nobody said anything, `text` is
    ours). `tls` is version and cipher, `rung` how much TLS was asked of the host, `rung_why` so much. `dialogue` is the bounded transcript of what went wrong. `reached_dot`: the final dot was written.
    `retry_at` (epoch seconds) and `waiting` (messages/waiting.py) speak of what did not end.
    """

    kind: str
    stage: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    host: str | None = None
    address: str | None = None
    source: str | None = None
    tls: str | None = None
    dialogue: str | None = None
    reached_dot: bool = False
    retry_at: float | None = None
    waiting: str | None = None
    rung: str | None = None
    rung_why: str | None = None
