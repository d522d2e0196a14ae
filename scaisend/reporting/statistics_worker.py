"""Counts events into the statistics: each once, in the order of their ids, and each day again when it is over.

The numbers and the mark that says which event was the last are one transaction, so a crash at any point counts nothing twice
and nothing never. Events are left alone until they are LAG_S old, for the order of ids is not the order of commits; what a commit
that took longer has hidden is found when its day is counted again.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from scaisend.reporting import statistics_store as store
from scaisend.reporting.counts import Counts, Tally, counted
from scaisend.reporting.events_store import event_bound
from scaisend.reporting.periods import day_of, start_of
from scaisend.reporting.providers_store import learn_providers_across_tenants, providers_across_tenants
from scaisend.reporting.sums_store import add_counts_across_tenants, replace_day_across_tenants
from scaisend.storage.database import Database, Txn

LAG_S = 10.0
EVENTS_A_ROUND = 5_000
ROUNDS_A_TURN = 200
# A day is counted again when it has been over for so long, from ids that are so much older than its beginning.
REST_S = 3_600.0
SLACK_S = 600.0


class StatisticsWorker:
    """Its turn is taken again and again by any number of processes."""

    def __init__(self, *, database: Database, now_s: Callable[[], float], reached: Callable[[str], None]) -> None:
        self._database = database
        self._now_s = now_s
        self._reached = reached

    async def turn(self) -> None:
        """Events older than LAG_S are counted, and the days that are over were counted again."""
        now = self._now_s()
        for _ in range(ROUNDS_A_TURN):
            more = await self._database.run(count_next, now)
            self._reached("statistics.counted")
            if not more:
                break
        day = await self._database.run(next_day_to_recount, now)
        if day is not None:
            await self.recount(day)
            await self._database.run(store.set_mark_across_tenants, store.RECOUNTED, day.isoformat(), now)

    async def recount(self, day: date) -> int:
        """The day's numbers are what its events come to, as far as they were counted; how many numbers were others before."""
        after, counts = event_bound(start_of(day) - SLACK_S), Counts()
        mark = await self._database.run(store.mark_across_tenants, store.COUNTED)
        while True:
            upto, some = await self._database.run(_count_slice, day, after, mark)
            if upto is None:
                break
            counts.update(some)
            after = upto
        self._reached("statistics.recounted")
        return await self._database.run(_replace, day, counts, after)


def count_next(txn: Txn, now: float) -> bool:
    """The next events in line are in the statistics; whether there may be more of them."""
    mark = store.mark_across_tenants(txn, store.COUNTED, lock=True)
    upto = store.last_of_across_tenants(txn, mark, event_bound(now - LAG_S), EVENTS_A_ROUND)
    if upto is None:
        return False
    if not mark:
        # With the first events: what of their day came late is found later, though this process may die before its turn ends.
        next_day_to_recount(txn, now)
    tallies = store.tally_across_tenants(txn, mark, upto)
    learn_providers_across_tenants(txn, _domains(tallies), mark, upto, now)
    add_counts_across_tenants(txn, _counted(txn, tallies))
    store.set_mark_across_tenants(txn, store.COUNTED, upto, now)
    return sum(tally.events for tally in tallies) >= EVENTS_A_ROUND


def next_day_to_recount(txn: Txn, now: float) -> date | None:
    """The oldest day that is over and was not counted again; in a new installation there is none."""
    latest = day_of(now - REST_S) - timedelta(days=1)
    recounted = store.mark_across_tenants(txn, store.RECOUNTED)
    if not recounted:
        store.set_mark_across_tenants(txn, store.RECOUNTED, latest.isoformat(), now)
        return None
    following = date.fromisoformat(recounted) + timedelta(days=1)
    return following if following <= latest else None


def _count_slice(txn: Txn, day: date, after: str, mark: str) -> tuple[str | None, Counts]:
    # Up to and with the mark: "~" is behind every letter of an id.
    upto = store.last_of_across_tenants(txn, after, mark + "~", EVENTS_A_ROUND) if mark else None
    if upto is None:
        return None, Counts()
    return upto, _counted(txn, store.tally_day_across_tenants(txn, start_of(day), after, upto))


def _replace(txn: Txn, day: date, counts: Counts, after: str) -> int:
    """What was counted into the day since the slices were read is added before the day is replaced."""
    mark = store.mark_across_tenants(txn, store.COUNTED, lock=True)
    if mark > after:
        counts = counts + _counted(txn, store.tally_day_across_tenants(txn, start_of(day), after, mark))
    return replace_day_across_tenants(txn, day.isoformat(), counts)


def _domains(tallies: Sequence[Tally]) -> set[str]:
    return {each.domain for each in tallies if each.domain}


def _counted(txn: Txn, tallies: Sequence[Tally]) -> Counts:
    return counted(tallies, providers_across_tenants(txn, _domains(tallies)))
