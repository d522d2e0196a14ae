"""A sync: the identity provider's lists are mirrored, page by page, and what left is deactivated.

Each page and the place after it are kept in one transaction: who is interrupted goes on there. Telling the same twice does no
harm, so pages that shift while they are read are no trouble; what changes meanwhile comes by its event too.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scaisend.faults import Conflict, Fault, Forbidden
from scaisend.identity.audit_store import record_act
from scaisend.identity.directory_client import DirectoryClient, Page, StalePlace
from scaisend.identity.people_store import make_default_roles, tenants
from scaisend.identity.provider_news import GROUPS, NOUNS, TENANTS, Told, read_told
from scaisend.identity.syncs_store import END, Sync, begin_sync_across_tenants, move_sync_across_tenants
from scaisend.identity.told_store import (
    ACTOR,
    deactivate_across_tenants,
    left_across_tenants,
    list_members_across_tenants,
    see_across_tenants,
    seen_in_across_tenants,
    tell_across_tenants,
)
from scaisend.ids import IdMaker
from scaisend.storage.database import Database, Txn

MOST_FAULTS_SHOWN = 20
AT_ONCE = 200
UNSEEN = -1  # the count of what the provider does not show to this client
# How much older than its reading a list of members may be taken to be: the clocks differ.
SKEW_S = 60.0


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did. `counts` by noun, and `deactivated`, `passed_over` and `roles`; `faults` are the first of what was passed over."""

    counts: Mapping[str, int]
    faults: Sequence[str]
    is_full: bool
    is_resumed: bool
    unseen: Sequence[str]


