"""A mail as composing takes it: what it says, before it is bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scaisend.faults import ScaiSendError


class ComposeError(ScaiSendError):
    """The mail cannot be written as RFC 5322 wants it: a control character, an address or a header that has no legal form."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name shown with it."""

    email: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One form of the text; `media_type` may carry parameters (`text/calendar; method=REQUEST`)."""

    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment whose encoded content lies in the object store under `object_key`, `encoded_size` bytes long."""

    filename: str
    media_type: str
    disposition: str
    content_id: str | None
    object_key: str
    encoded_size: int


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `date_at` is epoch seconds; `message_id` has its angle brackets.

    `headers` are the sender's own, in order; a Message-ID or Date among them wins, other fields that composing writes
    itself are left out. `boundary_seed` is unique to the mail: with the same seed the same mail has the same bytes.
    `places` are the placeholders in headers and parts, each with the purpose of the token that goes there.
    """

    from_: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    date_at: float
    message_id: str
    boundary_seed: str
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    attachments: tuple[Attached, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
