"""Partners, tenants and roles; and the first ones of an installation."""

import json
from dataclasses import dataclass

from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.identity.audit_store import record_act
from scaisend.identity.disabling_store import STATUS
from scaisend.identity.instance_store import bump_identity_epoch, claim_fact
from scaisend.identity.keys_store import Key, create_key
from scaisend.identity.permissions import DEFAULT_ROLES, OURS
from scaisend.ids import IdMaker
from scaisend.storage.database import Row, Txn

ACTIVE, DEACTIVATED = "active", "deactivated"
STATUSES = (ACTIVE, "suspended", DEACTIVATED)
INSTALLED = "installed_tenant"
_TENANT = f"SELECT t.id, t.partner_id, t.name, t.slug, t.external_id, {STATUS}, t.created_at FROM tenants t"

_PARTNER = "SELECT id, name, external_id, status, created_at FROM partners"


@dataclass(frozen=True, slots=True)
class Partner:
    """Who runs tenants."""

    id: str
    name: str
    external_id: str | None
    status: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who sends."""

    id: str
    partner_id: str
    name: str
    slug: str | None
    external_id: str | None
    status: str
    created_at: float

    @property
    def username(self) -> str:
        """What SendGrid's shapes call it."""
        return self.slug or self.name


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of a tenant's permissions."""

    id: str
    tenant_id: str
    name: str
    description: str | None
    permissions: tuple[str, ...]
    is_default: bool


@dataclass(frozen=True, slots=True)
class Installed:
    """What `init_installation` made."""

    partner: Partner
    tenant: Tenant
    key: Key


def make_partner(txn: Txn, ids: IdMaker, *, name: str, now_s: float, external_id: str | None = None) -> Partner:
    """A new, active partner."""
    partner = Partner(ids.new("prt"), name, external_id, ACTIVE, now_s)
    at = int(now_s * 1_000_000)
    columns = ("id", "name", "external_id", "status", "created_at", "updated_at")
    txn.insert("partners", columns, [(partner.id, name, external_id, ACTIVE, at, at)])
    return partner


def make_tenant(
    txn: Txn, ids: IdMaker, *, name: str, partner_id: str, now_s: float, slug: str | None = None, external_id: str | None = None,
) -> Tenant:
    """A new, active tenant of the partner, with the default roles."""
    tenant = Tenant(ids.new("tnt"), partner_id, name, slug, external_id, ACTIVE, now_s)
    at = int(now_s * 1_000_000)
    columns = ("id", "partner_id", "name", "slug", "external_id", "status", "created_at", "updated_at")
    txn.insert("tenants", columns, [(tenant.id, partner_id, name, slug, external_id, ACTIVE, at, at)])
    make_default_roles(txn, tenant.id, ids=ids, now_s=now_s)
    bump_identity_epoch(txn)
    return tenant


def make_default_roles(txn: Txn, tenant_id: str, *, ids: IdMaker, now_s: float) -> int:
    """The tenant has every default role; those whose name it has already are left as they are. The number made."""
    at = int(now_s * 1_000_000)
    columns = ("id", "tenant_id", "name", "description", "permissions", "is_default", "created_at", "updated_at")
    return txn.insert("roles", columns, [
        (ids.new("rol", tenant_id), tenant_id, role.name, role.description, json.dumps(list(role.permissions)), 1, at, at)
        for role in DEFAULT_ROLES
    ], ignore=True)


def roles(txn: Txn, tenant_id: str) -> list[Role]:
    """The tenant's roles, in the order they were made."""
    found = txn.rows(
        "SELECT id, tenant_id, name, description, permissions, is_default FROM roles WHERE tenant_id = :tenant_id ORDER BY id",
        {"tenant_id": tenant_id},
    )
    return [Role(row[0], row[1], row[2], row[3], tuple(json.loads(row[4])), bool(row[5])) for row in found]


def tenant(txn: Txn, tenant_id: str) -> Tenant | None:
    """The tenant of this id."""
    row = txn.row(f"{_TENANT} WHERE id = :id", {"id": tenant_id})
    return _tenant(row) if row else None


