"""Opting out and in again: suppression and event in one transaction; what is asked for twice happens once.

The message is locked first, as by everybody who writes history. Leaving a group that was deleted meanwhile is leaving all mail.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import orjson

from scaisend.address import fold
from scaisend.ids import IdMaker
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.messages.store import lock_messages_across_tenants
from scaisend.storage.database import Txn
from scaisend.suppressions import groups_store
from scaisend.suppressions.groups_store import Group
from scaisend.suppressions.lists import UNSUBSCRIBES
from scaisend.suppressions.store import Entry, list_across_tenants, listed_one, unlist
from scaisend.tracking.personal import ALL_MAIL, GROUP, Named, read_token
from scaisend.tracking.store import Recipient, recipient_across_tenants

ONE_CLICK = "one-click"
PAGE = "page"
MAIL = "mail"

Seen = Mapping[str, str]
NOTHING: Seen = {}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the recipient of a token can choose: `groups` are shown, `own` is the mail's group, `left` those that were left."""

    recipient: Recipient
    groups: tuple[Group, ...]
    own: Group | None
    left: frozenset[int]
    left_all: bool


def choices(txn: Txn, named: Named) -> Choices | None:
    """How things are for the recipient that the token names; None when it is not known any more."""
    recipient = recipient_across_tenants(txn, named.recipient_id)
    if recipient is None:
        return None
    email = fold(recipient.email)
    own_id, shown_ids = _groups_of(recipient.payload)
    known = {each.id: each for each in groups_store.groups(txn, recipient.tenant_id)}
    shown = [known[each] for each in shown_ids if each in known] if shown_ids else list(known.values())
    return Choices(
        recipient, tuple(shown), None if own_id is None else known.get(own_id),
        frozenset(groups_store.groups_left_by(txn, recipient.tenant_id, email)),
        listed_one(txn, recipient.tenant_id, UNSUBSCRIBES, email) is not None,
    )


def unsubscribe(
    txn: Txn, ids: IdMaker, named: Named, now: float, how: str, *, from_all: bool = False, seen: Seen = NOTHING
) -> Choices | None:
    """The recipient gets no more of what the token speaks of: the mail's group, or all mail, which `from_all` asks for in any case.

    None when the recipient is not known any more. `how` is ONE_CLICK, PAGE or MAIL; `seen` is told on the event: `ip`, `useragent`.
    """
    lock_messages_across_tenants(txn, [named.message_id])
    found = choices(txn, named)
    if found is None:
        return None
    if named.purpose == GROUP and found.own is not None and not from_all:
        changes = _leave(txn, found.recipient, [found.own.id], now, {**seen, "how": how})
    elif named.purpose in (GROUP, ALL_MAIL) or from_all:
        changes = _leave_all(txn, found.recipient, now, {**seen, "how": how})
    else:
        changes = []
    if changes:
        record(txn, ids, changes, now)
    return choices(txn, named)


def choose(
    txn: Txn, ids: IdMaker, named: Named, wanted: Collection[int], now: float, *, all_mail: bool, seen: Seen = NOTHING
) -> Choices | None:
    """Of the groups that are shown the recipient gets just the `wanted` ones, and mail at all only if `all_mail`.

    None when the recipient is not known any more.
    """
    lock_messages_across_tenants(txn, [named.message_id])
    found = choices(txn, named)
    if found is None:
        return None
    to_leave = [each.id for each in found.groups if each.id not in wanted and each.id not in found.left]
    to_join = [each.id for each in found.groups if each.id in wanted and each.id in found.left]
    told = {**seen, "how": PAGE}
    changes = _leave(txn, found.recipient, to_leave, now, told) + _come_back(txn, found.recipient, to_join, now, told)
    if not all_mail:
        changes += _leave_all(txn, found.recipient, now, told)
    elif found.left_all:
        unlist(txn, found.recipient.tenant_id, UNSUBSCRIBES, [fold(found.recipient.email)])
    if changes:
        record(txn, ids, changes, now)
    return choices(txn, named)


def unsubscribe_by_mail(txn: Txn, ids: IdMaker, key: bytes, token: str, now: float) -> bool:
    """Whether a mail to `unsubscribe+<token>@` opted anybody out, now or before; whatever the mail says."""
    named = read_token(key, token)
    return named is not None and unsubscribe(txn, ids, named, now, MAIL) is not None


def _leave(txn: Txn, to: Recipient, group_ids: Sequence[int], now: float, told: Seen) -> list[Change]:
    return [
        _change(to, events.GROUP_UNSUBSCRIBE, now, {**told, "asm_group_id": each}) for each in group_ids
        if groups_store.leave(txn, to.tenant_id, each, [fold(to.email)], now)
    ]


def _come_back(txn: Txn, to: Recipient, group_ids: Sequence[int], now: float, told: Seen) -> list[Change]:
    return [
        _change(to, events.GROUP_RESUBSCRIBE, now, {**told, "asm_group_id": each}) for each in group_ids
        if groups_store.come_back(txn, to.tenant_id, each, fold(to.email))
    ]


def _leave_all(txn: Txn, to: Recipient, now: float, told: Seen) -> list[Change]:
    how = told["how"]
    entry = Entry(to.tenant_id, UNSUBSCRIBES, fold(to.email), f"opted out ({how}) of message {to.message_id}", None, None, None, how, now)
    return [_change(to, events.UNSUBSCRIBE, now, told)] if list_across_tenants(txn, [entry]) else []


def _change(to: Recipient, kind: str, now: float, detail: Mapping[str, object]) -> Change:
    return Change(Event(kind, to.tenant_id, to.message_id, to.recipient_id, now, detail))


def _groups_of(payload: str) -> tuple[int | None, tuple[int, ...]]:
    """The mail's group, and those that its page shows: none given, all of the tenant's."""
    asm = orjson.loads(payload).get("asm")
    if not isinstance(asm, dict):
        return None, ()
    own, shown = asm.get("group_id"), asm.get("groups_to_display") or ()
    return own if isinstance(own, int) else None, tuple(each for each in shown if isinstance(each, int))
