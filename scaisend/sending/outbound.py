"""What rendering hands to delivery: a mail's bytes and the recipients it is to reach, under one lease."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scaisend.sending.store import Recipient


@dataclass(slots=True)
class Lease:
    """A claim on recipients: `deadline` is on the monotonic clock, and no final dot is written after it.

    `open` are the recipients that this process has under it and, as far as it knows, still holds.
    """

    attempt_id: str
    deadline: float
    open: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class OutboundMail:
    """A rendered mail; `packed` are its unsigned bytes as compose.pack made them, `has_body` whether they are stored."""

    message_id: str
    tenant_id: str
    from_email: str
    accepted_at: float
    packed: bytes
    size_bytes: int
    has_body: bool
    ip_pool: str | None
    recipients: Sequence[Recipient]
