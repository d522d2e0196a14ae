"""How much of us a host wants: the arithmetic of what is learned for one source address at one destination.

    start      few connections; one more for each START_EVERY mails that were judged
    cut        at a reply that asks for less: at once, to half of what was in use
    rise       one step a `step_s` in which the limit was used: quickly up to where it was too much a second time, slowly past that

Two limits are learned, connections at a time and mails a minute. The second stands open until a host complains.
"""

from dataclasses import dataclass, replace
from math import inf

START = 2
START_EVERY = 10
LEAST_RATE = 2.0
GRACE_S = 10.0
USED = 0.8
SEEKING, QUICK, NEAR, PAST = 1.5, 1.25, 1.025, 1.1
KNEE_STEPS = 10
OPEN_AGAIN = 20.0
FORGOTTEN_S = 86_400.0

# What a reply asks for less of.
CONNECTIONS, RATE, BOTH, NOTHING = "connections", "rate", "both", "none"


@dataclass(frozen=True, slots=True)
class Learning:
    """Its measures: seconds between two rises, and the connections that one process makes at most (SMTP_POOL_SIZE_PER_DOMAIN)."""

    step_s: float = 60.0
    most: int = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """What is learned. `rate` in mails a minute, None: no limit; `…_knee` is where it was too much; moments in epoch seconds, 0: never.

    Until the first cut the limits are each process's own, from then on those of all processes together.
    """

    connections: int = START
    rate: float | None = None
    connections_knee: int | None = None
    rate_knee: float | None = None
    cut_at: float = 0.0
    risen_at: float = 0.0
    reason: str = "a safe start"

    @property
    def is_cut(self) -> bool:
        """It was too much once, and that is not forgotten."""
        return self.cut_at > 0


@dataclass(frozen=True, slots=True)
class Use:
    """What was in use, over all processes: connections at this moment, mails in the last minute, processes."""

    connections: int
    per_minute: float
    processes: int = 1


def started(shape: Shape, judged: int, learning: Learning, now: float) -> Shape:
    """The shape after so many mails were judged by the host since it last changed: before the first cut one connection more for START_EVERY."""
    if shape.is_cut or shape.connections >= learning.most or judged < START_EVERY:
        return shape
    return replace(shape, connections=shape.connections + 1, risen_at=now, reason=f"{judged} mails went well")


def cut(shape: Shape, what: str, use: Use, reply: str, now: float, *, refused: bool = False) -> Shape:
    """The shape after a reply that asks for less of `what`. `refused`: it was the answer to one connection more than `use` counts.

    What follows within GRACE_S of a cut was under way before it, and changes nothing.
    """
    if what == NOTHING or (shape.is_cut and now - shape.cut_at < GRACE_S):
        return shape
    changed = shape
    if what in (CONNECTIONS, BOTH):
        in_use = max(1, min(use.connections, shape.connections * (1 if shape.is_cut else max(1, use.processes))))
        left = in_use if refused and use.connections else max(1, in_use // 2)
        changed = replace(changed, connections=left, connections_knee=left + 1 if refused else max(2, in_use))
    if what in (RATE, BOTH) and not (what == BOTH and use.per_minute < 2 * LEAST_RATE):
        reached = min(shape.rate if shape.rate is not None else inf, max(use.per_minute, LEAST_RATE))
        # The first time little was seen of it: what was reached then is no measure yet.
        changed = replace(changed, rate=max(LEAST_RATE, reached / 2), rate_knee=None if shape.rate is None else reached)
    if not shape.is_cut and changed.connections == shape.connections and what == RATE:
        # From now on the limit is that of all processes.
        changed = replace(changed, connections=max(1, min(use.connections, shape.connections * use.processes)))
    return replace(changed, cut_at=now, risen_at=now, reason=reply[:512])


def risen(shape: Shape, use: Use, learning: Learning, now: float) -> Shape:
    """The shape one step higher where the last step was used without complaint; else as it was."""
    if not shape.is_cut or now - max(shape.cut_at, shape.risen_at) < learning.step_s:
        return shape
    if now - shape.cut_at >= FORGOTTEN_S:
        return Shape(connections=shape.connections, risen_at=now, reason="no complaint for a day")
    changed, ceiling = shape, learning.most * max(1, use.processes)
    if use.connections >= shape.connections and shape.connections < ceiling and _may_reach(shape, learning, now):
        changed = replace(changed, connections=shape.connections + 1)
    if shape.rate is not None and use.per_minute >= USED * shape.rate:
        changed = replace(changed, rate=_higher(shape.rate, shape.rate_knee))
        if shape.rate_knee is not None and changed.rate is not None and changed.rate > OPEN_AGAIN * shape.rate_knee:
            changed = replace(changed, rate=None, rate_knee=None)
    if changed == shape:
        return shape
    return replace(changed, risen_at=now, reason=f"used for {learning.step_s:g} s without complaint")


def _may_reach(shape: Shape, learning: Learning, now: float) -> bool:
    """The number that was too much is tried again only after KNEE_STEPS."""
    knee = shape.connections_knee
    return knee is None or shape.connections + 1 < knee or now - shape.cut_at >= KNEE_STEPS * learning.step_s


def _higher(rate: float, knee: float | None) -> float:
    if knee is None:
        return rate * SEEKING
    if rate < 0.9 * knee:
        return min(rate * QUICK, 0.95 * knee)
    return rate * (NEAR if rate < 1.1 * knee else PAST)


def share(total: int, processes: int, rank: int) -> int:
    """Of `total` connections those of the process with this rank, from 0: all shares together are `total`."""
    whole, rest = divmod(total, max(1, processes))
    return whole + (1 if rank < rest else 0)


def described(shape: Shape) -> str:
    """The two limits in words."""
    return f"{shape.connections} connections, " + ("any rate" if shape.rate is None else f"{shape.rate:.4g} mails a minute")
