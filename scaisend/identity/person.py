"""The verdict on a person: which tenant it acts for, and what it may do there."""

from dataclasses import dataclass

from scaisend.caller import Caller
from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.api_key import REFUSED
from scaisend.identity.permissions import EVERYTHING, OURS, permissions_of
from scaisend.identity.reach import ABOVE, PARTNER_ADMIN, SUPER_ADMIN, TENANT_ADMIN

ACTIVE = "active"
NOT_FOR_THAT = "access forbidden: this credential may not act for another account"


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant, and whether it and its partner are active."""

    tenant_id: str
    partner_id: str
    tenant_status: str
    partner_status: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a person: its own tenant, the one it would act for, and what its roles give it there."""

    user_id: str
    status: str
    role: str | None
    partner_id: str | None
    partner_status: str | None
    own_tenant_id: str | None
    place: Place | None
    granted: frozenset[str]
    epoch: int


def caller_of_person(found: Standing | None, *, on_behalf: bool) -> Caller:
    """The caller that this person is. `on_behalf`: it asked to act for the tenant of `found.place`.

    A partner admin acts for tenants of its partner, a super admin for any; who acts for one is its admin and sees no other.
    Raises: Unauthenticated when there is no such person; Forbidden when it, its tenant or partner is not active, or it may not
    act for that tenant.
    """
    if found is None:
        raise Unauthenticated(REFUSED)
    if found.status != ACTIVE:
        raise Forbidden(f"access forbidden: the user is {found.status}", help="ask the operator of this service")
    is_above = found.role in (SUPER_ADMIN, PARTNER_ADMIN)
    if found.role == PARTNER_ADMIN and (found.partner_id is None or found.partner_status != ACTIVE):
        raise Forbidden("access forbidden: the partner is not active", help="ask the operator of this service")
    if on_behalf:
        _check_behalf(found)
    if found.place is None:
        if not is_above:
            raise Forbidden("access forbidden: the user belongs to no tenant that is known here")
        return _caller(found, None, frozenset((ABOVE,)))
    for status in (found.place.tenant_status, found.place.partner_status):
        if status != ACTIVE:
            raise Forbidden(f"access forbidden: the account is {status}", help="ask the operator of this service")
    if is_above:
        return _caller(found, found.place, EVERYTHING if on_behalf else EVERYTHING | {ABOVE})
    return _caller(found, found.place, EVERYTHING if found.role == TENANT_ADMIN else permissions_of(found.granted))


def _check_behalf(found: Standing) -> None:
    place = found.place
    may = place is not None and (
        found.role == SUPER_ADMIN or place.tenant_id == found.own_tenant_id
        or (found.role == PARTNER_ADMIN and place.partner_id == found.partner_id)
    )
    if not may:
        raise Forbidden(NOT_FOR_THAT, help="leave the on-behalf-of header out")


def _caller(found: Standing, place: Place | None, permissions: frozenset[str]) -> Caller:
    return Caller(
        tenant_id=place.tenant_id if place else "", partner_id=(place.partner_id if place else found.partner_id) or "",
        credential_id=found.user_id, permissions=permissions, scopes=tuple(name for name in OURS if name in permissions),
        epoch=found.epoch, user_id=found.user_id, role=found.role,
    )
