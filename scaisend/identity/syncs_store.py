"""How far each sync with the identity provider came. A page and the place after it are kept in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.faults import Conflict
from scaisend.identity.provider_news import NOUNS
from scaisend.ids import IdMaker
from scaisend.storage.database import Row, Txn

END = "end"
RESUMED_WITHIN_S = 86_400.0
OVERLAP_S = 600.0
_SYNC = "SELECT id, owner, is_full, since, noun, place, counts, began_at FROM provider_syncs"


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync and where it goes on: with the page `place` of `noun`. `since` None: everything is read."""

    id: str
    owner: str
    is_full: bool
    since: float | None
    noun: str
    place: str | None
    counts: Mapping[str, int]
    began_at: float
    is_resumed: bool = False


def begin_sync_across_tenants(txn: Txn, ids: IdMaker, *, is_full: bool, now_s: float) -> Sync:
    """The sync to carry on with: one of the last day that was interrupted and reads as much as is wanted, or else a new one.

    A new one that is not full reads what changed since ten minutes before the last completed one began; everything when there is none.
    """
    owner, now = ids.new("own"), int(now_s * 1_000_000)
    row = txn.row(
        f"{_SYNC} WHERE completed_at IS NULL AND began_at > :oldest ORDER BY began_at DESC, id DESC LIMIT 1",
        {"oldest": int((now_s - RESUMED_WITHIN_S) * 1_000_000)},
    )
    if row is not None and (row[2] or not is_full):
        txn.execute("UPDATE provider_syncs SET owner = :owner, moved_at = :now WHERE id = :id", {"owner": owner, "now": now, "id": row[0]})
        return _sync(row, owner)
    last = txn.row("SELECT MAX(began_at) FROM provider_syncs WHERE completed_at IS NOT NULL")
    since = None if is_full or last is None or last[0] is None else last[0] - int(OVERLAP_S * 1_000_000)
    made = Sync(ids.new("syn"), owner, is_full, since / 1_000_000 if since else None, NOUNS[0], None, {}, now_s)
    columns = ("id", "owner", "is_full", "since", "noun", "place", "counts", "began_at", "moved_at")
    txn.insert("provider_syncs", columns, [(made.id, owner, int(is_full), since, made.noun, None, "{}", now, now)])
    return made


def move_sync_across_tenants(
    txn: Txn, sync: Sync, *, noun: str, place: str | None, counts: Mapping[str, int], now_s: float, completed: bool = False,
) -> None:
    """It goes on there. To be called last in the transaction that keeps a page.

    Raises: Conflict when another process took it over.
    """
    now = int(now_s * 1_000_000)
    done = txn.execute(
        "UPDATE provider_syncs SET noun = :noun, place = :place, counts = :counts, moved_at = :now, completed_at = :completed"
        " WHERE id = :id AND owner = :owner AND completed_at IS NULL",
        {
            "noun": noun, "place": place, "counts": json.dumps(dict(counts)), "now": now, "completed": now if completed else None, "id": sync.id,
            "owner": sync.owner,
        },
    )
    if not done:
        raise Conflict("another `scaisend sync` took this one over", help="let that one end")


def _sync(row: Row, owner: str) -> Sync:
    an_id, _, is_full, since, noun, place, counts, began_at = row
    return Sync(
        an_id, owner, bool(is_full), None if since is None else since / 1_000_000, noun, place, json.loads(counts), began_at / 1_000_000,
        is_resumed=True,
    )
