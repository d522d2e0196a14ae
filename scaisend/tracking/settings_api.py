"""/v3/tracking_settings and /v3/mail_settings: what a tenant wants for all its mail."""

from collections.abc import Sequence
from functools import partial

from scaisend.http.call import Call
from scaisend.http.paging import offset_page
from scaisend.http.reply import Reply, json_reply
from scaisend.http.route import Route, get, patch
from scaisend.identity.audit_store import record_act
from scaisend.identity.settings_store import change_setting, section
from scaisend.storage.database import Database, Txn
from scaisend.tracking.settings import EMBEDDING, MAIL_SETTINGS, TRACKING_SETTINGS, Setting, Values, read_setting, whole

MAIL, TRACKING = "mail_settings", "tracking_settings"
WRITE = "admin.settings"


class SettingsApi:
    """The settings of the caller's tenant."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [*self._routes(MAIL, MAIL_SETTINGS), *self._routes(TRACKING, TRACKING_SETTINGS, EMBEDDING)]

    def _routes(self, group: str, settings: Sequence[Setting], *ours: Setting) -> list[Route]:
        read = (WRITE, f"{group}.read")
        kind = group.removesuffix("_settings")
        found = [get(f"/v3/{group}", partial(self.show_all, group, settings), permission=read, summary=f"The {kind} settings, and which are on")]
        for each in (*settings, *ours):
            path = f"/v3/{group}/{each.name}"
            found += [
                get(path, partial(self.show, group, each), permission=read, summary=f"The {kind} setting {each.title}"),
                patch(path, partial(self.change, group, each), permission=WRITE, summary=f"Change the {kind} setting {each.title}"),
            ]
        return found

    async def show_all(self, group: str, settings: Sequence[Setting], call: Call) -> Reply:
        """Each setting with its title, what it does, and whether it is on."""
        page = offset_page(call)
        values = await self._database.read(section, call.caller.tenant_id, group)
        shown = [
            {"name": each.name, "title": each.title, "description": each.description, "enabled": whole(each, values.get(each.name, {}))["enabled"]}
            for each in settings
        ]
        return json_reply({"result": shown[page.offset : page.offset + page.limit]})

    async def show(self, group: str, setting: Setting, call: Call) -> Reply:
        """The whole setting."""
        values = await self._database.read(section, call.caller.tenant_id, group)
        return json_reply(whole(setting, values.get(setting.name, {})))

    async def change(self, group: str, setting: Setting, call: Call) -> Reply:
        """The whole setting as it is now; what is not given stays."""
        given = read_setting(setting, call.json(), closed=setting is EMBEDDING)
        return json_reply(whole(setting, await self._database.run(_change, call, group, setting.name, given)))


def _change(txn: Txn, call: Call, group: str, name: str, given: Values) -> Values:
    after = change_setting(txn, call.caller.tenant_id, group, name, given, now_s=call.now_s)
    record_act(
        txn, call.caller.tenant_id, actor=call.caller.user_id or call.caller.credential_id, action=f"{group}.change", resource=name,
        change=given, source=call.remote or None, request_id=call.request_id or None, happened_at=call.now_s,
    )
    return after
