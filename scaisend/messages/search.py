"""What GET /v3/messages is asked for in our own terms: filters, a page, and the three forms of a message's id.

    msg_…                                   the message
    <X-Message-Id>                          the request: 22 base64url characters, without a dot
    <X-Message-Id>.<26 letters>-<number>    one recipient of the message `msg_<26 letters>`: SendGrid's msg_id
"""

import re
from dataclasses import dataclass

from scaisend.address import fold
from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.paging import cursor, only, read_cursor, whole
from scaisend.ids import letters
from scaisend.messages.moments import read_moment
from scaisend.messages.status import MESSAGE_STATES

MOST = 500
USUAL = 50
MOST_OFFSET = 10_000
# Ids hold the moment they were made; clocks of several processes, and of one that is set back, differ by less than this.
CLOCK_SLACK_S = 3_600.0
_MESSAGE_ID = re.compile(r"msg_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII).fullmatch
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII).fullmatch
_ACTIVITY_ID = re.compile(r"([A-Za-z0-9_-]{22})\.([0-7][0-9a-hjkmnp-tv-z]{25})-(0|[1-9][0-9]{0,3})", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class ActivityId:
    """One recipient as SendGrid's msg_id names it."""

    request_id: str
    message_id: str
    number: int

    @property
    def recipient_id(self) -> str:
        """The id of the recipient's row."""
        return f"{self.message_id}.{self.number}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages; None and empty: all. Addresses are found as they were written or folded. `subject` is how it begins; moments are epoch seconds, `until_at` excluded.

    `impossible`: something was asked for that no id can be.
    """

    status: str | None = None
    to_emails: tuple[str, ...] = ()
    from_emails: tuple[str, ...] = ()
    subject: str | None = None
    category: str | None = None
    batch_id: str | None = None
    x_message_id: str | None = None
    since_at: float | None = None
    until_at: float | None = None
    impossible: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of messages, newest first: `limit` of them, beginning below the id `below` and then after `offset` more."""

    filters: Filters
    limit: int
    offset: int
    below: str | None


def is_message_id(text: str) -> bool:
    """Whether it has the form of a message's id."""
    return _MESSAGE_ID(text) is not None


def is_request_id(text: str) -> bool:
    """Whether it has the form of an X-Message-Id."""
    return _REQUEST_ID(text) is not None


def read_activity_id(text: str) -> ActivityId | None:
    """The recipient that SendGrid's msg_id names, or None when it is no such id."""
    found = _ACTIVITY_ID(text)
    return ActivityId(found[1], f"msg_{found[2]}", int(found[3])) if found else None


def activity_id(request_id: str, message_id: str, number: int) -> str:
    """The msg_id of one recipient."""
    return f"{request_id}.{message_id[4:]}-{number}"


def id_bound(at: float) -> str:
    """A text that stands before the ids of messages made from this moment on, and after those made before."""
    return "msg_" + letters(max(0, min(int(at * 1000), 2**48 - 1)) << 80)


PARAMETERS = frozenset((
    "status", "to_email", "email", "from_email", "subject", "category", "batch_id", "x_message_id", "since", "until", "limit", "offset", "cursor",
))


def read_list(call: Call) -> Asked:
    """The page that the query's parameters ask for.

    Raises: Invalid with every fault.
    """
    faults: list[Fault] = []
    try:
        only(call, *PARAMETERS)
    except Invalid as error:
        faults.extend(error.faults)
    status = call.one("status") or None
    if status is not None and status not in MESSAGE_STATES:
        faults.append(Fault(f"The status must be one of {', '.join(sorted(MESSAGE_STATES))}.", "status"))
    since_at, until_at = _moment(call, "since", faults), _moment(call, "until", faults)
    limit, offset, below = USUAL, 0, None
    try:
        limit = whole(call, "limit", least=1, most=MOST, default=USUAL)
        offset = whole(call, "offset", least=0, most=MOST_OFFSET, default=0)
        below = _below(call.one("cursor"))
    except Invalid as error:
        faults.extend(error.faults)
    if faults:
        raise Invalid(faults)
    batch_id, request_id = call.one("batch_id") or None, call.one("x_message_id") or None
    return Asked(
        Filters(
            status=status, to_emails=_addresses(call.one("to_email") or call.one("email")), from_emails=_addresses(call.one("from_email")),
            subject=call.one("subject") or None, category=call.one("category") or None, batch_id=batch_id, x_message_id=request_id,
            since_at=since_at, until_at=until_at,
            impossible=not (batch_id or "").isascii() or (request_id is not None and not is_request_id(request_id)),
        ),
        limit, offset, below,
    )


def next_cursor(message_id: str) -> str:
    """What asks for the page after this message."""
    return cursor([message_id])


def _below(text: str | None) -> str | None:
    if not text:
        return None
    (below,) = read_cursor(text, (str,), field="cursor")
    if not is_message_id(str(below)):
        raise Invalid("The cursor is not one that was given out here.", "cursor", "Begin with the first page again.")
    return str(below)


def _addresses(text: str | None) -> tuple[str, ...]:
    """An address as it was given and as it is folded: rows hold what the sender wrote."""
    if not text:
        return ()
    return tuple(dict.fromkeys((text, fold(text))))


def _moment(call: Call, name: str, faults: list[Fault]) -> float | None:
    text = call.one(name)
    if not text:
        return None
    try:
        return read_moment(text)
    except ValueError:
        faults.append(Fault(f"The {name} must be unix seconds or an ISO 8601 moment.", name))
        return None
