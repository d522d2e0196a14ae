"""Discards, again and again, the mails that paused batches held too long."""

from collections.abc import Callable

from scaisend.ids import IdMaker
from scaisend.sending.expiry import BATCH, discard_expired
from scaisend.storage.database import Database

EVERY_S = 600.0


class PauseExpiry:
    """`turn` is called every EVERY_S."""

    def __init__(self, *, database: Database, ids: IdMaker, now_s: Callable[[], float]) -> None:
        self._database = database
        self._ids = ids
        self._now_s = now_s

    async def turn(self) -> None:
        """No mail is held that expired by now."""
        while await self._database.run(discard_expired, self._ids, self._now_s()) == BATCH:
            pass
