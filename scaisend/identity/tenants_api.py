"""/api/admin/partners, /tenants and /permissions."""

from collections.abc import Callable, Mapping

from scaisend.faults import Fault
from scaisend.http.call import Call
from scaisend.http.reply import Reply, data_reply
from scaisend.http.route import Route, get, patch
from scaisend.identity.administration import named_tenant, page_of, page_reply, record
from scaisend.identity.people_store import Partner, Tenant, partner_within, partners, rename_tenant, tenants
from scaisend.identity.permissions import PERMISSIONS
from scaisend.identity.reach import ABOVE, reach_of
from scaisend.identity.settings_store import Values, change_setting, settings_across_tenants
from scaisend.shape import Reader, finish
from scaisend.storage.database import Database, Txn

READ = ("admin.users", "admin.settings", ABOVE)
WRITE = ("admin.settings", ABOVE)
LONGEST_NAME = 255
# What a tenant's settings are read by: section and setting to the values to store.
ReadSetting = Callable[[str, str, object, str], Values]
Changes = Mapping[tuple[str, str], Values]


class TenantsApi:
    """Partners and tenants as far as the caller sees.

    `read_setting(section, name, given, field)` is what sending knows of a tenant's settings: the values to store, or it
    raises Invalid with faults under `field`.
    """

    def __init__(self, *, database: Database, read_setting: ReadSetting) -> None:
        self._database = database
        self._read_setting = read_setting

    def routes(self) -> list[Route]:
        one = "/api/admin/tenants/<tenant_id>"
        return [
            get("/api/admin/partners", self.show_partners, permission=READ, summary="Partners that the caller sees"),
            get("/api/admin/partners/<partner_id>", self.show_partner, permission=READ, summary="One partner"),
            get("/api/admin/tenants", self.show_tenants, permission=READ, summary="Tenants that the caller sees"),
            get(one, self.show_tenant, permission=READ, summary="One tenant with its settings"),
            patch(one, self.change_tenant, permission=WRITE, summary="Change a tenant's name and settings"),
            get("/api/admin/permissions", self.show_permissions, permission=("admin.api_keys", *READ), summary="What can be allowed"),
        ]

    async def show_partners(self, call: Call) -> Reply:
        """Partners by id; who is of a tenant sees its own one."""
        after, most = page_of(call)
        found = await self._database.read(partners, partner_id=_partner_seen(call), after=after, most=most)
        return page_reply([_shown_partner(each) for each in found], found, most)

    async def show_partner(self, call: Call) -> Reply:
        """One of them."""
        return data_reply(_shown_partner(await self._database.read(partner_within, call.path["partner_id"], partner_id=_partner_seen(call))))

    async def show_tenants(self, call: Call) -> Reply:
        """Tenants by id; `?partner_id=` those of one partner."""
        after, most = page_of(call, "partner_id")
        found = await self._database.read(_tenants, call, after, most)
        return page_reply([_shown(each) for each in found], found, most)

    async def show_tenant(self, call: Call) -> Reply:
        """The tenant and what was set for it."""
        return data_reply(await self._database.run(_whole, call))

    async def change_tenant(self, call: Call) -> Reply:
        """The tenant as it is now; what is not given stays."""
        faults: list[Fault] = []
        reader = Reader(call.json(), faults)
        reader.refuse_unknown({"name", "settings"})
        name = reader.text("name", required=reader.has("name"), least=1, most=LONGEST_NAME)
        given = reader.object("settings")
        finish(faults)
        changes = self._changes(call.json()) if given is not None else {}
        return data_reply(await self._database.run(_change, call, name, changes))

    async def show_permissions(self, call: Call) -> Reply:
        """Each permission with its meaning."""
        return data_reply([{"name": each.name, "description": each.meaning} for each in PERMISSIONS])

    def _changes(self, body: object) -> Changes:
        """`settings` is an object of sections, each of settings by name. Raises: Invalid."""
        sections = body["settings"] if isinstance(body, dict) else {}
        faults: list[Fault] = []
        reader = Reader(sections, faults, "settings")
        named = {name: reader.object(name, required=True) for name in sections}
        finish(faults)
        return {
            (section, name): self._read_setting(section, name, value, f"settings.{section}.{name}")
            for section in named for name, value in sections[section].items()
        }


def _partner_seen(call: Call) -> str | None:
    reach = reach_of(call.caller)
    return call.caller.partner_id if reach.tenant_id is not None else reach.partner_id


def _tenants(txn: Txn, call: Call, after: str, most: int) -> list[Tenant]:
    reach = reach_of(call.caller)
    partner_id, wanted = reach.partner_id, call.one("partner_id")
    if wanted:
        partner_id = partner_within(txn, wanted, partner_id=_partner_seen(call)).id
    if reach.tenant_id is not None:
        own = named_tenant(txn, call, reach.tenant_id)
        return [own] if own.id > after else []
    return tenants(txn, partner_id=partner_id, after=after, most=most)


def _change(txn: Txn, call: Call, name: str | None, changes: Changes) -> dict[str, object]:
    before = named_tenant(txn, call, call.path["tenant_id"])
    change: dict[str, object] = {}
    if name is not None and name != before.name:
        rename_tenant(txn, before.id, name, now_s=call.now_s)
        change["name"] = {"before": before.name, "after": name}
    for (section, setting), values in changes.items():
        change_setting(txn, before.id, section, setting, values, now_s=call.now_s)
        change[f"{section}.{setting}"] = dict(values)
    if change:
        record(txn, call, before.id, action="tenant.change", resource=before.id, change=change)
    return _whole(txn, call)


def _whole(txn: Txn, call: Call) -> dict[str, object]:
    found = named_tenant(txn, call, call.path["tenant_id"])
    return {**_shown(found), "settings": settings_across_tenants(txn, (found.id,)).get(found.id, {})}


def _shown(each: Tenant) -> dict[str, object]:
    return {
        "id": each.id, "external_id": each.external_id, "partner_id": each.partner_id, "name": each.name, "slug": each.slug,
        "status": each.status, "created_at": each.created_at,
    }


def _shown_partner(each: Partner) -> dict[str, object]:
    return {"id": each.id, "external_id": each.external_id, "name": each.name, "status": each.status, "created_at": each.created_at}
