"""The catch-all MX of development: takes every mail, keeps the newest ones, and knows them by heart."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from scaisend.app.mail_files import Arrival, Entry, MailFiles, content_of
from scaisend.faults import NotFound, Unavailable
from scaisend.ids import IdMaker
from scaisend.smtp.session import Envelope, Session
from scaisend.smtp.verdict import RECIPIENT_OK, Verdict

KEPT_MAILS = 100_000
KEPT = Verdict(250, "2.0.0", "kept in the dev inbox")
P = ParamSpec("P")
T = TypeVar("T")
log = Logger()


class DevInbox:
    """`Deliveries` of a receiver, and the mails it kept.

    A 250 follows the sync of the mail's file. Mails that arrive while others are written share the next write.
    """

    def __init__(
        self, *, directory: Path, ids: IdMaker, now_s: Callable[[], float], reactor: IReactorFromThreads, kept_mails: int = KEPT_MAILS,
    ) -> None:
        self._ids = ids
        self._now_s = now_s
        self._reactor = reactor
        self._kept_mails = kept_mails
        self._files = MailFiles(directory)
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._by_path: Counter[Path] = Counter()
        self._waiting: list[tuple[Arrival, Deferred[None]]] = []
        self._is_writing = False
        self._turn = DeferredLock()
        self._thread = ThreadPool(0, 1, "dev-inbox")
        self._thread.start()
        for entry in self._files.load():
            self._add(entry)

    async def close(self) -> None:
        """All mails that were taken are written; no thread runs."""
        await self._in_turn(self._files.close)
        self._thread.stop()

    # Deliveries

    async def mail(self, session: Session, sender: str) -> Verdict | None:
        return None

    async def rcpt(self, session: Session, recipient: str) -> Verdict:
        return RECIPIENT_OK

    async def message(self, session: Session, envelope: Envelope, content: bytes) -> Verdict:
        written: Deferred[None] = Deferred()
        arrival = Arrival(self._ids.new("inb"), envelope.sender, tuple(envelope.recipients), self._now_s(), content)
        self._waiting.append((arrival, written))
        if not self._is_writing:
            self._is_writing = True
            ensureDeferred(self._write())
        await written
        return KEPT

    # What it holds

    def __len__(self) -> int:
        return len(self._entries)

    def newest_first(self) -> Iterator[Entry]:
        """All mails."""
        return reversed(self._entries.values())

    def entry(self, mail_id: str) -> Entry:
        """Raises: NotFound."""
        if mail_id not in self._entries:
            raise NotFound("not found")
        return self._entries[mail_id]

    def content(self, mail_id: str) -> bytes:
        """The mail, octet for octet. Raises: NotFound."""
        return content_of(self.entry(mail_id))

    async def delete(self, mail_id: str) -> None:
        """The mail is gone. Raises: NotFound."""
        self._drop(self.entry(mail_id))
        await self._in_turn(self._files.forget, [mail_id], self._ids.new("inb"))

    async def clear(self) -> None:
        """All mails that were kept before are gone."""
        await self._turn.acquire()
        try:
            self._entries.clear()
            self._by_path.clear()
            await self._in_thread(self._files.clear)
        finally:
            self._turn.release()

    # Writing

    async def _write(self) -> None:
        while self._waiting:
            await self._turn.acquire()
            batch, self._waiting = self._waiting, []
            try:
                entries = await self._in_thread(self._files.append, [arrival for arrival, _ in batch])
                for entry in entries:
                    self._add(entry)
            except OSError as error:
                log.error("the dev inbox cannot be written: {error}", error=error)
                for _, written in batch:
                    written.errback(Unavailable("objects", "the dev inbox cannot be written"))
            else:
                for _, written in batch:
                    written.callback(None)
            finally:
                self._turn.release()
        self._is_writing = False

    async def _in_turn(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._turn.acquire()
        try:
            return await self._in_thread(fn, *args, **kwargs)
        finally:
            self._turn.release()

    async def _in_thread(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await deferToThreadPool(self._reactor, self._thread, fn, *args, **kwargs)

    def _add(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        self._by_path[entry.path] += 1
        if len(self._entries) > self._kept_mails:
            self._drop(next(iter(self._entries.values())))

    def _drop(self, entry: Entry) -> None:
        """The mail is known no more; its file goes with the last of its mails."""
        del self._entries[entry.id]
        self._by_path[entry.path] -= 1
        if not self._by_path[entry.path]:
            del self._by_path[entry.path]
            self._files.remove(entry.path)