class SyncWorker:
    """`told(noun, done, total)` hears of each page; `total` is None where the provider does not say."""

    def __init__(
        self, *, database: Database, ids: IdMaker, directory: DirectoryClient, now_s: Callable[[], float],
        told: Callable[[str, int, int | None], None],
    ) -> None:
        self._database = database
        self._ids = ids
        self._directory = directory
        self._now_s = now_s
        self._told = told
        self._faults: list[str] = []

    async def run(self, *, is_full: bool, creates_roles: bool) -> Synced:
        """The mirror is as the lists say: what changed since the last sync, or, when `is_full`, all of it.

        Raises: Forbidden when the provider shows nothing; Conflict when it lists no tenant where there were some, or another
        process took over; Unavailable, after which the next run goes on.
        """
        sync = await self._database.run(begin_sync_across_tenants, self._ids, is_full=is_full, now_s=self._now_s())
        counts = Counter(sync.counts)
        begins = NOUNS.index(sync.noun) if sync.noun in NOUNS else len(NOUNS)
        for noun in NOUNS[begins:]:
            await self._list(sync, noun, sync.place if noun == sync.noun else None, counts)
        unseen = [noun for noun in NOUNS if counts[noun] == UNSEEN]
        await self._check(sync, unseen)
        await self._database.run(self._end, sync, counts, unseen)
        if creates_roles:
            counts["roles"] += await self._make_roles()
        shown = {name: count for name, count in counts.items() if count != UNSEEN}
        return Synced(shown, tuple(self._faults), sync.since is None, sync.is_resumed, tuple(unseen))

    async def _list(self, sync: Sync, noun: str, place: str | None, counts: Counter[str]) -> None:
        """The noun's pages from there on are kept; the count is UNSEEN when the provider does not show any."""
        total: int | None = None
        while True:
            try:
                page = await self._directory.page(noun, place=place, since=sync.since)
            except StalePlace:
                place, counts[noun] = None, 0
                continue
            following = NOUNS[NOUNS.index(noun) + 1] if noun != NOUNS[-1] else END
            if page is None:
                counts[noun] = UNSEEN
                await self._database.run(move_sync_across_tenants, sync, noun=following, place=None, counts=counts, now_s=self._now_s())
                return
            total = page.total if page.total is not None else total
            things = await self._read(noun, page)
            counts["passed_over"] += len(page.things) - len(things)
            counts[noun] += len(things)
            lost = await self._database.run(
                self._keep, sync, things, noun=following if page.following is None else noun, place=page.following, counts=dict(counts),
            )
            self._note_lost(noun, lost, counts)
            self._told(noun, counts[noun], total)
            if page.following is None:
                return
            place = page.following

    async def _read(self, noun: str, page: Page) -> list[tuple[Told, Sequence[str], float]]:
        """The page's things, with the members of groups and when those were read."""
        found: list[tuple[Told, Sequence[str], float]] = []
        for given in page.things:
            faults: list[Fault] = []
            read_at = self._now_s()
            told = read_told(noun, given, faults, at=read_at - SKEW_S)
            if told is not None and noun == GROUPS and told.members is None:
                listed = {"id": told.external_id, "members": await self._directory.members(told.external_id)}
                group = read_told(GROUPS, listed, faults, at=0.0)
                told = None if group is None else Told(GROUPS, told.external_id, told.at, told.columns, told.references, group.members)
            if told is None:
                self._note(f"{noun}: " + "; ".join(f"{fault.field}: {fault.message}" for fault in faults))
            else:
                found.append((told, told.members or (), read_at - SKEW_S))
        return found

    def _keep(
        self, txn: Txn, sync: Sync, things: Sequence[tuple[Told, Sequence[str], float]], *, noun: str, place: str | None, counts: Mapping[str, int],
    ) -> list[str]:
        """The page is kept and the sync goes on after it. The ids of the things that belong to nothing known."""
        now_s, lost, seen = self._now_s(), list[str](), list[str]()
        for told, members, read_at in things:
            if tell_across_tenants(txn, self._ids, told, now_s=now_s) is None:
                lost.append(told.external_id)
                continue
            seen.append(told.external_id)
            if told.noun == GROUPS:
                list_members_across_tenants(txn, self._ids, told, members, at=read_at, now_s=now_s)
        if seen and sync.since is None:
            see_across_tenants(txn, things[0][0].noun, seen, sync.id)
        noun_read = things[0][0].noun if things else noun
        after = {**counts, "passed_over": counts.get("passed_over", 0) + len(lost), noun_read: counts.get(noun_read, 0) - len(lost)}
        move_sync_across_tenants(txn, sync, noun=noun, place=place, counts=after, now_s=now_s)
        return lost

    async def _check(self, sync: Sync, unseen: Sequence[str]) -> None:
        """The provider showed something, and, where there were tenants of its, some of them; else the sync begins anew next time.

        Raises: Forbidden; Conflict.
        """
        if len(unseen) == len(NOUNS):
            await self._begin_anew(sync)
            raise Forbidden("the identity provider shows this client nothing", help="let its administrator grant this client the reading of its lists")
        if sync.since is None and TENANTS not in unseen:
            left, sees = await self._database.run(_left, sync)
            if left and not sees:
                await self._begin_anew(sync)
                raise Conflict(
                    f"the identity provider lists no tenant, where {left} are known: nothing was deactivated",
                    help="see what this client may read at the provider, then run `scaisend sync --full` again",
                )

    async def _begin_anew(self, sync: Sync) -> None:
        await self._database.run(move_sync_across_tenants, sync, noun=NOUNS[0], place=None, counts={}, now_s=self._now_s())

    def _end(self, txn: Txn, sync: Sync, counts: Counter[str], unseen: Sequence[str]) -> None:
        now_s = self._now_s()
        if sync.since is None:
            counts["deactivated"] = sum(
                deactivate_across_tenants(txn, noun, sync.id, began_at=sync.began_at, now_s=now_s) for noun in NOUNS if noun not in unseen
            )
        move_sync_across_tenants(txn, sync, noun=END, place=None, counts=counts, now_s=now_s, completed=True)
        record_act(
            txn, None, actor=ACTOR, action="provider.sync", resource=sync.id, change={"full": sync.since is None, **counts}, source=None,
            request_id=None, happened_at=now_s,
        )

    async def _make_roles(self) -> int:
        """Every tenant has the default roles. How many were made."""
        made, after = 0, ""
        while found := await self._database.run(tenants, after=after, most=AT_ONCE):
            made += await self._database.run(self._make_roles_of, [each.id for each in found])
            after = found[-1].id
        return made

    def _make_roles_of(self, txn: Txn, tenant_ids: Sequence[str]) -> int:
        return sum(make_default_roles(txn, each, ids=self._ids, now_s=self._now_s()) for each in tenant_ids)

    def _note_lost(self, noun: str, lost: Sequence[str], counts: Counter[str]) -> None:
        counts["passed_over"] += len(lost)
        counts[noun] -= len(lost)
        for each in lost:
            self._note(f"{noun}: {each} names no tenant or partner that is known")

    def _note(self, fault: str) -> None:
        if len(self._faults) < MOST_FAULTS_SHOWN:
            self._faults.append(fault)


def _left(txn: Txn, sync: Sync) -> tuple[int, bool]:
    """How many tenants of the provider's the sync did not see, and whether it saw any."""
    left = left_across_tenants(txn, TENANTS, sync.id, began_at=sync.began_at)
    return left, seen_in_across_tenants(txn, TENANTS, sync.id)
