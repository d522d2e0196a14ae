from scaisend.http.route import Route
from scaisend.identity.account_api import AccountApi
from scaisend.identity.permissions import permissions_of
from tests.world.inline_database import InlineDatabase
from tests.world.routed import RoutedTestCase


class AccountApiTests(RoutedTestCase):
    scopes = ("admin.settings",)

    def routes(self, database: InlineDatabase) -> list[Route]:
        return AccountApi(database=database).routes()

    def test_account(self) -> None:
        """The account is a paid one of full reputation, and nothing limits what it sends."""
        self.assertEqual(self.ask("GET", "/v3/user/account"), (200, {"type": "paid", "reputation": 100}))
        found = self.ask("GET", "/v3/user/credits")[1]
        self.assertEqual((found["remain"], found["used"]), (found["total"], 0))

    def test_profile(self) -> None:
        """The profile has all of SendGrid's fields, with the tenant's name as the company until another is set; it is the tenant's own."""
        profile = self.ask("GET", "/v3/user/profile")[1]
        fields = "address address2 city company country first_name last_name phone state website zip"
        self.assertEqual((" ".join(sorted(profile)), profile["company"]), (fields, "Acme"))
        self.assertEqual(self.ask("PATCH", "/v3/user/profile", {"city": "Ghent", "other": 1}), (200, {**profile, "city": "Ghent"}))
        self.assertEqual(self.ask("PATCH", "/v3/user/profile", {"company": "Acme NV"})[1]["city"], "Ghent")
        self.assertEqual(self.ask("GET", "/v3/user/profile", tenant=self.other.id)[1]["city"], "")
        self.assertEqual(self.fields(self.ask("PATCH", "/v3/user/profile", {"city": 1})), ["city"])

    def test_name_and_address(self) -> None:
        """Both may be set; the number stays, and differs from another tenant's."""
        before = self.ask("GET", "/v3/user/username")[1]
        self.assertEqual(before["username"], "Acme")
        self.assertEqual(self.ask("PUT", "/v3/user/username", {"username": "acme"}), (200, {"username": "acme"}))
        self.assertEqual(self.ask("GET", "/v3/user/username")[1], {"username": "acme", "user_id": before["user_id"]})
        self.assertNotEqual(self.ask("GET", "/v3/user/username", tenant=self.other.id)[1]["user_id"], before["user_id"])
        self.assertEqual(self.ask("GET", "/v3/user/email")[1], {"email": ""})
        self.assertEqual(self.ask("PUT", "/v3/user/email", {"email": "me@acme.example"}), (200, {"email": "me@acme.example"}))
        self.assertEqual(self.ask("GET", "/v3/user/email")[1], {"email": "me@acme.example"})
        for body in ({}, {"email": ""}, {"email": "x"}, {"email": 1}):
            self.assertEqual(self.fields(self.ask("PUT", "/v3/user/email", body)), ["email"])

    def test_enforced_tls(self) -> None:
        """It cannot be enforced for one tenant, and nobody is told otherwise; what is no version is refused."""
        path = "/v3/user/settings/enforced_tls"
        off = {"require_tls": False, "require_valid_cert": False, "version": 1.2}
        self.assertEqual(self.ask("GET", path), (200, off))
        self.assertEqual(self.ask("PATCH", path, {"require_tls": False, "version": 1.3}), (200, off))
        self.assertEqual(self.fields(self.ask("PATCH", path, {"require_tls": True})), ["require_tls"])
        self.assertEqual(self.fields(self.ask("PATCH", path, {"require_valid_cert": None, "version": True})), ["require_valid_cert", "version"])

    def test_probes_tell_a_restricted_key(self) -> None:
        """A key that may only send is forbidden here; one with SendGrid's scope or our admin.settings is not, but for changes."""
        for route in self.routes(self.database):
            allowed = {route.permission} if isinstance(route.permission, str) else set(route.permission or ())
            scope = route.path.removeprefix("/v3/").replace("/", ".") + ".read"
            self.assertFalse(allowed & permissions_of(["mail.send"]))
            self.assertEqual(bool(allowed & permissions_of([scope])), route.method == "GET", scope)
            self.assertTrue(allowed & permissions_of(["admin.settings"]))
