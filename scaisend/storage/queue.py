"""The queue seam: lists of ids between the stages. The database row is the truth; a queue only says where to look first.

Laws: an item is an id and nothing else; an id that already waits is not added again; every step behind a queue may run twice;
losing a queue loses nothing, because the workers sweep their tables and push what is due.
Fairness: each tenant's lane (ids.lane_in) has at most LANE_WINDOW ids in the main list; the rest of its ids wait in a lane
set of their own, by age, and one moves up for each one claimed: the oldest and the newest by turns. A claim that cannot have all
of the main list takes a quarter of its ids from its end. So a tenant's million ids stand before nobody, not before its own new
mail either; and whatever waits is reached, since most of each claim are the oldest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

EMAIL_PROCESS = "email:process"
SMTP_DELIVER = "smtp:deliver"
WEBHOOK_DELIVER = "webhook:deliver"
QUEUES = (EMAIL_PROCESS, SMTP_DELIVER, WEBHOOK_DELIVER)

LANE_WINDOW = 1_000
NEWEST_SHARE = 4
HEARTBEAT_TTL_S = 30


@dataclass(frozen=True, slots=True)
class Depth:
    """How many ids a queue holds: waiting (lanes included), delayed until a moment, and claimed by workers."""

    waiting: int
    delayed: int
    in_flight: int


def newest_of(most: int, waiting: int) -> int:
    """How many of the `most` ids of a claim are taken from the end of the main list, with so many waiting in it."""
    return most // NEWEST_SHARE if waiting > most else 0


def newest_moving(count: int, behind: int) -> int:
    """How many of the `count` ids that move up from behind a lane, of so many, are its newest: every other one."""
    return (count + behind % 2) // 2


class Queue(Protocol):
    """Ids waiting for a stage. Every method raises Unavailable("redis") when the queue's server is away."""

    async def push(self, name: str, ids: Sequence[str]) -> None:
        """The ids wait in `name`; ids that wait there already, or are claimed there, are not added again."""

    async def claim(self, name: str, worker: str, most: int, wait_s: float) -> list[str]:
        """Up to `most` ids, now in flight with `worker`; waits up to `wait_s` for the first one, then may answer []."""

    async def acknowledge(self, name: str, worker: str, ids: Sequence[str]) -> None:
        """The ids are in flight no more; they may be pushed again."""

    async def defer(self, name: str, due: Sequence[tuple[str, float]]) -> None:
        """Each (id, epoch seconds) waits until its moment, then joins the list by itself (`promote`)."""

    async def promote(self, name: str, now_s: float) -> int:
        """How many delayed ids were due and now wait in the list."""

    async def beat(self, worker: str) -> None:
        """The worker counts as alive for HEARTBEAT_TTL_S more seconds."""

    async def recover(self, name: str) -> int:
        """How many ids that dead workers held in flight wait in the list again."""

    async def depth(self, name: str) -> Depth:
        """What the queue holds."""

    async def generation(self) -> str:
        """A mark that changes when the queue's memory was lost (wiped, or a new server), so that it is rebuilt."""

    async def close(self) -> None:
        """The connections are closed; waiting claims answer []."""
