"""What the identity provider and its people change counts on the next request, in every process: two APIs on MariaDB."""

import json
import time
from typing import Any

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import call
from tests.world.mariadb import private_mariadb
from tests.world.redis_server import redis_server
from tests.world.scaikey import Scaikey, Trouble


class TwoProcessesTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.provider, self.sink = Scaikey(page=2), CountingSink()
        self.addCleanup(self.provider.close)
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port, mariadb=private_mariadb(), redis=redis_server(), **self.provider.stands())
        self.addCleanup(self.house.close)
        self.provider.lists = {
            "partners": [{"id": f"p{n}", "name": f"Partner {n}", "status": "ACTIVE"} for n in (1, 2)],
            "tenants": [{"id": f"t{n}", "name": f"Tenant {n}", "slug": f"s{n}", "partner_id": f"p{n}", "status": "ACTIVE"} for n in (1, 2)],
            "users": [{"id": f"u{n}", "email": f"u{n}@example.org", "tenant_id": f"t{1 + n % 2}", "status": "ACTIVE"} for n in range(5)],
            "groups": [
                {"id": "inner", "name": "Inner", "tenant_id": "t1", "parent_id": "outer", "inside": ["u0", "u2", "u4"]},
                {"id": "outer", "name": "Outer", "tenant_id": "t1", "members": []},
            ],
        }
        self.house.command("sync", "--full", "--create-roles")
        for name in ("api", "api2"):
            self.house.start(name, "api")
        self.root = self.provider.jwt("root", role="super_admin")
        self.ann = self.provider.jwt("u0", tenant_id="t1")

    def ask(self, name: str, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
        status, content = call(self.house.url(name), method, path, token, body)
        return status, json.loads(content) if content else None

    def may(self, token: str, path: str = "/v3/templates") -> list[int]:
        """What the person is answered by both processes."""
        return [self.ask(name, "GET", path, token)[0] for name in ("api2", "api", "api2")]

    def event(self, kind: str, **more: object) -> None:
        self.assertEqual(self.provider.post_event(self.house.url("api"), kind, **more), 200)

    def test_roles_and_nested_groups(self) -> None:
        """A role given directly, and one of the group around one's group; taken again; the other tenant's people have neither."""
        self.assertEqual(self.may(self.ann), [403] * 3)
        mappings = "/api/admin/group-mappings"
        status, answer = self.ask("api", "POST", f"{mappings}?tenant_id=t1", self.root, {"group_id": "outer", "role_id": "developer"})
        self.assertEqual(status, 201, answer)
        self.assertEqual((self.may(self.ann), self.may(self.provider.jwt("u1", tenant_id="t2"))), ([200] * 3, [403] * 3))
        self.event("group.member_removed", at=time.time() + 1, tenant_id="t1", resource={"id": "inner"}, data={"user_id": "u0"})
        self.assertEqual(self.may(self.ann), [403] * 3)
        self.event("group.member_added", at=time.time() + 2, tenant_id="t1", resource={"id": "inner"}, data={"user_id": "u0"})
        self.assertEqual(self.may(self.ann), [200] * 3)
        self.assertEqual(self.ask("api2", "DELETE", f"{mappings}/outer/developer?tenant_id=t1", self.root)[0], 204)
        self.assertEqual(self.may(self.ann), [403] * 3)
        self.assertEqual(self.ask("api2", "POST", "/api/admin/users/u0/roles/viewer?tenant_id=t1", self.root)[0], 200)
        self.assertEqual(self.may(self.ann), [200] * 3)
        self.assertEqual(self.ask("api", "DELETE", "/api/admin/users/u0/roles/viewer?tenant_id=t1", self.root)[0], 204)
        self.assertEqual(self.may(self.ann), [403] * 3)

    def test_a_role_that_changes(self) -> None:
        """Made, given, widened, narrowed and deleted at one process, it counts at the other on the next request."""
        roles = "/api/admin/roles"
        self.assertEqual(self.ask("api", "POST", f"{roles}?tenant_id=t1", self.root, {"name": "writer", "permissions": ["stats.read"]})[0], 201)
        self.assertEqual(self.ask("api", "POST", "/api/admin/users/u0/roles/writer?tenant_id=t1", self.root)[0], 200)
        self.assertEqual(self.may(self.ann), [403] * 3)
        for permissions, expected in ((["templates.read"], 200), (["stats.read"], 403), (["templates.read"], 200)):
            self.assertEqual(self.ask("api", "PATCH", f"{roles}/writer?tenant_id=t1", self.root, {"permissions": permissions})[0], 200)
            self.assertEqual(self.may(self.ann), [expected] * 3)
        self.assertEqual(self.ask("api", "DELETE", f"{roles}/writer?tenant_id=t1", self.root)[0], 204)
        self.assertEqual(self.may(self.ann), [403] * 3)

    def test_suspensions(self) -> None:
        """Of a user, its tenant, its partner: refused by both processes on the next request, and let in again when activated."""
        admin, key = self.provider.jwt("u2", tenant_id="t1", role="tenant_admin"), ""
        status, answer = self.ask("api", "POST", "/v3/api_keys", admin, {"name": "k", "scopes": ["templates.read"]})
        self.assertEqual(status, 201, answer)
        key = answer["api_key"]
        for noun, an_id, of_the_key in (("user", "u2", 200), ("tenant", "t1", 403), ("partner", "p1", 403)):
            at = time.time()
            self.event(f"{noun}.suspended", resource={"id": an_id}, data={"updated_at": at + 1})
            self.assertEqual((self.may(admin), self.may(key)), ([403] * 3, [of_the_key] * 3), noun)
            self.event(f"{noun}.activated", resource={"id": an_id}, data={"updated_at": at + 2})
            self.assertEqual((self.may(admin), self.may(key)), ([200] * 3, [200] * 3), noun)

    def test_three_views(self) -> None:
        """A tenant's admin, a partner's, and a super admin see what is theirs, page by page, and no more."""
        views = {
            "tenant": (self.provider.jwt("u2", tenant_id="t1", role="tenant_admin"), ["t1"], ["p1"], {"u0", "u2", "u4"}),
            "partner": (self.provider.jwt("pat", partner_id="p1", role="partner_admin"), ["t1"], ["p1"], {"u0", "u2", "u4", "pat"}),
            "super": (self.root, ["t1", "t2"], ["p1", "p2"], {"u0", "u1", "u2", "u3", "u4", "root"}),
        }
        for name, (token, tenants, partners, users) in views.items():
            seen = {noun: self._all(f"/api/admin/{noun}", token) for noun in ("tenants", "partners", "users")}
            self.assertEqual(sorted(each for each in seen["tenants"] if each), tenants, name)
            self.assertEqual(sorted(each for each in seen["partners"] if each), partners, name)
            self.assertTrue(users <= set(seen["users"]), (name, seen))
            self.assertEqual("u1" in seen["users"], name == "super")
            self.assertEqual(self.ask("api", "GET", "/api/admin/tenants/t2", token)[0], 200 if name == "super" else 404)
            self.assertEqual(self.ask("api", "GET", "/api/admin/audit-log?tenant_id=t2", token)[0], 200 if name == "super" else 404)
            self.assertEqual(self.ask("api", "GET", "/api/admin/audit-log", token)[0], 200)

    def test_the_same_event_at_both_processes(self) -> None:
        """It counts once; a sync that was interrupted goes on here too."""
        answers = {self.provider.post_event(self.house.url(name), "user.suspended", event_id="once", data={"id": "u0"}) for name in ("api", "api2")}
        self.assertEqual(answers, {200, 409})
        self.provider.troubles = [Trouble("/api/v1/admin/groups", 400)]
        with self.assertRaises(AssertionError):
            self.house.command("sync", "--full")
        self.assertTrue(self.house.command_json("sync", "--full")["resumed"])

    def _all(self, path: str, token: str) -> list[str]:
        found, after = [], ""
        while True:
            status, answer = self.ask("api2", "GET", f"{path}?limit=2{after}", token)
            self.assertEqual(status, 200, answer)
            found += [each["external_id"] for each in answer["data"]]
            if answer["next"] is None:
                return found
            after = f"&after={answer['next']}"
