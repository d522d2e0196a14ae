"""Reads the mails that were kept, in batches: claim, read in a thread, record, all of a batch in one transaction.

Killed anywhere, or run by two processes at once, each mail counts once: its row is locked, and leaves `unparsed` in the transaction
that records what it said.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.logger import Logger

from scaisend.faultpoints import reach
from scaisend.faults import NotFound, Unavailable
from scaisend.ids import IdMaker
from scaisend.inbound import store
from scaisend.inbound.outcome import MESSAGE_ID, TOKEN, SpokenOf, change_of, claimed, own_message, return_path_in
from scaisend.inbound.read import read
from scaisend.inbound.reading import ARF, AUTOREPLY, DELAY, OTHER, SUCCESS, Reading
from scaisend.inbound.store import KeptMail, KnownRecipient
from scaisend.messages import event as events
from scaisend.messages.record import Change, record
from scaisend.storage.database import Database, Txn
from scaisend.storage.objects import Objects

BATCH = 50
MOST_BATCHES = 40
KEPT_FOR_S = 30 * 86_400.0
FORGET_EVERY_S = 3600.0
UNSUBSCRIBE = "unsubscribe"
# What these say is known once they are read; nobody needs them any more.
_DONE = (AUTOREPLY, DELAY, SUCCESS)


class Counting(Protocol):
    """Where read mails are counted."""

    def read_back(self, kind: str) -> None:
        """A mail that came back was read as of this kind."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A mail that was read; `recipient_id` is what a valid token named, `message_id` the message that its Message-ID claims."""

    mail: KeptMail
    reading: Reading
    recipient_id: str | None
    message_id: str | None


class ParseWorker:
    """`turn` is called again and again. `in_thread` runs a function in a thread; `unsubscribe(txn, token, now)` takes opt-outs by mail."""

    log = Logger()

    def __init__(
        self, *, database: Database, objects: Objects, ids: IdMaker, token_key: bytes, now_s: Callable[[], float],
        in_thread: Callable[[Callable[[], list[Parsed]]], Awaitable[list[Parsed]]], metrics: Counting | None = None,
        unsubscribe: Callable[[Txn, str, float], object] | None = None,
    ) -> None:
        self._database = database
        self._objects = objects
        self._ids = ids
        self._token_key = token_key
        self._now_s = now_s
        self._in_thread = in_thread
        self._metrics = metrics
        self._unsubscribe = unsubscribe
        self._forget_at = 0.0

    async def turn(self) -> None:
        """Every mail that waited is read, MOST_BATCHES batches at most; old ones that nobody asked for are forgotten."""
        for _ in range(MOST_BATCHES):
            mails = await self._database.run(store.unparsed_across_tenants, BATCH)
            if mails:
                await self._read(mails)
            if len(mails) < BATCH:
                break
        now = self._now_s()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            await self._forget(now - KEPT_FOR_S)

    async def _read(self, mails: Sequence[KeptMail]) -> None:
        now = self._now_s()
        contents = [(mail, await self._content(mail)) for mail in mails]
        parsed = await self._in_thread(lambda: [self._parsed(mail, content, now) for mail, content in contents])
        reach("inbound.parsed")
        dropped, counted = await self._database.run(_settle, self._ids, parsed, self._unsubscribe, now)
        for kind in counted:
            if self._metrics is not None:
                self._metrics.read_back(kind)
        await self._drop_objects(dropped)

    async def _content(self, mail: KeptMail) -> bytes:
        if mail.content is not None or mail.object_key is None:
            return mail.content or b""
        try:
            return await self._objects.get(mail.object_key)
        except NotFound:
            self.log.error("the kept mail {id} has lost its content", id=mail.id)
            return b""

    def _parsed(self, mail: KeptMail, content: bytes, now: float) -> Parsed:
        """Runs in a thread. A mail that breaks the reader is one that cannot be read: it stays for the operator."""
        try:
            reading = read(content)
            recipient_id = mail.recipient_id
            if recipient_id is None and reading.kind not in (OTHER, *_DONE):
                return_path = return_path_in(content, self._token_key, now)
                recipient_id = return_path.recipient_id if return_path else None
            return Parsed(mail, reading, recipient_id, own_message(reading.original_message_id) if recipient_id is None else None)
        except Exception:
            self.log.failure("the kept mail {id} could not be read", id=mail.id)
            return Parsed(mail, Reading(OTHER, "reader"), None, None)

    async def _forget(self, before: float) -> None:
        while True:
            mails = await self._database.run(_drop_before, before)
            await self._drop_objects([mail.object_key for mail in mails if mail.object_key])
            if len(mails) < BATCH:
                return

    async def _drop_objects(self, keys: Sequence[str]) -> None:
        """Objects that no row names are gone; with the store away they stay, which costs room and nothing else."""
        if not keys:
            return
        for key in await self._database.run(store.unnamed_objects_across_tenants, sorted(set(keys))):
            try:
                await self._objects.delete(key)
            except Unavailable:
                return


