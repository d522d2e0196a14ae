from scaisend.faults import Invalid, NotFound
from scaisend.http.route import Route
from scaisend.suppressions.groups_api import GroupsApi
from tests.suppressions.routing import RoutedTestCase
from tests.world.inline_database import InlineDatabase

GROUPS = "/v3/asm/groups"
LEFT = "/v3/asm/suppressions"


class GroupsApiTests(RoutedTestCase):
    def routes(self, database: InlineDatabase) -> list[Route]:
        return GroupsApi(database=database).routes()

    def made(self, name: str = "News", **more: object) -> int:
        status, group = self.ask("POST", GROUPS, {"name": name, **more})
        self.assertEqual(status, 201)
        number: int = group["id"]
        return number

    def test_life_of_a_group(self) -> None:
        """201 when made and, as at SendGrid, when changed; the id is an integer; 204 when deleted, and its number is not given again."""
        status, group = self.ask("POST", GROUPS, {"name": "News", "description": "All of it", "is_default": True})
        self.assertEqual((status, sorted(group), group["is_default"], type(group["id"])), (201, ["description", "id", "is_default", "name"], True, int))
        path = f"{GROUPS}/{group['id']}"
        self.assertEqual(self.ask("GET", path), (200, {**group, "unsubscribes": 0, "last_email_sent_at": None}))
        self.assertEqual(self.ask("PATCH", path, {"name": "Letters"}), (201, {**group, "name": "Letters"}))
        other = self.made("Deals", is_default=True)
        self.assertEqual([each["is_default"] for each in self.ask("GET", GROUPS)[1]], [False, True])
        self.assertEqual([each["id"] for each in self.ask("GET", f"{GROUPS}?id={other}&id=x")[1]], [other])
        self.ask("POST", f"{path}/suppressions", {"recipient_emails": ["a@x.test"]})
        self.assertEqual(self.ask("DELETE", path), (204, None))
        with self.assertRaises(NotFound):
            self.ask("DELETE", path)
        self.assertEqual(self.database.rows("SELECT * FROM asm_suppressions"), [])
        self.assertEqual(self.ask("DELETE", f"{GROUPS}/{other}")[0], 204)
        self.at += 2
        self.assertNotIn(self.made(), (group["id"], other))

    def test_what_is_refused(self) -> None:
        """Names are unique, 1 to 30 characters; descriptions have at most 100; wrong types are told with their field."""
        number = self.made("News")
        self.made("Deals")
        for body, field in (
            ({"name": "News"}, "name"), ({}, "name"), ({"name": ""}, "name"), ({"name": " "}, "name"), ({"name": "x" * 31}, "name"),
            ({"name": "A", "description": "x" * 101}, "description"), ({"name": "A", "is_default": 1}, "is_default"),
        ):
            with self.assertRaises(Invalid) as caught:
                self.ask("POST", GROUPS, body)
            self.assertEqual(caught.exception.faults[0].field, field)
        with self.assertRaises(Invalid):
            self.ask("PATCH", f"{GROUPS}/{number}", {"name": "Deals"})
        self.assertEqual(self.ask("PATCH", f"{GROUPS}/{number}", {"name": "News"})[0], 201)
        for path in (f"{GROUPS}/x", f"{GROUPS}/0", f"{GROUPS}/99999999999999", f"{GROUPS}/-1", f"{GROUPS}/0/suppressions"):
            with self.assertRaises(NotFound):
                self.ask("GET", path)

    def test_members(self) -> None:
        """Addresses leave, are found and come back; answers are bare arrays, addresses as they were given."""
        number = self.made()
        path = f"{GROUPS}/{number}/suppressions"
        self.assertEqual(self.ask("POST", path, {"recipient_emails": ["Ann@X.test", "bob@x.test"]}), (201, {"recipient_emails": ["Ann@X.test", "bob@x.test"]}))
        self.ask("POST", path, {"recipient_emails": ["ann@x.test"]})
        self.assertEqual(self.ask("GET", path), (200, ["ann@x.test", "bob@x.test"]))
        self.assertEqual(self.ask("POST", f"{path}/search", {"recipient_emails": ["ANN@x.test", "joe@x.test"]}), (200, ["ANN@x.test"]))
        self.assertEqual(self.ask("GET", f"{GROUPS}/{number}")[1]["unsubscribes"], 2)
        (first, _) = self.ask("GET", LEFT)[1]
        self.assertEqual(first, {"email": "ann@x.test", "group_id": number, "group_name": "News", "created_at": int(self.at)})
        self.assertEqual(len(self.ask("GET", f"{LEFT}?limit=1&offset=1")[1]), 1)
        shown = self.ask("GET", f"{LEFT}/ANN%40x.test")[1]["suppressions"]
        self.assertEqual([(each["id"], each["suppressed"]) for each in shown], [(number, True)])
        self.assertFalse(self.ask("GET", f"{LEFT}/joe@x.test")[1]["suppressions"][0]["suppressed"])
        for _ in range(2):
            self.assertEqual(self.ask("DELETE", f"{path}/ANN@x.test"), (204, None))
        self.assertEqual(self.ask("GET", path), (200, ["bob@x.test"]))
        for body in ({}, {"recipient_emails": []}, {"recipient_emails": ["x"]}, {"recipient_emails": "a@x.test"}):
            with self.assertRaises(Invalid):
                self.ask("POST", path, body)

    def test_global_is_no_address(self) -> None:
        """`global` in the path is the global list; absent addresses are `{}` and 204."""
        self.made()
        path = f"{LEFT}/global"
        self.assertEqual(self.ask("POST", path, {"recipient_emails": ["Ann@x.test"]}), (201, {"recipient_emails": ["Ann@x.test"]}))
        self.assertEqual(self.ask("GET", f"{path}/ANN@x.test"), (200, {"recipient_email": "ann@x.test"}))
        self.assertEqual(self.ask("GET", f"{path}/joe@x.test"), (200, {}))
        self.assertEqual(self.ask("GET", path), (200, [{"created": int(self.at), "email": "ann@x.test"}]))
        for _ in range(2):
            self.assertEqual(self.ask("DELETE", f"{path}/ann@x.test"), (204, None))
        self.assertEqual(self.ask("GET", f"{path}/ann@x.test"), (200, {}))

    def test_another_tenant(self) -> None:
        """Another tenant's group is not there, by any method, and nothing of it changes."""
        number = self.made()
        path = f"{GROUPS}/{number}"
        self.ask("POST", f"{path}/suppressions", {"recipient_emails": ["a@x.test"]})
        emails = {"recipient_emails": ["a@x.test"]}
        for method, target, body in (
            ("GET", path, None), ("PATCH", path, {"name": "Mine"}), ("DELETE", path, None), ("GET", f"{path}/suppressions", None),
            ("POST", f"{path}/suppressions", emails), ("POST", f"{path}/suppressions/search", emails), ("DELETE", f"{path}/suppressions/a@x.test", None),
        ):
            with self.assertRaises(NotFound):
                self.ask(method, target, body, tenant=self.other.id)
        self.assertEqual(self.ask("GET", GROUPS, tenant=self.other.id), (200, []))
        self.assertEqual(self.ask("GET", LEFT, tenant=self.other.id), (200, []))
        self.assertEqual(self.ask("GET", f"{path}/suppressions"), (200, ["a@x.test"]))

    def test_permissions(self) -> None:
        """Reading and changing ask for their permissions; a search reads."""
        for route in self.routes(self.database):
            reads = route.method == "GET" or route.path.endswith("/search")
            self.assertEqual(route.permission, "suppressions.read" if reads else "suppressions.write", route.path)
