"""/api/admin/tenants/{id}/tracking: the tracking settings of any tenant that the caller sees."""

from scaisend.faults import Fault, Invalid
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, get, put
from scaisend.identity.administration import named_tenant, record
from scaisend.identity.reach import ABOVE
from scaisend.identity.settings_store import change_setting, section
from scaisend.storage.database import Database, Txn
from scaisend.tracking.settings import EMBEDDING, TRACKING_SETTINGS, Values, read_named, whole

TRACKING = "tracking_settings"
PATH = "/api/admin/tenants/<tenant_id>/tracking"
WRITE = ("admin.settings", ABOVE)


class TenantSettingsApi:
    """What a tenant wants tracked, as one object: `{"open": {…}, "click": {…}, "subscription": {…}, "google_analytics": {…}, "image_embed_mode": "proxy"}`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [
            get(PATH, self.show, permission=("tracking_settings.read", *WRITE), summary="A tenant's tracking settings"),
            put(PATH, self.merge, permission=WRITE, summary="Change some of a tenant's tracking settings"),
        ]

    async def show(self, call: Call) -> Reply:
        """All settings, whole."""
        return data_reply(await self._database.run(_shown, call))

    async def merge(self, call: Call) -> Reply:
        """All settings as they are now; settings and fields that are not given stay."""
        given = call.json()
        if not isinstance(given, dict):
            raise Invalid("Bad Request")
        changes: dict[str, Values] = {}
        faults: list[Fault] = []
        for name, value in given.items():
            if name == EMBEDDING.name and isinstance(value, str):
                value = {"mode": value}
            try:
                changes[name] = read_named(TRACKING, name, value, name)
            except Invalid as error:
                faults += error.faults
        if faults:
            raise Invalid(faults)
        return data_reply(await self._database.run(_merge, call, changes))


def _merge(txn: Txn, call: Call, changes: dict[str, Values]) -> dict[str, object]:
    tenant_id = named_tenant(txn, call, call.path["tenant_id"]).id
    for name, values in changes.items():
        change_setting(txn, tenant_id, TRACKING, name, values, now_s=call.now_s)
    if changes:
        record(txn, call, tenant_id, action="tracking_settings.change", resource=tenant_id, change={name: dict(values) for name, values in changes.items()})
    return _shown(txn, call)


def _shown(txn: Txn, call: Call) -> dict[str, object]:
    tenant_id = named_tenant(txn, call, call.path["tenant_id"]).id
    values = section(txn, tenant_id, TRACKING)
    shown: dict[str, object] = {each.name: whole(each, values.get(each.name, {})) for each in TRACKING_SETTINGS}
    return {**shown, EMBEDDING.name: whole(EMBEDDING, values.get(EMBEDDING.name, {}))["mode"]}
