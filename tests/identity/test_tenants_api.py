from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.identity.tenants_api import TenantsApi
from scaisend.tracking.settings import read_named
from scaisend.tracking.tenant_settings_api import TenantSettingsApi
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator
from tests.world.routed import RoutedTestCase

TENANTS, PARTNERS = "/api/admin/tenants", "/api/admin/partners"


class TenantsApiTests(RoutedTestCase):
    scopes = ("admin.settings",)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return [*TenantsApi(database=database, read_setting=read_named).routes(), *TenantSettingsApi(database=database).routes()]

    def seen(self, path: str, **more: object) -> list[str]:
        status, answer = self.ask("GET", path, **more)  # type: ignore[arg-type]
        self.assertEqual(status, 200, answer)
        return [each["id"] for each in answer["data"]]

    def test_views(self) -> None:
        """A tenant sees itself and its partner, a partner admin its partner's tenants, a super admin all."""
        partner, above = administrator(self.tenant.partner_id, PARTNER_ADMIN), administrator("")
        both = [self.tenant.id, self.other.id]
        self.assertEqual(self.seen(TENANTS), both[:1])
        self.assertEqual(self.seen(TENANTS, caller=partner), both[:1])
        self.assertEqual(self.seen(TENANTS, caller=above), both)
        self.assertEqual(self.seen(f"{TENANTS}?partner_id={self.other.partner_id}", caller=above), both[1:])
        self.assertEqual(self.seen(PARTNERS), [self.tenant.partner_id])
        self.assertEqual(self.seen(PARTNERS, caller=partner), [self.tenant.partner_id])
        self.assertEqual(self.seen(PARTNERS, caller=above), [self.tenant.partner_id, self.other.partner_id])
        self.assertEqual(self.ask("GET", f"{PARTNERS}/{self.tenant.partner_id}")[0], 200)

    def test_pages(self) -> None:
        """The list goes on where the last page ended."""
        above = administrator("")
        for path, ids in ((TENANTS, [self.tenant.id, self.other.id]), (PARTNERS, [self.tenant.partner_id, self.other.partner_id])):
            first = self.ask("GET", f"{path}?limit=1", caller=above)[1]
            self.assertEqual((first["data"][0]["id"], first["next"]), (ids[0], ids[0]))
            self.assertEqual(self.seen(f"{path}?after={first['next']}", caller=above), ids[1:])

    def test_another_tenant_is_not_there(self) -> None:
        """Tenants and partners out of reach answer as unknown ones on every route, and stay unchanged."""
        partner = administrator(self.tenant.partner_id, PARTNER_ADMIN)
        for who in (None, partner):
            unknown = self.ask("GET", f"{TENANTS}/tnt_x", caller=who)
            self.assertEqual(unknown[0], 404)
            for path in (self.other.id, f"{self.other.id}/tracking", "é"):
                self.assertEqual(self.ask("GET", f"{TENANTS}/{path}", caller=who), unknown)
            self.assertEqual(self.ask("PATCH", f"{TENANTS}/{self.other.id}", {"name": "mine"}, caller=who), unknown)
            self.assertEqual(self.ask("PUT", f"{TENANTS}/{self.other.id}/tracking", {"open": {"enabled": False}}, caller=who), unknown)
            self.assertEqual(self.ask("GET", f"{PARTNERS}/{self.other.partner_id}", caller=who)[0], 404)
            self.assertEqual(self.ask("GET", f"{TENANTS}?partner_id={self.other.partner_id}", caller=who)[0], 404)
        found = self.ask("GET", f"{TENANTS}/{self.other.id}", tenant=self.other.id)[1]["data"]
        self.assertEqual((found["name"], found["settings"]), ("Other", {}))

    def test_change(self) -> None:
        """Name and settings change alone or together, and the audit log of that tenant says so."""
        one = f"{TENANTS}/{self.tenant.id}"
        self.assertEqual(self.ask("PATCH", one, {"name": "Acme NV"})[1]["data"]["name"], "Acme NV")
        given = {"mail_settings": {"footer": {"enabled": True, "plain_content": "Bye"}}, "tracking_settings": {"open": {"enabled": False}}}
        found = self.ask("PATCH", one, {"settings": given}, caller=administrator(self.tenant.partner_id, PARTNER_ADMIN))[1]["data"]
        self.assertEqual((found["name"], found["settings"]), ("Acme NV", given))
        done = self.database.now(acts, self.tenant.id, before=None, most=10)
        self.assertEqual([(act.actor[:4], act.action) for act in done], [("usr_", "tenant.change"), ("key_", "tenant.change")])
        self.assertEqual(done[1].change, {"name": {"before": "Acme", "after": "Acme NV"}})

    def test_faults(self) -> None:
        """What is no setting is refused with its path, and nothing is stored."""
        one = f"{TENANTS}/{self.tenant.id}"
        for body, fields in (
            ({"name": ""}, ["name"]), ({"name": None}, ["name"]), ({"status": "active"}, ["status"]), ({"settings": []}, ["settings"]),
            ({"settings": {"x": {"y": {}}}}, ["settings.x.y"]), ({"settings": {"mail_settings": 1}}, ["settings.mail_settings"]),
            ({"name": "no", "settings": {"tracking_settings": {"open": {"enabled": "x"}}}}, ["settings.tracking_settings.open.enabled"]),
        ):
            self.assertEqual(self.fields(self.ask("PATCH", one, body)), fields)
        self.assertEqual(self.ask("GET", one)[1]["data"]["name"], "Acme")

    def test_tracking(self) -> None:
        """GET shows all tracking settings with their defaults; PUT merges, and what it does not name stays."""
        one = f"{TENANTS}/{self.tenant.id}/tracking"
        before = self.ask("GET", one)[1]["data"]
        self.assertEqual(before.pop("image_embed_mode"), "proxy")
        self.assertEqual({name: each["enabled"] for name, each in before.items()}, {"open": True, "click": True, "subscription": False, "google_analytics": False})
        after = self.ask("PUT", one, {"click": {"enabled": False}})[1]["data"]
        self.assertEqual(after, {**before, "click": {**before["click"], "enabled": False}, "image_embed_mode": "proxy"})
        for given in ("cid", {"mode": "cid"}):
            self.assertEqual(self.ask("PUT", one, {"image_embed_mode": given})[1]["data"]["image_embed_mode"], "cid")
        self.assertEqual(self.fields(self.ask("PUT", one, {"image_embed_mode": "inline"})), ["image_embed_mode.mode"])
        self.assertEqual(self.fields(self.ask("PUT", one, {"image_embed_mode": 1})), ["image_embed_mode"])
        self.assertEqual(self.ask("PUT", one, {"click": {"enable_text": True}})[1]["data"]["click"], {"enabled": False, "enable_text": True})
        self.assertEqual(self.fields(self.ask("PUT", one, {"click": {"enabled": 1}, "x": {}})), ["click.enabled", "x"])
        self.assertEqual(self.ask("PUT", one, [])[0], 400)

    def test_permissions(self) -> None:
        """Every permission of ours with its meaning; asking needs a permission to administer something."""
        found = self.ask("GET", "/api/admin/permissions")[1]["data"]
        self.assertEqual([each["name"] for each in found], list(OURS))
        sender = self.caller(self.tenant.id, "mail.send")
        for path in ("/api/admin/permissions", TENANTS, PARTNERS, f"{TENANTS}/{self.tenant.id}/tracking"):
            self.assertEqual(self.ask("GET", path, caller=sender)[0], 403)
        self.assertEqual(self.ask("PATCH", f"{TENANTS}/{self.tenant.id}", {}, caller=self.caller(self.tenant.id, "admin.users"))[0], 403)
