"""The lanes of a process: one for each source address at each destination, with its limits, its tokens and what is in use.

A lane that no host ever complained of costs a mail one comparison and one count. `Lanes` holds them, chooses the source of a new
connection, and keeps what has changed until it is told to others (shaping_worker.py).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from scaisend.delivery.shaping import LEAST_RATE, START, Learning, Shape, Use, cut, described, risen, share, started
from scaisend.delivery.shaping_rules import asks_less_of
from scaisend.delivery.sources import Source
from scaisend.faults import Invalid

BURST_S = 2.0
MINUTE, LEAST_WINDOW_S = 60, 5
QUIET_S = 60.0
LONGEST_RETURN_S = 900.0
MOST_KEPT = 50_000
WISHES = 5


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's limits of a destination, which stand before what is learned; None: as learned."""

    connections: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class LaneChange:
    """One change of a lane's limits, for the record."""

    source: str
    destination: str
    before: str
    after: str
    reason: str
    happened_at: float


@dataclass(frozen=True, slots=True)
class Others:
    """What the other processes have in use at the same lane, and this one's place among all that need it."""

    connections: int = 0
    per_minute: float = 0.0
    processes: int = 1
    rank: int = 0


ALONE, AS_LEARNED = Others(), Override()


class Lane:
    """One source address at one destination, in this process."""

    __slots__ = (
        "_filled_at", "_seen", "_tokens", "base", "connections", "destination", "is_limited", "judged", "most", "others", "override", "rate",
        "sent", "shape", "source", "used_at", "wishes",
    )

    def __init__(self, source: str, destination: str, shape: Shape, now: float, window_s: int = MINUTE) -> None:
        self.source, self.destination = source, destination
        self.shape = shape
        self.base = 0
        self.connections = 0
        self.sent = 0
        self.judged = 0
        self.others, self.override = ALONE, AS_LEARNED
        self.most, self.rate, self.is_limited = shape.connections, inf, False
        self.used_at = now
        self.wishes = 0
        self._seen: deque[int] = deque([0], maxlen=window_s + 1)
        self._tokens, self._filled_at = 1.0, now
        self.divide()

    def divide(self) -> None:
        """This process's part of the limits is that of the shape, the override and the others as they are now."""
        shape, others = self.shape, self.others
        self.most = share(shape.connections, others.processes, others.rank) if shape.is_cut else shape.connections
        if self.override.connections is not None:
            self.most = share(self.override.connections, others.processes, others.rank)
        rate = self.override.rate if self.override.rate is not None else shape.rate
        self.rate = inf if rate is None else rate / max(1, others.processes)
        self.is_limited = self.rate != inf

    def tokens(self, now: float) -> float:
        """Mails that may go now; at most those of BURST_S, and at least one when its time has come."""
        if not self.is_limited:
            return inf
        self._tokens = min(self._tokens + (now - self._filled_at) * self.rate / 60.0, max(1.0, BURST_S * self.rate / 60.0))
        self._filled_at = now
        return self._tokens

    def take(self, now: float) -> bool:
        """One mail goes, if it may. Only where `is_limited`."""
        if self.tokens(now) < 1.0:
            return False
        self._tokens -= 1.0
        return True

    @property
    def per_minute(self) -> float:
        """Mails of this process in the last seconds, a minute of them or the step of learning, as if for a minute."""
        return (self.sent - self._seen[0]) * 60.0 / ((self._seen.maxlen or 2) - 1)

    @property
    def is_wanted(self) -> bool:
        """This process needs a part of the limits: it is connected, wants to be, or sent something in the last minute."""
        return self.connections > 0 or self.wishes > 0 or self.sent != self._seen[0]

    def tick(self, now: float) -> None:
        """A second has passed."""
        self.wishes = max(0, self.wishes - 1)
        if self._seen[-1] != self.sent or self.connections:
            self.used_at = now
        self._seen.append(self.sent)

    def use(self) -> Use:
        """What all processes use."""
        others = self.others
        return Use(self.connections + others.connections, self.per_minute + others.per_minute, others.processes)