def tenants(txn: Txn, *, partner_id: str | None = None, most: int = 500, after: str = "") -> list[Tenant]:
    """Tenants of the partner, or of all, by id: at most `most`, with ids above `after`."""
    of_partner = "AND partner_id = :partner_id" if partner_id is not None else ""
    parameters: dict[str, str | int] = {"after": after, "most": most}
    if partner_id is not None:
        parameters["partner_id"] = partner_id
    found = txn.rows(f"{_TENANT} WHERE id > :after {of_partner} ORDER BY id LIMIT :most", parameters)
    return [_tenant(row) for row in found]


def tenant_within(txn: Txn, tenant_id: str | None, name: str, *, partner_id: str | None) -> Tenant:
    """The tenant of this id or external id, if it is `tenant_id`, or one of the partner's, or, where both are None, any.

    Raises: NotFound, for what is out of reach just as for what is not there.
    """
    within, parameters = "", {"name": name}
    if tenant_id is not None:
        within, parameters["tenant_id"] = " AND id = :tenant_id", tenant_id
    elif partner_id is not None:
        within, parameters["partner_id"] = " AND partner_id = :partner_id", partner_id
    row = None
    if name.isascii():  # MySQL refuses to compare an ASCII column with other text
        row = txn.row(f"{_TENANT} WHERE (id = :name OR external_id = :name){within} ORDER BY id LIMIT 1", parameters)
    if row is None:
        raise NotFound("there is no such tenant")
    return _tenant(row)


def tenants_called(txn: Txn, name: str, *, partner_id: str | None, most: int = 2) -> list[Tenant]:
    """The tenant of this id, ours or the provider's; or else up to `most` of this username. Of the partner, or of all; not those deactivated.

    A username is a tenant's slug, or its name where it has none.
    """
    within = "" if partner_id is None else " AND t.partner_id = :partner_id"
    parameters: dict[str, str | int] = {"name": name, "most": most}
    if partner_id is not None:
        parameters["partner_id"] = partner_id
    called = ["t.slug IS NULL AND t.name = :name"]
    if name.isascii():  # MySQL refuses to compare an ASCII column with other text
        called = ["t.id = :name", "t.external_id = :name", f"(t.slug = :name OR ({called[0]}))"]
    for each in called:
        if found := txn.rows(f"{_TENANT} WHERE {each} AND t.status <> '{DEACTIVATED}'{within} ORDER BY t.id LIMIT :most", parameters):
            return [_tenant(row) for row in found]
    return []


def lock_partner(txn: Txn, partner_id: str) -> None:
    """No other transaction makes a tenant of this partner by name until this one ends."""
    txn.row(f"SELECT id FROM partners WHERE id = :id {txn.dialect.for_update}", {"id": partner_id})


def partners(txn: Txn, *, partner_id: str | None, most: int, after: str = "") -> list[Partner]:
    """Partners by id, or that one alone: at most `most`, with ids above `after`."""
    one, parameters = "", dict[str, str | int](after=after, most=most)
    if partner_id is not None:
        one, parameters["partner_id"] = " AND id = :partner_id", partner_id
    found = txn.rows(f"{_PARTNER} WHERE id > :after{one} ORDER BY id LIMIT :most", parameters)
    return [_partner(row) for row in found]


def partner_within(txn: Txn, name: str, *, partner_id: str | None) -> Partner:
    """The partner of this id or external id, if it is `partner_id`, or that is None.

    Raises: NotFound.
    """
    one, parameters = "", {"name": name}
    if partner_id is not None:
        one, parameters["partner_id"] = " AND id = :partner_id", partner_id
    row = None
    if name.isascii():
        row = txn.row(f"{_PARTNER} WHERE (id = :name OR external_id = :name){one} ORDER BY id LIMIT 1", parameters)
    if row is None:
        raise NotFound("there is no such partner")
    return _partner(row)


def rename_tenant(txn: Txn, tenant_id: str, name: str, *, now_s: float) -> None:
    """The tenant is called so."""
    txn.execute(
        "UPDATE tenants SET name = :name, updated_at = :at WHERE id = :id", {"name": name, "at": int(now_s * 1_000_000), "id": tenant_id},
    )


