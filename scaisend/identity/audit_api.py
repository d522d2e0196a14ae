"""GET /api/admin/audit-log."""

from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get
from scaisend.identity.audit_store import Act, acts
from scaisend.storage.database import Database

MOST = 500
USUAL = 100


class AuditApi:
    """The audit log of the caller's tenant."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [get("/api/admin/audit-log", self.show, permission="admin.settings", summary="Who did what, newest first")]

    async def show(self, call: Call) -> Reply:
        """`?limit=` (100, at most 500) acts; `next`, unless null, is the `?before=` of the next page."""
        faults: list[Fault] = []
        most = min(_number(call, "limit", faults) or USUAL, MOST)
        before = _number(call, "before", faults)
        if faults:
            raise Invalid(faults)
        found = await self._database.run(acts, call.caller.tenant_id, before=before, most=most)
        return json_reply({"data": [_shown(act) for act in found], "next": found[-1].number if len(found) == most else None})


def _number(call: Call, name: str, faults: list[Fault]) -> int | None:
    text = call.one(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0:
        return int(text)
    faults.append(Fault(f"{name} must be a whole number above 0", name))
    return None


def _shown(act: Act) -> dict[str, object]:
    return {
        "number": act.number, "actor": act.actor, "action": act.action, "resource": act.resource, "change": act.change,
        "source": act.source, "request_id": act.request_id, "happened_at": act.happened_at,
    }
