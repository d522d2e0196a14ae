"""Marks mails as `sending` before their final dots, in batches over all destinations, one transaction at a time."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from scaisend.delivery.job import Job
from scaisend.delivery.smtp_client import Reactor

BATCH = 50

Mark = Callable[[list[Job]], Awaitable[list[Job]]]
Unmark = Callable[[list[Job]], Awaitable[None]]
Told = Callable[[Sequence[Job], frozenset[Job]], None]


class Marks:
    """Runs `mark` and `unmark` in the order they were asked for, so that neither overtakes the other."""

    log = Logger()

    def __init__(self, *, reactor: Reactor, mark: Mark, unmark: Unmark) -> None:
        self._reactor = reactor
        self._mark = mark
        self._unmark = unmark
        self._asked: deque[tuple[bool, list[Job], Told]] = deque()
        self._running = False

    def mark(self, jobs: list[Job], told: Told) -> None:
        """`told(jobs, marked)` is called when the jobs are committed as `sending`, with those that may go."""
        self._ask(True, jobs, told)

    def unmark(self, jobs: list[Job], told: Told) -> None:
        """`told(jobs, jobs)` is called when the jobs are no longer `sending`."""
        self._ask(False, jobs, told)

    def _ask(self, marking: bool, jobs: list[Job], told: Told) -> None:
        self._asked.append((marking, jobs, told))
        if not self._running:
            self._running = True
            # A turn later: all destinations that read replies in this turn share one transaction.
            self._reactor.callLater(0, self._start)

    def _start(self) -> None:
        ensureDeferred(self._run())

    async def _run(self) -> None:
        while self._asked:
            marking, group = self._next_group()
            jobs = [job for asked, _ in group for job in asked]
            done = await self._commit(marking, jobs)
            for asked, told in group:
                try:
                    told(asked, done)
                except Exception:
                    self.log.failure("marked mails could not be handed on; they are found again when their lease ends")
        self._running = False

    def _next_group(self) -> tuple[bool, list[tuple[list[Job], Told]]]:
        marking, jobs, told = self._asked.popleft()
        group, size = [(jobs, told)], len(jobs)
        while self._asked and self._asked[0][0] == marking and size + len(self._asked[0][1]) <= BATCH:
            _, more, told = self._asked.popleft()
            group.append((more, told))
            size += len(more)
        return marking, group

    async def _commit(self, marking: bool, jobs: list[Job]) -> frozenset[Job]:
        try:
            if marking:
                return frozenset(await self._mark(jobs))
            await self._unmark(jobs)
        except Exception as error:
            self.log.warn("{count} mails could not be {what}: {error}", count=len(jobs), what="marked" if marking else "unmarked", error=error)
            return frozenset()
        return frozenset(jobs)