def only_tenant(txn: Txn) -> Tenant:
    """The tenant, where there is just one; those that are deactivated count where there is no other.

    Raises: NotFound when there is none; Conflict, naming some, when there are several.
    """
    found = [_tenant(row) for row in txn.rows(f"{_TENANT} WHERE t.status <> '{DEACTIVATED}' ORDER BY t.id LIMIT 10")] or tenants(txn, most=10)
    if not found:
        raise NotFound("there is no tenant yet", help="run `scaisend init` first")
    if len(found) > 1:
        ids = [each.id for each in found]
        raise Conflict(f"there are several tenants: {', '.join(ids)}", help="name one with --tenant", ids=ids)
    return found[0]


def find_tenant(txn: Txn, name: str) -> Tenant:
    """The tenant whose id, external id or slug this is.

    Raises: NotFound.
    """
    one = f"{_TENANT} WHERE t.id = :name OR t.external_id = :name OR t.slug = :name ORDER BY t.status = '{DEACTIVATED}', t.id LIMIT 1"
    row = txn.row(one, {"name": name}) if name.isascii() else None  # MySQL refuses to compare an ASCII column with other text
    if row is None:
        raise NotFound(f"there is no tenant {name!r}")
    return _tenant(row)


def set_tenant_status(txn: Txn, tenant_id: str, status: str, *, now_s: float) -> bool:
    """The tenant is active, suspended or deactivated for every request after the commit. False when there is no such tenant.

    Raises: Invalid when there is no such status.
    """
    if status not in STATUSES:
        raise Invalid(f"a tenant is {', '.join(STATUSES)}, not {status!r}", "status")
    return _set_status(txn, "tenants", tenant_id, status, now_s)


def set_partner_status(txn: Txn, partner_id: str, status: str, *, now_s: float) -> bool:
    """As `set_tenant_status`, for a partner and so for all its tenants."""
    if status not in STATUSES:
        raise Invalid(f"a partner is {', '.join(STATUSES)}, not {status!r}", "status")
    return _set_status(txn, "partners", partner_id, status, now_s)


def init_installation(txn: Txn, ids: IdMaker, *, partner_name: str, tenant_name: str, key: str, now_s: float) -> Installed:
    """The first partner, its tenant with the default roles, and an API key that may do everything.

    Raises: Conflict when this database has a tenant already.
    """
    partner = make_partner(txn, ids, name=partner_name, now_s=now_s)
    present = tenants(txn, most=1)
    made = make_tenant(txn, ids, name=tenant_name, partner_id=partner.id, now_s=now_s)
    owner = present[0].id if present else claim_fact(txn, INSTALLED, made.id)
    if owner != made.id:
        raise Conflict(
            f"this installation was set up before: its tenant is {owner}", help="`scaisend keys create` makes another API key", ids=[owner],
        )
    first = create_key(
        txn, made.id, key_id=ids.new("key", made.id), key=key, name="admin", scopes=OURS, is_test=False, created_by="cli", created_at=now_s,
    )
    record_act(
        txn, made.id, actor="cli", action="installation.init", resource=made.id,
        change={"partner_id": partner.id, "tenant": tenant_name, "api_key_id": first.id}, source=None, request_id=None, happened_at=now_s,
    )
    return Installed(partner, made, first)


def _set_status(txn: Txn, table: str, an_id: str, status: str, now_s: float) -> bool:
    done = txn.execute(
        f"UPDATE {table} SET status = :status, updated_at = :at WHERE id = :id",
        {"status": status, "at": int(now_s * 1_000_000), "id": an_id},
    )
    if done:
        bump_identity_epoch(txn)
    return bool(done)


def _tenant(row: Row) -> Tenant:
    return Tenant(row[0], row[1], row[2], row[3], row[4], row[5], row[6] / 1_000_000)


def _partner(row: Row) -> Partner:
    return Partner(row[0], row[1], row[2], row[3], row[4] / 1_000_000)
