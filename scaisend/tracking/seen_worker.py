"""Takes opens and clicks from the web and has them recorded, so that nobody waits for the database behind a pixel or a link."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from scaisend.faults import Unavailable
from scaisend.ids import IdMaker
from scaisend.storage.database import Database, Txn
from scaisend.storage.group_commit import GroupCommit
from scaisend.storage.pausing import until
from scaisend.timing import ReactorTime
from scaisend.tracking.seen import record_sightings
from scaisend.tracking.verdict import BURST_S, Sighting

MOST_WAITING = 20_000
LINGER_S = 0.1
AGAIN_S = 2.0


class Sightings(Service):
    """Opens are recorded at once, clicks after BURST_S, when it shows whether one alone was followed or all of them.

    What comes while the database is away waits in memory, up to MOST_WAITING; what comes then is counted and forgotten.
    """

    name = "sightings"
    log = Logger()

    def __init__(self, *, database: Database, ids: IdMaker, reactor: ReactorTime, now_s: Callable[[], float]) -> None:
        self._reactor, self._now_s = reactor, now_s
        self._clicks: deque[Sighting] = deque()
        self._again: deque[Sighting] = deque()
        self._timers: dict[str, Any] = {}
        self._open = 0
        self._lost = 0

        def recorded(txn: Txn, group: Sequence[Sighting]) -> list[bool]:
            return record_sightings(txn, ids, group, now_s())

        self._commits: GroupCommit[Sighting, bool] = GroupCommit(
            database=database, fn=recorded, reactor=reactor, most=200, at_once=1, linger_s=LINGER_S
        )

    @property
    def waiting(self) -> int:
        """Sightings that are not recorded yet."""
        return len(self._clicks) + len(self._again) + self._open

    def note(self, sighting: Sighting) -> None:
        """The sighting will be recorded."""
        if self.waiting >= MOST_WAITING:
            self._lost += 1
        elif sighting.click is None:
            self._record(sighting)
        else:
            self._clicks.append(sighting)
            self._wake("clicks", BURST_S, self._take_clicks)

    async def stop(self, limit_s: float) -> None:
        """Everything that was noted is recorded, or the limit is over."""
        self._take_clicks(everything=True)
        self._try_again()
        await until(self._reactor, lambda: self._open == 0, limit_s)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self.waiting:
            self.log.warn("{count} opens and clicks could not be recorded: the database is away", count=self.waiting)

    def _take_clicks(self, everything: bool = False) -> None:
        """Clicks that are old enough are recorded, and with them the younger ones of their recipients."""
        now = self._now_s()
        due = {each.named.recipient_id for each in self._clicks if everything or now - each.at >= BURST_S}
        waiting, self._clicks = self._clicks, deque()
        for each in waiting:
            if each.named.recipient_id in due:
                self._record(each)
            else:
                self._clicks.append(each)
        if self._clicks:
            self._wake("clicks", max(0.05, BURST_S - (now - self._clicks[0].at)), self._take_clicks)

    def _record(self, sighting: Sighting) -> None:
        self._open += 1
        done: Deferred[bool] = self._commits.run(sighting)
        done.addCallbacks(self._recorded, self._failed, errbackArgs=(sighting,))

    def _recorded(self, _: bool) -> None:
        self._open -= 1
        if self._lost:
            self.log.warn("{count} opens and clicks were forgotten while the database was away", count=self._lost)
            self._lost = 0

    def _failed(self, failure: Failure, sighting: Sighting) -> None:
        self._open -= 1
        if isinstance(failure.value, Unavailable):
            self._again.append(sighting)
            self._wake("again", AGAIN_S, self._try_again)
        else:
            self.log.failure("an open or click could not be recorded", failure)

    def _try_again(self) -> None:
        waiting, self._again = self._again, deque()
        for each in waiting:
            self._record(each)

    def _wake(self, name: str, after_s: float, what: Callable[[], None]) -> None:
        if name not in self._timers:
            self._timers[name] = self._reactor.callLater(after_s, self._awake, name, what)

    def _awake(self, name: str, what: Callable[[], None]) -> None:
        del self._timers[name]
        what()
