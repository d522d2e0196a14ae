from dataclasses import replace

from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.identity.roles_api import RolesApi
from scaisend.identity.standing_store import granted_to_user
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator, make_a_group, make_a_user
from tests.world.routed import RoutedTestCase

ROLES, MAPPINGS = "/api/admin/roles", "/api/admin/group-mappings"


class RolesApiTests(RoutedTestCase):
    scopes = ("admin.users", "mail.send", "stats.read")

    def routes(self, database: InlineDatabase) -> list[Route]:
        return RolesApi(database=database, ids=self.ids).routes()

    def make(self, name: str = "senders", *permissions: str, **more: str) -> str:
        status, answer = self.ask("POST", ROLES, {"name": name, "permissions": permissions or ("mail.send",)}, **more)
        self.assertEqual(status, 201, answer)
        return str(answer["data"]["id"])

    def epoch(self) -> int:
        return self.database.now(identity_epoch)

    def actions(self) -> list[str]:
        return [act.action for act in self.database.now(acts, self.tenant.id, before=None, most=50)]

    def test_crud(self) -> None:
        """A role is made, shown by id and name, changed and deleted; each leaves a row in the audit log and counts the epoch up."""
        before = self.epoch()
        role_id = self.make()
        for name in (role_id, "senders"):
            found = self.ask("GET", f"{ROLES}/{name}")[1]["data"]
            self.assertEqual((found["id"], found["permissions"], found["is_default"]), (role_id, ["mail.send"], False))
        changed = self.ask("PATCH", f"{ROLES}/{role_id}", {"permissions": ["mail.send", "stats.read"]})[1]["data"]
        self.assertEqual((changed["name"], changed["permissions"]), ("senders", ["mail.send", "stats.read"]))
        self.assertEqual(self.ask("DELETE", f"{ROLES}/senders")[0], 204)
        self.assertEqual(self.ask("GET", f"{ROLES}/{role_id}")[0], 404)
        self.assertEqual(self.actions(), ["role.delete", "role.change", "role.create"])
        self.assertEqual(self.epoch(), before + 3)

    def test_pages(self) -> None:
        """The list goes on where the last page ended."""
        first = self.ask("GET", f"{ROLES}?limit=2")[1]
        second = self.ask("GET", f"{ROLES}?limit=2&after={first['next']}")[1]
        self.assertEqual([each["name"] for each in first["data"] + second["data"]], ["admin", "developer", "viewer"])
        self.assertIsNone(second["next"])

    def test_faults(self) -> None:
        """Wrong bodies are refused with the fields that are wrong; a second role of one name is a conflict."""
        self.assertEqual(self.fields(self.ask("POST", ROLES, {"name": "", "permissions": ["x", "mail.send"]})), ["name", "permissions.0"])
        self.assertEqual(self.fields(self.ask("POST", ROLES, {})), ["name", "permissions"])
        self.assertEqual(self.fields(self.ask("PATCH", f"{ROLES}/viewer", {"name": None, "is_default": True})), ["is_default", "name"])
        self.make()
        self.assertEqual(self.ask("POST", ROLES, {"name": "senders", "permissions": []})[0], 409)

    def test_default_roles_stay(self) -> None:
        """Nobody can lock all others out by emptying or deleting a default role."""
        self.assertEqual(self.ask("PATCH", f"{ROLES}/admin", {"permissions": []})[0], 409)
        self.assertEqual(self.ask("DELETE", f"{ROLES}/admin")[0], 409)

    def test_nobody_gives_what_it_has_not(self) -> None:
        """A role with more than its maker has cannot be made, widened, given or mapped: 403."""
        user_id = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        group_id = make_a_group(self.database, self.ids, self.tenant.id, "staff")
        role_id = self.make()
        self.assertEqual(self.ask("POST", ROLES, {"name": "more", "permissions": ["domains.write"]})[0], 403)
        self.assertEqual(self.ask("PATCH", f"{ROLES}/{role_id}", {"permissions": ["mail.send", "admin.api_keys"]})[0], 403)
        self.assertEqual(self.ask("POST", f"/api/admin/users/{user_id}/roles/admin")[0], 403)
        self.assertEqual(self.ask("POST", MAPPINGS, {"group_id": group_id, "role_id": "admin"})[0], 403)
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, user_id), frozenset())

    def test_a_role_is_given_and_taken(self) -> None:
        """The user, by our id or the provider's, has the role's permissions at once, and loses them at once."""
        user_id = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        self.make()
        before = self.epoch()
        for _ in range(2):
            self.assertEqual(self.ask("POST", "/api/admin/users/ann/roles/senders")[0], 200)
        self.assertEqual(self.epoch(), before + 1)
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, user_id), {"mail.send"})
        self.assertEqual(self.ask("DELETE", f"/api/admin/users/{user_id}/roles/senders")[0], 204)
        self.assertEqual(self.ask("DELETE", f"/api/admin/users/{user_id}/roles/senders")[0], 404)
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, user_id), frozenset())
        self.assertEqual(self.actions()[:2], ["user.take_role", "user.give_role"])

    def test_a_group_is_mapped(self) -> None:
        """Members of a mapped group have its role, and so have those of the groups inside it, but not those of the group around it."""
        inner, outer, other = (make_a_user(self.database, self.ids, self.tenant.id, name) for name in ("ann", "bob", "cee"))
        around = make_a_group(self.database, self.ids, self.tenant.id, "around", members=(other,))
        staff = make_a_group(self.database, self.ids, self.tenant.id, "staff", parent_id=around, members=(outer,))
        make_a_group(self.database, self.ids, self.tenant.id, "inside", parent_id=staff, members=(inner,))
        role_id = self.make()
        self.assertEqual(self.ask("POST", MAPPINGS, {"group_id": "ext-staff", "role_id": "senders"})[0], 201)
        granted = [bool(self.database.now(granted_to_user, self.tenant.id, each)) for each in (inner, outer, other)]
        self.assertEqual(granted, [True, True, False])
        shown = {"group_id": staff, "group": "staff", "role_id": role_id, "role": "senders"}
        self.assertEqual(self.ask("GET", MAPPINGS)[1], {"data": [shown], "next": None})
        page = self.ask("GET", f"{MAPPINGS}?limit=1")[1]
        self.assertEqual(self.ask("GET", f"{MAPPINGS}?limit=1&after={page['next']}")[1], {"data": [], "next": None})
        self.assertEqual(self.ask("DELETE", f"{MAPPINGS}/{staff}/{role_id}")[0], 204)
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, inner), frozenset())

    def test_a_deleted_role_is_had_by_nobody(self) -> None:
        """Deleting a role takes it from users and groups; one of the same name made later is another role."""
        user_id = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        staff = make_a_group(self.database, self.ids, self.tenant.id, "staff", members=(user_id,))
        self.make()
        self.ask("POST", f"/api/admin/users/{user_id}/roles/senders")
        self.ask("POST", MAPPINGS, {"group_id": staff, "role_id": "senders"})
        self.ask("DELETE", f"{ROLES}/senders")
        self.make()
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, user_id), frozenset())

    def test_another_tenants_things_are_not_there(self) -> None:
        """Roles, users and groups of another tenant answer as unknown ones do, in every place and in every mixture."""
        mine = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        make_a_user(self.database, self.ids, self.other.id, "eve")
        make_a_group(self.database, self.ids, self.other.id, "theirs")
        role_id = self.make(tenant=self.other.id)
        self.make("own")
        unknown = self.ask("GET", f"{ROLES}/rol_x")
        for method, body in (("GET", None), ("PATCH", {"name": "z"}), ("DELETE", None)):
            self.assertEqual(self.ask(method, f"{ROLES}/{role_id}", body), unknown)
        for target in (f"{mine}/roles/{role_id}", "eve/roles/own", f"eve/roles/{role_id}", "é/roles/own"):
            for method in ("POST", "DELETE"):
                self.assertEqual(self.ask(method, f"/api/admin/users/{target}")[0], 404, target)
        self.assertEqual(self.ask("POST", MAPPINGS, {"group_id": "ext-theirs", "role_id": "own"})[0], 404)
        self.assertEqual(self.ask("DELETE", f"{MAPPINGS}/ext-theirs/own")[0], 404)
        for target in (ROLES, f"{ROLES}/{role_id}", MAPPINGS):
            self.assertEqual(self.ask("GET", f"{target}?tenant_id={self.other.id}")[0], 404)
        self.assertEqual(self.ask("POST", f"{ROLES}?tenant_id={self.other.id}", {"name": "n", "permissions": []})[0], 404)

    def test_views(self) -> None:
        """A super admin names any tenant, a partner admin one of its partner's; neither goes without naming one."""
        above, partner = administrator(""), administrator(self.tenant.partner_id, PARTNER_ADMIN)
        for who in (above, partner):
            self.assertEqual(self.fields(self.ask("GET", ROLES, caller=who)), ["tenant_id"])
            self.assertEqual(self.ask("GET", f"{ROLES}?tenant_id={self.tenant.id}", caller=who)[0], 200)
        self.assertEqual(self.ask("GET", f"{ROLES}?tenant_id={self.other.id}", caller=above)[0], 200)
        self.assertEqual(self.ask("GET", f"{ROLES}?tenant_id={self.other.id}", caller=partner)[0], 404)
        made = self.ask("POST", f"{ROLES}?tenant_id={self.tenant.id}", {"name": "n", "permissions": ["domains.write"]}, caller=partner)
        self.assertEqual((made[0], made[1]["data"]["tenant_id"]), (201, self.tenant.id))

    def test_the_permission(self) -> None:
        """Every route asks for admin.users."""
        weak = replace(self.callers[self.tenant.id], permissions=frozenset(("mail.send", "admin.settings")))
        for route in self.routes(self.database):
            target = route.path.replace("<role>", "admin").replace("<user_id>", "u").replace("<group_id>", "g")
            self.assertEqual(self.ask(route.method, target, {}, caller=weak)[0], 403)
