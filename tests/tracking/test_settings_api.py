from scaisend.http.route import Route
from scaisend.tracking.settings_api import SettingsApi
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase


class SettingsApiTests(RoutedTestCase):
    scopes = ("admin.settings",)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return SettingsApi(database=database).routes()

    def test_settings_are_kept(self) -> None:
        """A PATCH answers the whole setting, changes what it gives and nothing else, and no other tenant's."""
        path = "/v3/mail_settings/footer"
        self.assertEqual(self.ask("PATCH", path, {"enabled": True, "plain_content": "bye"}), (200, {"enabled": True, "html_content": "", "plain_content": "bye"}))
        self.assertEqual(self.ask("PATCH", path, {"html_content": "<b>"})[1], {"enabled": True, "html_content": "<b>", "plain_content": "bye"})
        self.ask("PATCH", "/v3/tracking_settings/open", {"enabled": False})
        self.assertEqual(self.ask("GET", path)[1]["plain_content"], "bye")
        self.assertEqual(self.ask("GET", path, tenant=self.other.id)[1], {"enabled": False, "html_content": "", "plain_content": ""})
        self.assertEqual(self.ask("GET", "/v3/tracking_settings/open", tenant=self.other.id)[1], {"enabled": True})
        self.assertEqual(self.fields(self.ask("PATCH", path, {"enabled": 1})), ["enabled"])

    def test_image_embed_mode(self) -> None:
        """Ours: read and changed as the others are, refused where it is none of the modes, and not in SendGrid's list of what is on."""
        path = "/v3/tracking_settings/image_embed_mode"
        self.assertEqual(self.ask("GET", path), (200, {"mode": "proxy"}))
        self.assertEqual(self.ask("PATCH", path, {"mode": "cid"}), (200, {"mode": "cid"}))
        self.assertEqual(self.ask("GET", path, tenant=self.other.id), (200, {"mode": "proxy"}))
        self.assertEqual(self.fields(self.ask("PATCH", path, {"mode": "inline"})), ["mode"])
        self.assertNotIn("image_embed_mode", [each["name"] for each in self.ask("GET", "/v3/tracking_settings")[1]["result"]])

    def test_lists(self) -> None:
        """Every setting with a title and whether it is on; they page."""
        self.ask("PATCH", "/v3/mail_settings/footer", {"enabled": True})
        found = self.ask("GET", "/v3/mail_settings")[1]["result"]
        self.assertEqual([each["name"] for each in found if each["enabled"]], ["footer"])
        self.assertEqual([each["name"] for each in self.ask("GET", "/v3/tracking_settings?limit=2&offset=1")[1]["result"]], ["google_analytics", "open"])
        self.assertEqual(self.fields(self.ask("GET", "/v3/tracking_settings?limit=x")), ["limit"])

    def test_who_may(self) -> None:
        """SendGrid's read scopes read and do not write; a key without them does neither."""
        reader, sender = self.caller(self.tenant.id, "mail_settings.footer.read"), self.caller(self.tenant.id, "mail.send")
        self.assertEqual(self.ask("GET", "/v3/mail_settings/footer", caller=reader)[0], 200)
        self.assertEqual(self.ask("PATCH", "/v3/mail_settings/footer", {}, caller=reader)[0], 403)
        self.assertEqual(self.ask("GET", "/v3/tracking_settings", caller=reader)[0], 403)
        self.assertEqual(self.ask("GET", "/v3/mail_settings", caller=sender)[0], 403)
