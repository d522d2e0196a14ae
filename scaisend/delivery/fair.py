"""Whose turn it is: one queue, served tenant by tenant, so that one tenant's million does not delay another tenant's password reset."""

from collections import deque
from collections.abc import Callable

from scaisend.delivery.job import Job


class FairQueue:
    """Jobs in order of arrival within a tenant; the tenants take turns."""

    __slots__ = ("_lanes", "_length", "_turns")

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Job]] = {}
        self._turns: deque[str] = deque()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, job: Job) -> None:
        self._lane(job.tenant_id).append(job)

    def put_back(self, job: Job) -> None:
        """The job is its tenant's next again."""
        self._lane(job.tenant_id).appendleft(job)

    def pop(self) -> Job:
        """The next job of the tenant whose turn it is. Raises: IndexError, when empty."""
        turns = self._turns
        tenant_id = turns[0]
        lane = self._lanes[tenant_id]
        job = lane.popleft()
        self._length -= 1
        if not lane:
            turns.popleft()
            del self._lanes[tenant_id]
        elif len(turns) > 1:
            turns.rotate(-1)
        return job

    def remove(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """The jobs that are `unwanted`, which now are gone from the queue."""
        gone: list[Job] = []
        for tenant_id in list(self._turns):
            lane = self._lanes[tenant_id]
            leaving = [job for job in lane if unwanted(job)]
            if not leaving:
                continue
            gone += leaving
            left = set(leaving)
            staying = deque(job for job in lane if job not in left)
            if staying:
                self._lanes[tenant_id] = staying
            else:
                del self._lanes[tenant_id]
                self._turns.remove(tenant_id)
        self._length -= len(gone)
        return gone

    def leave(self, count: int) -> list[Job]:
        """All but the next `count` jobs, the tenants taking turns, which now are gone from the queue."""
        staying = [self.pop() for _ in range(min(count, self._length))]
        gone = self.remove(lambda _: True)
        for job in staying:
            self.push(job)
        return gone

    def _lane(self, tenant_id: str) -> deque[Job]:
        self._length += 1
        lane = self._lanes.get(tenant_id)
        if lane is None:
            lane = self._lanes[tenant_id] = deque()
            self._turns.append(tenant_id)
        return lane
