"""The mirror of what the identity provider tells: partners, tenants, people, groups and who is in them, by the provider's ids.

News may come twice and out of order: each carries the moment `at` of its change at the provider, and what is older than the
row's own is passed over. What left the provider is deactivated, never deleted. Each change counts the identity epoch up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.identity.people_store import make_default_roles
from scaisend.ids import IdMaker
from scaisend.storage.database import Txn, Value

PARTNERS, TENANTS, USERS, GROUPS = "partners", "tenants", "users", "user_groups"
_PREFIXES = {PARTNERS: "prt", TENANTS: "tnt", USERS: "usr", GROUPS: "grp"}


@dataclass(frozen=True, slots=True)
class News:
    """What the provider says of one thing: `columns` by name, as it was `at` that moment (epoch seconds)."""

    external_id: str
    at: float
    columns: Mapping[str, Value]


def id_across_tenants(txn: Txn, table: str, external_id: str | None) -> str | None:
    """Our id of the provider's partner, tenant, user or group."""
    if not external_id or not external_id.isascii():
        return None
    row = txn.row(f"SELECT id FROM {table} WHERE external_id = :external_id", {"external_id": external_id})
    return str(row[0]) if row else None


def mirror_across_tenants(txn: Txn, ids: IdMaker, table: str, news: News, *, now_s: float) -> str:
    """The row is as the provider says, unless a newer word is in it already; a tenant that is new has the default roles. Our id."""
    at, now = int(news.at * 1_000_000), int(now_s * 1_000_000)
    names = list(news.columns)
    found = id_across_tenants(txn, table, news.external_id)
    if found is None:
        tenant_id = str(news.columns.get("tenant_id") or "")
        made = ids.new(_PREFIXES[table], tenant_id)
        values = [news.columns[name] for name in names]
        columns = ("id", "external_id", *names, "created_at", "updated_at", "provider_at")
        if txn.insert(table, columns, [(made, news.external_id, *values, now, now, at)], ignore=True):
            if table == TENANTS:
                make_default_roles(txn, made, ids=ids, now_s=now_s)
            bump_identity_epoch(txn)
            return made
        found = id_across_tenants(txn, table, news.external_id)
    changed = txn.execute(
        f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in names)}, updated_at = :now, provider_at = :at"
        " WHERE external_id = :external_id AND (provider_at IS NULL OR provider_at <= :at)",
        {**news.columns, "now": now, "at": at, "external_id": news.external_id},
    )
    if changed:
        bump_identity_epoch(txn)
    return str(found)


def set_members(txn: Txn, tenant_id: str, group_id: str, user_ids: Sequence[str]) -> None:
    """The group has these members and no others."""
    before = txn.rows(
        "SELECT user_id FROM group_members WHERE tenant_id = :tenant_id AND group_id = :group_id", {"tenant_id": tenant_id, "group_id": group_id},
    )
    gone = sorted({row[0] for row in before} - set(user_ids))
    new = sorted(set(user_ids) - {row[0] for row in before})
    if gone:
        txn.execute(
            "DELETE FROM group_members WHERE tenant_id = :tenant_id AND group_id = :group_id AND user_id IN :gone",
            {"tenant_id": tenant_id, "group_id": group_id, "gone": gone},
        )
    txn.insert("group_members", ("tenant_id", "group_id", "user_id"), [(tenant_id, group_id, each) for each in new], ignore=True)
    if gone or new:
        bump_identity_epoch(txn)


def add_member(txn: Txn, tenant_id: str, group_id: str, user_id: str) -> None:
    """The user is in the group."""
    if txn.insert("group_members", ("tenant_id", "group_id", "user_id"), [(tenant_id, group_id, user_id)], ignore=True):
        bump_identity_epoch(txn)


def remove_member(txn: Txn, tenant_id: str, group_id: str, user_id: str) -> None:
    """The user is not in the group."""
    gone = txn.execute(
        "DELETE FROM group_members WHERE tenant_id = :tenant_id AND group_id = :group_id AND user_id = :user_id",
        {"tenant_id": tenant_id, "group_id": group_id, "user_id": user_id},
    )
    if gone:
        bump_identity_epoch(txn)
