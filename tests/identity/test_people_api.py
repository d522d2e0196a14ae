from scaisend.http.route import Route
from scaisend.identity.members_store import set_members
from scaisend.identity.people_api import PeopleApi
from scaisend.identity.people_store import roles
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.identity.roles_store import give_role, map_group
from scaisend.identity.standing_store import granted_to_user
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator, make_a_group, make_a_user
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW

USERS, GROUPS = "/api/admin/users", "/api/admin/groups"


class PeopleApiTests(RoutedTestCase):
    scopes = ("admin.users",)

    def setUp(self) -> None:
        super().setUp()
        self.ann = make_a_user(self.database, self.ids, self.tenant.id, "ann")
        self.bob = make_a_user(self.database, self.ids, self.tenant.id, "bob", role="tenant_admin")
        self.eve = make_a_user(self.database, self.ids, self.other.id, "eve")
        self.pat = make_a_user(self.database, self.ids, None, "pat", role="partner_admin", partner_id=self.tenant.partner_id)
        self.roles = {role.name: role.id for role in self.database.now(roles, self.tenant.id)}

    def routes(self, database: InlineDatabase) -> list[Route]:
        return PeopleApi(database=database).routes()

    def ids_of(self, answer: tuple[int, dict]) -> list[str]:  # type: ignore[type-arg]
        self.assertEqual(answer[0], 200, answer)
        return [each["id"] for each in answer[1]["data"]]

    def test_views_of_users(self) -> None:
        """A tenant sees its people, a partner admin those of its partner and its tenants, a super admin all; one tenant when named."""
        partner, above = administrator(self.tenant.partner_id, PARTNER_ADMIN), administrator("")
        self.assertEqual(self.ids_of(self.ask("GET", USERS)), [self.ann, self.bob])
        self.assertEqual(self.ids_of(self.ask("GET", USERS, tenant=self.other.id)), [self.eve])
        self.assertEqual(self.ids_of(self.ask("GET", USERS, caller=partner)), [self.ann, self.bob, self.pat])
        self.assertEqual(self.ids_of(self.ask("GET", USERS, caller=above)), [self.ann, self.bob, self.eve, self.pat])
        self.assertEqual(self.ids_of(self.ask("GET", f"{USERS}?tenant_id={self.other.id}", caller=above)), [self.eve])
        self.assertEqual(self.ask("GET", f"{USERS}?tenant_id={self.other.id}", caller=partner)[0], 404)
        self.assertEqual(self.ask("GET", f"{USERS}?tenant_id={self.other.id}")[0], 404)

    def test_pages(self) -> None:
        """The list goes on where the last page ended."""
        first = self.ask("GET", f"{USERS}?limit=1")
        self.assertEqual(self.ids_of(first), [self.ann])
        self.assertEqual(self.ids_of(self.ask("GET", f"{USERS}?limit=1&after={first[1]['next']}")), [self.bob])
        self.assertEqual(self.fields(self.ask("GET", f"{USERS}?limit=0")), ["limit"])
        self.assertEqual(self.fields(self.ask("GET", f"{USERS}?after=%C3%A9")), ["after"])

    def test_effective_permissions(self) -> None:
        """A person shows its own roles, those of its groups and the groups around them, and what they give together; an admin all."""
        around = make_a_group(self.database, self.ids, self.tenant.id, "around")
        make_a_group(self.database, self.ids, self.tenant.id, "staff", parent_id=around, members=(self.ann,))
        self.database.now(give_role, self.tenant.id, self.ann, self.roles["viewer"], now_s=NOW)
        self.database.now(map_group, self.tenant.id, around, self.roles["developer"], now_s=NOW)
        found = self.ask("GET", f"{USERS}/ann")[1]["data"]
        self.assertEqual([[each["name"] for each in found[name]] for name in ("roles", "group_roles", "groups")], [["viewer"], ["developer"], ["staff"]])
        expected = {*(name for name in OURS if name.endswith(".read")), "mail.send", "mail.schedule"}
        self.assertEqual(set(found["permissions"]), expected)
        self.assertEqual(self.ask("GET", f"{USERS}/{self.bob}")[1]["data"]["permissions"], list(OURS))

    def test_groups_in_a_circle_end(self) -> None:
        """Groups nested in each other, and one that is not active, do no harm and give no more than they should."""
        first = make_a_group(self.database, self.ids, self.tenant.id, "first", members=(self.ann,))
        second = make_a_group(self.database, self.ids, self.tenant.id, "second", parent_id=first)
        make_a_group(self.database, self.ids, self.tenant.id, "first", parent_id=second)
        self.database.now(map_group, self.tenant.id, second, self.roles["developer"], now_s=NOW)
        self.assertIn("mail.send", self.database.now(granted_to_user, self.tenant.id, self.ann))
        make_a_group(self.database, self.ids, self.tenant.id, "second", status="suspended")
        self.assertEqual(self.database.now(granted_to_user, self.tenant.id, self.ann), frozenset())

    def test_groups(self) -> None:
        """Groups and their members, by our id or the provider's."""
        staff = make_a_group(self.database, self.ids, self.tenant.id, "staff", members=(self.ann, self.bob))
        self.assertEqual(self.ids_of(self.ask("GET", GROUPS)), [staff])
        self.assertEqual(self.ask("GET", f"{GROUPS}/ext-staff")[1]["data"]["name"], "staff")
        self.assertEqual(self.ids_of(self.ask("GET", f"{GROUPS}/{staff}/members?limit=1")), [self.ann])
        self.database.now(set_members, self.tenant.id, staff, [self.bob], at=NOW)
        self.assertEqual(self.ids_of(self.ask("GET", f"{GROUPS}/{staff}/members")), [self.bob])

    def test_another_tenants_people_are_not_there(self) -> None:
        """Users and groups of another tenant answer as unknown ones; a foreigner in a group's members is not shown."""
        theirs = make_a_group(self.database, self.ids, self.other.id, "theirs", members=(self.eve,))
        unknown = self.ask("GET", f"{USERS}/usr_x")
        for name in (self.eve, "eve", self.pat, "é", "'"):
            self.assertEqual(self.ask("GET", f"{USERS}/{name}"), unknown)
        for name in (theirs, "ext-theirs", f"{theirs}/members"):
            self.assertEqual(self.ask("GET", f"{GROUPS}/{name}"), self.ask("GET", f"{GROUPS}/grp_x"))
        own = make_a_group(self.database, self.ids, self.tenant.id, "own", members=(self.eve, self.ann))
        self.assertEqual(self.ids_of(self.ask("GET", f"{GROUPS}/{own}/members")), [self.ann])
        self.assertEqual(self.ids_of(self.ask("GET", GROUPS)), [own])