def _settle(
    txn: Txn, ids: IdMaker, parsed: Sequence[Parsed], unsubscribe: Callable[[Txn, str, float], object] | None, now: float
) -> tuple[list[str], list[str]]:
    """What the mails say is recorded, each once; object keys of mails that are gone, and the kinds of those that were read."""
    waiting = store.lock_unparsed_across_tenants(txn, [each.mail.id for each in parsed])
    mine = [each for each in parsed if each.mail.id in waiting]
    spoken_of = _spoken_of(txn, mine)
    changes = _changes(txn, mine, spoken_of, now)
    if changes:
        record(txn, ids, list(changes.values()), now)
    kept: dict[str, list[str]] = defaultdict(list)
    gone: list[KeptMail] = []
    for each in mine:
        if unsubscribe is not None and (token := _unsubscribe_token(each.mail)) is not None:
            unsubscribe(txn, token, now)
            gone.append(each.mail)
        elif each.reading.kind in _DONE or (each.mail.id in spoken_of and (each.reading.recipients or each.reading.kind == ARF)):
            gone.append(each.mail)
        else:
            kept[each.reading.kind].append(each.mail.id)
    store.set_kinds_across_tenants(txn, kept)
    store.drop_across_tenants(txn, [mail.id for mail in gone])
    return [mail.object_key for mail in gone if mail.object_key], [each.reading.kind for each in mine]


def _spoken_of(txn: Txn, parsed: Sequence[Parsed]) -> dict[str, SpokenOf]:
    """For each mail's id the recipient that it speaks of, where there is one."""
    known = store.recipients_across_tenants(
        txn, [each.recipient_id for each in parsed if each.recipient_id], [each.message_id for each in parsed if each.message_id]
    )
    by_id = {each.recipient_id: each for each in known}
    by_message: dict[str, list[KnownRecipient]] = defaultdict(list)
    for recipient in known:
        by_message[recipient.message_id].append(recipient)
    found: dict[str, SpokenOf] = {}
    for each in parsed:
        if each.recipient_id is not None and each.recipient_id in by_id:
            found[each.mail.id] = SpokenOf(by_id[each.recipient_id], TOKEN)
        elif each.message_id is not None and (one := claimed(each.reading, by_message[each.message_id])) is not None:
            found[each.mail.id] = SpokenOf(one, MESSAGE_ID)
    return found


def _changes(txn: Txn, parsed: Sequence[Parsed], spoken_of: dict[str, SpokenOf], now: float) -> dict[str, Change]:
    """For each mail's id its change, where it makes one; a recipient complains of a mail once."""
    changes = {
        each.mail.id: change for each in parsed
        if each.mail.id in spoken_of and (change := change_of(each.reading, spoken_of[each.mail.id], now)) is not None
    }
    reported = [mail_id for mail_id, change in changes.items() if change.event.type == events.SPAM_REPORT]
    known = store.complained_across_tenants(txn, [spoken_of[mail_id].recipient for mail_id in reported], events.SPAM_REPORT)
    for mail_id in reported:
        recipient_id = spoken_of[mail_id].recipient.recipient_id
        if recipient_id in known:
            del changes[mail_id]
        known.add(recipient_id)
    return changes


def _unsubscribe_token(mail: KeptMail) -> str | None:
    word, plus, token = mail.rcpt_to.rpartition("@")[0].partition("+")
    return token if plus and word.lower() == UNSUBSCRIBE else None


def _drop_before(txn: Txn, before: float) -> list[KeptMail]:
    mails = store.read_before_across_tenants(txn, before, BATCH)
    store.drop_across_tenants(txn, [mail.id for mail in mails])
    return mails
