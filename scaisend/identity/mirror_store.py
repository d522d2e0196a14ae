"""The mirror of what the identity provider tells: partners, tenants, people and groups, by the provider's ids.

News may come twice and out of order: each carries the moment `at` of its change at the provider, and what is older than the
row's own is passed over. What left the provider is deactivated, never deleted. Each change counts the identity epoch up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scaisend.faults import Forbidden
from scaisend.identity.instance_store import bump_identity_epoch
from scaisend.identity.jwt import Claims
from scaisend.identity.people_store import make_default_roles
from scaisend.identity.person import Standing
from scaisend.identity.standing_store import standing_across_tenants
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


def seen_across_tenants(txn: Txn, ids: IdMaker, claims: Claims, on_behalf_of: str | None, *, now_s: float) -> Standing | None:
    """The standing of a token's person, who is mirrored as the token says if that is news.

    Raises: Forbidden when it names a tenant or partner that is not known here.
    """
    columns: dict[str, Value] = {"role": claims.role}
    if claims.tenant:
        columns["tenant_id"] = _known(txn, TENANTS, claims.tenant)
    if claims.partner:
        columns["partner_id"] = _known(txn, PARTNERS, claims.partner)
    columns |= {name: value for name, value in (("email", claims.email), ("name", claims.name)) if value}
    names = list(columns)
    row = txn.row(
        f"SELECT id, provider_at, {', '.join(names)} FROM users WHERE external_id = :external_id", {"external_id": claims.subject},
    )
    is_news = row is None or (int(claims.issued_at * 1_000_000) > (row[1] or 0) and list(row[2:]) != list(columns.values()))
    if row is not None and not is_news:
        return standing_across_tenants(txn, row[0], on_behalf_of)
    given = columns if row is not None else {"email": "", **columns}
    user_id = mirror_across_tenants(txn, ids, USERS, News(claims.subject, claims.issued_at, given), now_s=now_s)
    return standing_across_tenants(txn, user_id, on_behalf_of)


def _known(txn: Txn, table: str, name: str) -> str:
    """Our id of what the provider, or we, call so. Raises: Forbidden."""
    row = txn.row(f"SELECT id FROM {table} WHERE external_id = :name", {"name": name})
    row = row or txn.row(f"SELECT id FROM {table} WHERE id = :name", {"name": name})
    if row is None:
        raise Forbidden("access forbidden: the account is not known here", help="ask the operator of this service")
    return str(row[0])
