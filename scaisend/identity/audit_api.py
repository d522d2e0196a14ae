"""GET /api/admin/audit-log."""

from scaisend.http.call import Call
from scaisend.http.paging import whole
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.audit_store import Act, acts
from scaisend.storage.database import Database

MOST = 500
USUAL = 100
NEWEST = 2**59


class AuditApi:
    """The audit log of the caller's tenant."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [get("/api/admin/audit-log", self.show, permission="admin.settings", summary="Who did what, newest first")]

    async def show(self, call: Call) -> Reply:
        """`?limit=` (100, at most 500) acts; `next`, unless null, is the `?before=` of the next page."""
        most = whole(call, "limit", least=1, most=MOST, default=USUAL)
        before = whole(call, "before", least=1, most=NEWEST, default=NEWEST)
        found = await self._database.run(acts, call.caller.tenant_id, before=before, most=most)
        return json_reply({"data": [_shown(act) for act in found], "next": found[-1].number if len(found) == most else None})


def _shown(act: Act) -> dict[str, object]:
    return {
        "number": act.number, "actor": act.actor, "action": act.action, "resource": act.resource, "change": act.change,
        "source": act.source, "request_id": act.request_id, "happened_at": act.happened_at,
    }
