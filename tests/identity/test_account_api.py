import json

from scaisend.identity.account_api import AccountApi
from scaisend.identity.permissions import permissions_of
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class AccountApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, ids = inline_database(), id_maker()
        tenant = make_a_tenant(self.database, ids, "Acme GmbH")
        self.caller = caller_with(self.database, make_a_key(self.database, ids, tenant.id, ["user.profile.read"]))
        self.api = AccountApi(database=self.database)

    def test_account(self) -> None:
        """The account is a paid one of full reputation."""
        self.assertEqual(json.loads(now(self, self.api.account(call_by(self.caller))).body), {"type": "paid", "reputation": 100})

    def test_profile(self) -> None:
        """The profile has all of SendGrid's fields, with the tenant's name as the company."""
        profile = json.loads(now(self, self.api.profile(call_by(self.caller))).body)
        fields = "address address2 city company country first_name last_name phone state website zip"
        self.assertEqual((" ".join(sorted(profile)), profile["company"]), (fields, "Acme GmbH"))

    def test_probes_tell_a_restricted_key(self) -> None:
        """A key that may only send is forbidden here; one with SendGrid's scope or our admin.settings is not."""
        for route in self.api.routes():
            allowed = set(route.permission or ())
            scope = route.path.removeprefix("/v3/").replace("/", ".") + ".read"
            self.assertFalse(allowed & permissions_of(["mail.send"]))
            self.assertTrue(allowed & permissions_of([scope]))
            self.assertTrue(allowed & permissions_of(["admin.settings"]))
