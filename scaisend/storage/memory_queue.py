"""The queue of one process: the same laws as the Redis queue, in deques and a heap.

It holds at most MOST_WAITING ids a queue, and MOST_DELAYED delayed ones. What is beyond that is not taken in; the workers'
sweep of the database brings it back. New mail still finds room: the longest lane gives up an id that is neither old nor new,
which the sweep brings back too.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush

from twisted.internet.defer import Deferred

from scaisend.ids import lane_in
from scaisend.storage.queue import HEARTBEAT_TTL_S, LANE_WINDOW, Depth, newest_moving, newest_of
from scaisend.timing import DelayedCall, ReactorTime

MOST_WAITING = 20_000
MOST_DELAYED = 100_000
WAITING = ""


class _Claimant:
    """A claim that waits for the first id."""

    __slots__ = ("worker", "most", "claimed", "timer")

    def __init__(self, worker: str, most: int, given_up: "Callable[[_Claimant], None]") -> None:
        self.worker = worker
        self.most = most
        self.claimed: Deferred[list[str]] = Deferred(lambda _: given_up(self))
        self.timer: DelayedCall | None = None


class _Lists:
    """One queue. `known` maps an id to the worker that claimed it, or to WAITING."""

    def __init__(self) -> None:
        self.main: deque[str] = deque()
        self.known: dict[str, str] = {}
        self.lanes: dict[str, int] = {}
        self.overflow: dict[str, list[str]] = {}  # each in the order of the ids, which is that of their age
        self.in_flight: dict[str, set[str]] = {}
        self.due: dict[str, float] = {}
        self.heap: list[tuple[float, str]] = []
        self.claimants: deque[_Claimant] = deque()
        self.waiting = 0

    def add(self, ids: Iterable[str]) -> int:
        """How many of the ids are new and wait now."""
        added = 0
        for an_id in ids:
            if an_id not in self.known and self._has_room():
                self.due.pop(an_id, None)
                self.known[an_id] = WAITING
                self._append(an_id, lane_in(an_id))
                self.waiting += 1
                added += 1
        return added

    def take(self, worker: str, most: int) -> list[str]:
        """Up to `most` ids, in flight with the worker; each makes room for one of its lane."""
        newest = newest_of(most, len(self.main))
        ids = [self.main.popleft() for _ in range(min(most, len(self.main)) - newest)] + [self.main.pop() for _ in range(newest)]
        if ids:
            self.in_flight.setdefault(worker, set()).update(ids)
            self.waiting -= len(ids)
        freed: dict[str, int] = {}
        for an_id in ids:
            self.known[an_id] = worker
            lane = lane_in(an_id)
            freed[lane] = freed.get(lane, 0) + 1
        for lane, count in freed.items():
            self._move_up(lane, count)
        return ids

    def release(self, worker: str, ids: Iterable[str]) -> None:
        """Those of the ids that the worker holds are known no more."""
        held = self.in_flight.get(worker)
        if held is None:
            return
        for an_id in ids:
            if an_id in held:
                held.discard(an_id)
                del self.known[an_id]
        if not held:
            del self.in_flight[worker]

    def give_back(self, worker: str) -> int:
        """How many ids the worker held; they wait at the head."""
        ids = self.in_flight.pop(worker, set())
        for an_id in ids:
            self.known[an_id] = WAITING
            lane = lane_in(an_id)
            self.lanes[lane] = self.lanes.get(lane, 0) + 1
        self.main.extendleft(sorted(ids, reverse=True))
        self.waiting += len(ids)
        return len(ids)

    def delay(self, an_id: str, due_at: float) -> None:
        """The id waits for its moment, unless it waits in the list already."""
        holder = self.known.get(an_id)
        if holder:
            self.release(holder, (an_id,))
        if holder != WAITING and len(self.heap) < MOST_DELAYED:
            self.due[an_id] = due_at
            heappush(self.heap, (due_at, an_id))

    def promote(self, now_s: float) -> int:
        """How many ids were due and wait now."""
        ready = []
        while self.heap and self.heap[0][0] <= now_s:
            due_at, an_id = heappop(self.heap)
            if self.due.get(an_id) == due_at:
                del self.due[an_id]
                ready.append(an_id)
        return self.add(ready)

    def _append(self, an_id: str, lane: str) -> None:
        count = self.lanes.get(lane, 0)
        if count < LANE_WINDOW:
            self.lanes[lane] = count + 1
            self.main.append(an_id)
        else:
            insort(self.overflow.setdefault(lane, []), an_id)

    def _move_up(self, lane: str, freed: int) -> None:
        """The lane has so many ids less in the main list, or others from behind it there: its newest last, as the next to be claimed."""
        left = self.lanes[lane] - freed
        more = self.overflow.get(lane)
        if more:
            count = max(0, min(LANE_WINDOW - left, len(more)))
            newest = newest_moving(count, len(more))
            first, last = count - newest, len(more) - newest
            self.main.extend(more[:first] + more[last:])
            del more[last:], more[:first]
            left += count
            if not more:
                del self.overflow[lane]
        if left:
            self.lanes[lane] = left
        else:
            del self.lanes[lane]

    def _has_room(self) -> bool:
        """Whether an id may come in; it may at the cost of the longest lane, its own too, that has more than its window."""
        if self.waiting < MOST_WAITING:
            return True
        if not self.overflow:
            return False
        longest = max(self.overflow, key=lambda each: len(self.overflow[each]))
        dropped = self.overflow[longest].pop(len(self.overflow[longest]) // 2)
        del self.known[dropped]
        self.waiting -= 1
        if not self.overflow[longest]:
            del self.overflow[longest]
        return True


class MemoryQueue:
    """Queues of this process; a claim that waits is answered in the reactor's next turn after a push."""

    def __init__(self, *, reactor: ReactorTime, new_mark: Callable[[], str]) -> None:
        self._reactor = reactor
        self._mark = new_mark()
        self._lists: dict[str, _Lists] = {}
        self._beats: dict[str, float] = {}
        self._waking: set[str] = set()
        self._closed = False

    async def push(self, name: str, ids: Sequence[str]) -> None:
        if self._of(name).add(ids):
            self._wake_soon(name)

    async def claim(self, name: str, worker: str, most: int, wait_s: float) -> list[str]:
        lists = self._of(name)
        self._beats[worker] = self._reactor.seconds()
        ids = lists.take(worker, most)
        if ids or wait_s <= 0 or self._closed:
            return ids
        claimant = _Claimant(worker, most, lambda it: self._dismiss(lists, it))
        claimant.timer = self._reactor.callLater(wait_s, self._answer, lists, claimant, [])
        lists.claimants.append(claimant)
        return await claimant.claimed

    async def acknowledge(self, name: str, worker: str, ids: Sequence[str]) -> None:
        self._of(name).release(worker, ids)

    async def defer(self, name: str, due: Sequence[tuple[str, float]]) -> None:
        lists = self._of(name)
        for an_id, due_at in due:
            lists.delay(an_id, due_at)

    async def promote(self, name: str, now_s: float) -> int:
        promoted = self._of(name).promote(now_s)
        if promoted:
            self._wake_soon(name)
        return promoted

    async def beat(self, worker: str) -> None:
        self._beats[worker] = self._reactor.seconds()

    async def recover(self, name: str) -> int:
        lists = self._of(name)
        oldest = self._reactor.seconds() - HEARTBEAT_TTL_S
        self._beats = {worker: at for worker, at in self._beats.items() if at > oldest}
        recovered = sum(lists.give_back(worker) for worker in list(lists.in_flight) if worker not in self._beats)
        if recovered:
            self._wake_soon(name)
        return recovered

    async def depth(self, name: str) -> Depth:
        lists = self._of(name)
        return Depth(lists.waiting, len(lists.due), len(lists.known) - lists.waiting)

    async def generation(self) -> str:
        return self._mark

    async def close(self) -> None:
        self._closed = True
        for lists in self._lists.values():
            for claimant in list(lists.claimants):
                self._answer(lists, claimant, [])

    def _of(self, name: str) -> _Lists:
        lists = self._lists.get(name)
        if lists is None:
            lists = self._lists[name] = _Lists()
        return lists

    def _wake_soon(self, name: str) -> None:
        if self._lists[name].claimants and name not in self._waking:
            self._waking.add(name)
            self._reactor.callLater(0, self._wake, name)

    def _wake(self, name: str) -> None:
        self._waking.discard(name)
        lists = self._lists[name]
        while lists.claimants and lists.main:
            claimant = lists.claimants[0]
            self._answer(lists, claimant, lists.take(claimant.worker, claimant.most))

    def _answer(self, lists: _Lists, claimant: _Claimant, ids: list[str]) -> None:
        self._dismiss(lists, claimant)
        claimant.claimed.callback(ids)

    def _dismiss(self, lists: _Lists, claimant: _Claimant) -> None:
        lists.claimants.remove(claimant)
        if claimant.timer is not None and claimant.timer.active():
            claimant.timer.cancel()
