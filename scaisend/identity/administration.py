"""What the doors of /api/admin share: the tenant that a call is about, pages, and the note in the audit log."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from scaisend.faults import Conflict, Invalid
from scaisend.http.call import Call
from scaisend.http.paging import only, whole
from scaisend.http.reply import Reply, json_reply
from scaisend.identity.audit_store import record_act
from scaisend.identity.people_store import Tenant, tenant_within, tenants_called
from scaisend.identity.reach import reach_of
from scaisend.storage.database import Txn

MOST = 500
USUAL = 100
LONGEST_ID = 128


class Listed(Protocol):
    """A row that a page can begin after."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Listed)


def tenant_of(txn: Txn, call: Call) -> Tenant:
    """The tenant that the call is about: `?tenant_id=`, ours or the provider's, or else the caller's own.

    Raises: NotFound when it is none that the caller sees; Invalid when the caller has none and names none.
    """
    name = call.one("tenant_id") or call.caller.tenant_id
    if not name:
        raise Invalid("The tenant_id parameter is required.", "tenant_id", "Name a tenant that you administer.")
    return named_tenant(txn, call, name)


def named_tenant(txn: Txn, call: Call, name: str) -> Tenant:
    """The tenant of this id, ours or the provider's.

    Raises: NotFound when it is none that the caller sees.
    """
    reach = reach_of(call.caller)
    return tenant_within(txn, reach.tenant_id, name, partner_id=reach.partner_id)


def called_tenant(txn: Txn, call: Call, username: str) -> Tenant:
    """The tenant of this username, or of this id, among those that a caller administers who is of none.

    Raises: Invalid, in SendGrid's words, when there is none; Conflict when partners have tenants of the same username.
    """
    found = tenants_called(txn, username, partner_id=reach_of(call.caller).partner_id)
    if not found:
        raise Invalid("invalid username", "username", "GET /v3/subusers lists them.")
    if len(found) > 1:
        raise Conflict("several accounts have this username", "username", "use the id: GET /api/admin/tenants", ids=[each.id for each in found])
    return found[0]


def record(txn: Txn, call: Call, tenant_id: str | None, *, action: str, resource: str, change: dict[str, object]) -> None:
    """The audit log says what the caller did."""
    record_act(
        txn, tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=action, resource=resource, change=change,
        source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )


def page_of(call: Call, *filters: str) -> tuple[str, int]:
    """The id after which the page begins, and how many rows it has at most: `?after=` and `?limit=` (100, at most 500), beside the list's `filters`.

    Raises: Invalid.
    """
    only(call, "after", "limit", *filters)
    after = call.one("after") or ""
    if not after.isascii() or len(after) > LONGEST_ID:
        raise Invalid("The after is not one that was given out here.", "after", "Begin with the first page again.")
    return after, whole(call, "limit", least=1, most=MOST, default=USUAL)


def page_reply(shown: object, found: Sequence[R], most: int) -> Reply:
    """`{"data": […], "next": …}`; `next`, unless null, is the `?after=` of the next page."""
    return json_reply({"data": shown, "next": found[-1].id if len(found) == most else None})
