"""Who is in which group, as the identity provider tells it.

Each coming and going has its moment at the provider (epoch seconds), and what is older than what is known is passed over: a
departure is kept, so that word of an earlier arrival does not bring the user back.
"""

from collections.abc import Sequence

from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.storage.database import Txn, Value

_ONE = "tenant_id = :tenant_id AND group_id = :group_id AND user_id = :user_id"
_COLUMNS = ("tenant_id", "group_id", "user_id", "provider_at")


def set_members(txn: Txn, tenant_id: str, group_id: str, user_ids: Sequence[str], *, at: float) -> None:
    """The group has these members and no others, but for who came or left after the moment `at`."""
    moment = int(at * 1_000_000)
    group = {"tenant_id": tenant_id, "group_id": group_id, "at": moment}
    before = txn.rows("SELECT user_id, provider_at FROM group_members WHERE tenant_id = :tenant_id AND group_id = :group_id", group)
    left = {
        row[0] for row in txn.rows(
            "SELECT user_id FROM group_departures WHERE tenant_id = :tenant_id AND group_id = :group_id AND provider_at > :at", group,
        )
    }
    gone = sorted(row[0] for row in before if row[0] not in set(user_ids) and (row[1] is None or row[1] <= moment))
    new = sorted(set(user_ids) - {row[0] for row in before} - left)
    if gone:
        txn.execute(
            "DELETE FROM group_members WHERE tenant_id = :tenant_id AND group_id = :group_id AND user_id IN :gone", {**group, "gone": gone},
        )
    txn.insert("group_members", _COLUMNS, [(tenant_id, group_id, each, moment) for each in new], ignore=True)
    if gone or new:
        bump_identity_epoch(txn)


def add_member(txn: Txn, tenant_id: str, group_id: str, user_id: str, *, at: float) -> None:
    """The user is in the group, unless it left after that moment."""
    one: dict[str, Value] = {"tenant_id": tenant_id, "group_id": group_id, "user_id": user_id, "at": int(at * 1_000_000)}
    if txn.row(f"SELECT user_id FROM group_departures WHERE {_ONE} AND provider_at > :at", one):
        return
    if txn.insert("group_members", _COLUMNS, [tuple(one.values())], ignore=True):
        bump_identity_epoch(txn)
    else:
        txn.execute(f"UPDATE group_members SET provider_at = :at WHERE {_ONE} AND (provider_at IS NULL OR provider_at < :at)", one)


def remove_member(txn: Txn, tenant_id: str, group_id: str, user_id: str, *, at: float) -> None:
    """The user is not in the group, unless it came after that moment."""
    one: dict[str, Value] = {"tenant_id": tenant_id, "group_id": group_id, "user_id": user_id, "at": int(at * 1_000_000)}
    if not txn.insert("group_departures", _COLUMNS, [tuple(one.values())], ignore=True):
        txn.execute(f"UPDATE group_departures SET provider_at = :at WHERE {_ONE} AND provider_at < :at", one)
    if txn.execute(f"DELETE FROM group_members WHERE {_ONE} AND (provider_at IS NULL OR provider_at <= :at)", one):
        bump_identity_epoch(txn)
