"""GET /api/admin/audit-log."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from scaisend.faults import Invalid
from scaisend.http.call import Call
from scaisend.http.paging import only, whole
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.administration import named_tenant
from scaisend.identity.audit_store import Act, acts, acts_across_tenants
from scaisend.identity.reach import ABOVE, reach_of
from scaisend.sealing import SealBroken, Sealer
from scaisend.storage.database import Database, Txn

MOST = 500
USUAL = 100
NEWEST = 2**59
PLACE = "audit-log-page"


class AuditApi:
    """The audit log as far as the caller sees: its tenant's, its partner's tenants', or all of it."""

    def __init__(self, *, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def routes(self) -> list[Route]:
        return [get("/api/admin/audit-log", self.show, permission=("admin.settings", ABOVE), summary="Who did what, newest first")]

    async def show(self, call: Call) -> Reply:
        """`?limit=` (100, at most 500) acts, with `?tenant_id=` of one tenant; `next`, unless null, is the `?before=` of the next page."""
        only(call, "limit", "before", "tenant_id")
        most = whole(call, "limit", least=1, most=MOST, default=USUAL)
        given = call.one("before")
        before = self._read_place(given) if given else NEWEST
        found = await self._database.run(_acts, call, before, most)
        return json_reply({"data": [_shown(act) for act in found], "next": self._place(found[-1].number) if len(found) == most else None})

    def _place(self, number: int) -> str:
        """The place in the log, sealed: acts of all tenants are numbered together, so a number would tell what others do."""
        return urlsafe_b64encode(self._sealer.seal(PLACE, number.to_bytes(8, "big"))).decode().rstrip("=")

    def _read_place(self, text: str) -> int:
        try:
            sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            return int.from_bytes(self._sealer.open(PLACE, sealed), "big")
        except (ValueError, SealBroken):
            raise Invalid("The before is not one that was given out here.", "before", "Begin with the first page again.") from None


def _acts(txn: Txn, call: Call, before: int, most: int) -> list[Act]:
    reach, wanted = reach_of(call.caller), call.one("tenant_id")
    tenant_id = named_tenant(txn, call, wanted).id if wanted else reach.tenant_id
    if tenant_id is not None:
        return acts(txn, tenant_id, before=before, most=most)
    return acts_across_tenants(txn, reach.partner_id, before=before, most=most)


def _shown(act: Act) -> dict[str, object]:
    return {
        "tenant_id": act.tenant_id, "actor": act.actor, "action": act.action, "resource": act.resource, "change": act.change,
        "source": act.source, "request_id": act.request_id, "happened_at": act.happened_at,
    }