class Lanes:
    """The lanes of a process. `sources` are all that are configured; `learning` None: nothing is learned, only overrides and warm-ups hold. `count` hears of each change: `up` or `down`."""

    def __init__(self, *, clock: Callable[[], float], learning: Learning | None, count: Callable[[str], None] = lambda direction: None) -> None:
        self._clock = clock
        self._learning = learning
        self._count = count
        self._window_s = MINUTE if learning is None else int(min(MINUTE, max(LEAST_WINDOW_S, learning.step_s)))
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._kept: dict[tuple[str, str], Shape] = {}
        self._overrides: dict[str, Override] = {}
        self.warming: dict[str, int] = {}
        self.changes: deque[LaneChange] = deque(maxlen=10_000)
        self.proposed: dict[tuple[str, str], Lane] = {}

    # What destinations ask.

    def lane(self, source: Source, destination: str) -> Lane:
        """The lane of the source at the destination."""
        key = (source.address or "", destination)
        found = self._lanes.get(key)
        if found is None:
            learning = self._learning
            shape = self._kept.pop(key, None) or (Shape() if learning is not None else Shape(connections=1_000_000))
            if learning is not None and not shape.is_cut:
                shape = Shape(min(max(shape.connections, 1), learning.most), risen_at=shape.risen_at, reason=shape.reason)
            found = self._lanes[key] = Lane(*key, shape, self._clock(), self._window_s)
            found.override = self._overrides.get(destination) or self._overrides.get("*") or AS_LEARNED
            found.divide()
        return found

    def room(self, sources: Iterable[Source], destination: str) -> int:
        """How many connections more the sources may make."""
        total = 0
        for source in sources:
            lane = self.lane(source, destination)
            lane.wishes, lane.used_at = WISHES, self._clock()
            if lane.most > lane.connections and self.warming.get(lane.source, 1) > 0:
                total += lane.most - lane.connections
        return total

    def best(self, sources: Sequence[Source], destination: str, chance: float) -> tuple[Lane, Source]:
        """The source for a new connection, and its lane: one that has room and is not used up for the day, at random among several; else the least used.

        Raises: Invalid, without any source.
        """
        if not sources:
            raise Invalid("no source address of the pool is configured on this host", "SMTP_SOURCE_IPS")
        found = [(self.lane(source, destination), source) for source in sources]
        free = [each for each in found if each[0].connections < each[0].most and self.warming.get(each[0].source, 1) > 0]
        if free:
            return free[int(chance * len(free))]
        return max(found, key=lambda each: (self.warming.get(each[0].source, 1) > 0, each[0].most - each[0].connections))

    def budget(self, sources: Iterable[Source], destination: str) -> float:
        """How many mails may be begun now, over all the sources."""
        now, total = self._clock(), 0.0
        for source in sources:
            lane = self.lane(source, destination)
            total += min(lane.tokens(now), self.warming.get(lane.source, inf))
        return total

    def rate(self, sources: Iterable[Source], destination: str) -> float:
        """Mails a minute of this process over all the sources; warming ones whose plan is used up give none."""
        return sum(lane.rate for lane in (self.lane(source, destination) for source in sources) if self.warming.get(lane.source, 1) > 0)

    def return_at(self, sources: Iterable[Source], destination: str, place: int) -> float | None:
        """When a mail before which so many others wait may come back; None where no rate says so."""
        rate = self.rate(sources, destination)
        return None if rate == inf else self._clock() + min(LONGEST_RETURN_S, 1.0 + place * 60.0 / max(rate, LEAST_RATE))

    def may_take(self, lane: Lane) -> bool:
        """One mail may go by this lane now."""
        return (not lane.is_limited or lane.tokens(self._clock()) >= 1.0) and self.warming.get(lane.source, 1) > 0

    def take(self, lane: Lane) -> bool:
        """One mail goes by this lane, if it may."""
        if self.warming:
            left = self.warming.get(lane.source)
            if left is not None:
                if left <= 0 or (lane.is_limited and not lane.take(self._clock())):
                    return False
                self.warming[lane.source] = left - 1
                lane.sent += 1
                return True
        if lane.is_limited and not lane.take(self._clock()):
            return False
        lane.sent += 1
        return True

    # What is learned.

    def judged(self, lane: Lane) -> None:
        """A host took or refused a mail of this lane."""
        lane.judged += 1
        if self._learning is not None and not lane.shape.is_cut and lane.shape.connections < self._learning.most:
            self._become(lane, started(lane.shape, lane.judged, self._learning, self._clock()))

    def complained(self, lane: Lane, code: int | None, enhanced: str | None, text: str, *, refused: bool = False) -> str:
        """A host answered so; what it asks for less of (shaping.py). `refused`: the answer to a new connection, which is not counted any more."""
        what = asks_less_of(code, enhanced, text)
        if self._learning is not None:
            said = " ".join(part for part in (str(code or ""), enhanced or "", text) if part)
            self._become(lane, cut(lane.shape, what, lane.use(), said, self._clock(), refused=refused))
        return what

    def tick(self) -> None:
        """A second has passed: limits that were used without complaint rise, lanes long unused are forgotten but for what they learned."""
        now, learning = self._clock(), self._learning
        for key, lane in list(self._lanes.items()):
            lane.tick(now)
            if learning is not None and lane.shape.is_cut and lane.others.rank == 0:  # one process raises for all
                self._become(lane, risen(lane.shape, lane.use(), learning, now))
            if now - lane.used_at > QUIET_S and key not in self.proposed:
                del self._lanes[key]
                if lane.shape.is_cut or lane.shape.connections != START:
                    while len(self._kept) >= MOST_KEPT:
                        del self._kept[next(iter(self._kept))]
                    self._kept[key] = lane.shape

    def _become(self, lane: Lane, shape: Shape) -> None:
        if shape is lane.shape:
            return
        self._count("down" if shape.cut_at > lane.shape.cut_at else "up")
        self.changes.append(LaneChange(lane.source, lane.destination, described(lane.shape), described(shape), shape.reason, self._clock()))
        lane.shape, lane.judged = shape, 0
        self.proposed[lane.source, lane.destination] = lane
        lane.divide()

    # What operators and other processes say.

    def active(self) -> list[Lane]:
        """The lanes that are or lately were in use."""
        return list(self._lanes.values())

    def restore(self, shapes: Mapping[tuple[str, str], Shape]) -> None:
        """What was learned before, by (source, destination)."""
        if self._learning is not None:
            self._kept.update({key: shape for key, shape in shapes.items() if key not in self._lanes})

    def adopt(self, lane: Lane, shape: Shape, others: Others) -> None:
        """The lane is as all processes know it, and this one takes its part of it."""
        lane.shape, lane.others = shape, others
        lane.divide()

    def override_all(self, overrides: Mapping[str, Override]) -> None:
        """The operator's limits by destination, `*` for all others."""
        self._overrides = dict(overrides)
        for lane in self._lanes.values():
            lane.override = self._overrides.get(lane.destination) or self._overrides.get("*") or AS_LEARNED
            lane.divide()
