"""How far a caller sees: its tenant, its partner's tenants, or all.

Who acts for one tenant, by being of it or by `on-behalf-of`, sees that tenant. Partner admins and super admins who act for
none in particular hold ABOVE, a permission that no role and no scope of an API key gives.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scaisend.caller import Caller
from scaisend.faults import Forbidden
from scaisend.identity.permissions import EVERYTHING, permissions_of

SUPER_ADMIN, PARTNER_ADMIN, TENANT_ADMIN = "super_admin", "partner_admin", "tenant_admin"
ROLES_ABOVE = (SUPER_ADMIN, PARTNER_ADMIN)
ABOVE = "tenants.administer"


@dataclass(frozen=True, slots=True)
class Reach:
    """One tenant, or one partner's tenants, or, where both are None, all."""

    tenant_id: str | None
    partner_id: str | None


def reach_of(caller: Caller) -> Reach:
    """The tenants that the caller sees."""
    if ABOVE not in caller.permissions:
        return Reach(caller.tenant_id, None)
    return Reach(None, None) if caller.role == SUPER_ADMIN else Reach(None, caller.partner_id)


def sees_all(caller: Caller) -> bool:
    """The operator: a super admin who acts for no tenant in particular."""
    return reach_of(caller) == Reach(None, None)


def grantable(caller: Caller) -> frozenset[str]:
    """The permissions that the caller may give to others."""
    return EVERYTHING if ABOVE in caller.permissions else caller.permissions


def refuse_beyond(caller: Caller, permissions: Iterable[str]) -> None:
    """The caller has all of these itself.

    Raises: Forbidden, naming those it has not.
    """
    beyond = [each for each in permissions if not permissions_of((each,)) <= grantable(caller)]
    if beyond:
        raise Forbidden(f"access forbidden: you may not give what you do not have: {', '.join(beyond)}", "permissions")
