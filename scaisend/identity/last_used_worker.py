"""Writes down when keys were last used, apart from the requests that use them."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from scaisend.faults import ScaiSendError
from scaisend.identity.keys_store import note_keys_used
from scaisend.storage.database import Database

EVERY_S = 30.0
BATCH = 500


class LastUsed(Service):
    """Each key that was used has `last_used_at` written once a minute at most, to the minute, 500 keys a statement.

    What cannot be written now is tried again with the next flush. `now_s` is the wall clock in epoch seconds.
    """

    log = Logger()

    def __init__(self, *, database: Database, reactor: IReactorTime, now_s: Callable[[], float], every_s: float = EVERY_S) -> None:
        self._database = database
        self._now_s = now_s
        self._every_s = every_s
        self._used: dict[str, str] = {}
        self._written: set[str] = set()
        self._minute = 0
        self._loop = LoopingCall(lambda: ensureDeferred(self.flush()))
        self._loop.clock = reactor

    def note(self, key_id: str, tenant_id: str) -> None:
        """The key was used; the next flush writes it."""
        self._used[key_id] = tenant_id

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's has no types
        self._loop.start(self._every_s, now=False)

    def stopService(self) -> "Deferred[None]":
        super().stopService()  # type: ignore[no-untyped-call]
        self._loop.stop()
        return ensureDeferred(self.flush())

    async def flush(self) -> None:
        """What was noted is in the database, or waits for the next flush."""
        minute = int(self._now_s() // 60)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
        noted, self._used = self._used, {}
        due = {key_id: tenant_id for key_id, tenant_id in noted.items() if key_id not in self._written}
        try:
            await self._write(due, minute * 60.0)
        except ScaiSendError as error:
            self.log.warn("the last use of {count} keys is not written yet: {error}", count=len(due), error=str(error))
            self._used = {**due, **self._used}
        except Exception:
            self.log.failure("the last use of {count} keys could not be written", count=len(due))

    async def _write(self, due: dict[str, str], used_at: float) -> None:
        pairs = sorted((tenant_id, key_id) for key_id, tenant_id in due.items())
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            await self._database.run(note_keys_used, batch, used_at)
            self._written.update(key_id for _, key_id in batch)
