"""sync against a provider on loopback."""

import json
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.base import PlainTestCase
from tests.world.program import Program, bare_environment, run_command, wait_until
from tests.world.scaikey import Scaikey, Trouble

OLD = "2026-01-01T00:00:00Z"


class SyncTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.provider = Scaikey(page=3)
        self.addCleanup(self.provider.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = bare_environment(DATA_DIR=str(self.folder / "data"), SMTP_HELO_HOSTNAME="mx.test", **self.provider.stands())
        self.provider.lists = {
            "partners": [{"id": "p1", "name": "Partner", "status": "ACTIVE", "updated_at": OLD}],
            "tenants": [{"id": f"t{n}", "name": f"Tenant {n}", "slug": f"s{n}", "partner_id": "p1", "status": "ACTIVE", "updated_at": OLD} for n in range(4)],
            "users": [{"id": f"u{n}", "email": f"u{n}@example.org", "tenant_id": f"t{n % 4}", "status": "ACTIVE", "updated_at": OLD} for n in range(10)],
            "groups": [
                {"id": "inner", "name": "Inner", "tenant_id": "t0", "parent_id": "outer", "members": ["u0", "u4"], "updated_at": OLD},
                {"id": "outer", "name": "Outer", "tenant_id": "t0", "inside": ["u8"], "updated_at": OLD},
            ],
        }

    def sync(self, *arguments: str) -> dict[str, Any]:
        code, output, errors = run_command(["sync", "--json", *arguments], environment=self.environment, folder=self.folder)
        self.assertEqual(code, 0, output + errors)
        found: dict[str, Any] = json.loads(output)
        return found

    def failed(self, *arguments: str) -> tuple[int, str]:
        code, _, errors = run_command(["sync", *arguments], environment=self.environment, folder=self.folder)
        return code, errors

    def rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "data" / "scaisend.db")) as connection:
            found = connection.execute(statement).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def tell(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "data" / "scaisend.db")) as connection, connection:
            connection.execute(statement)

    def status(self, table: str) -> dict[str, str]:
        return dict(self.rows(f"SELECT external_id, status FROM {table}"))

    def test_everything_is_mirrored(self) -> None:
        """All pages of all nouns, groups with their members and the groups around them; done again, nothing changes."""
        found = self.sync("--full")
        counts = {name: found[name] for name in ("partners", "tenants", "users", "groups", "deactivated", "passed_over")}
        self.assertEqual(counts, {"partners": 1, "tenants": 4, "users": 10, "groups": 2, "deactivated": 0, "passed_over": 0}, found)
        members = "SELECT g.external_id, u.external_id FROM group_members m JOIN users u ON u.id = m.user_id JOIN user_groups g ON g.id = m.group_id ORDER BY 1, 2"
        self.assertEqual(self.rows(members), [("inner", "u0"), ("inner", "u4"), ("outer", "u8")])
        self.assertEqual(self.rows("SELECT p.external_id FROM user_groups g JOIN user_groups p ON p.id = g.parent_id"), ["outer"])
        self.assertEqual(self.rows("SELECT action FROM audit_log WHERE actor = 'identity provider'"), ["provider.sync"])
        before = self.rows("SELECT value FROM epochs")
        self.assertEqual(self.sync("--full")["users"], 10)
        self.assertEqual(self.rows("SELECT value FROM epochs"), before)

    def test_only_what_changed(self) -> None:
        """Without --full: the provider is asked for what changed since; what left stays as it is until a full one."""
        self.sync()
        self.provider.lists["users"] = [{"id": "u1", "email": "new@example.org", "tenant_id": "t1", "updated_at": "2099-01-01T00:00:00Z"}]
        found = self.sync()
        self.assertEqual((found["users"], found["tenants"], found["full"], found["deactivated"]), (1, 0, False, 0))
        self.assertEqual(self.rows("SELECT email FROM users WHERE external_id = 'u1'"), ["new@example.org"])
        self.assertEqual(set(self.status("users").values()), {"active"})

    def test_what_left_is_deactivated(self) -> None:
        """Not deleted, and active again when it is back; tenants that the provider never told of are not its business."""
        code, _, errors = run_command(["init"], environment=self.environment, folder=self.folder)
        self.assertEqual(code, 0, errors)
        self.sync("--full")
        kept = self.provider.lists["users"]
        self.provider.lists["users"] = kept[1:]
        self.provider.lists["tenants"] = self.provider.lists["tenants"][:3]
        self.assertEqual(self.sync("--full")["deactivated"], 2)
        self.assertEqual((self.status("users")["u0"], self.status("users")["u1"], self.status("tenants")["t3"]), ("deactivated", "active", "deactivated"))
        self.assertEqual(self.rows("SELECT status FROM tenants WHERE external_id IS NULL"), ["active"])
        self.provider.lists["users"] = kept
        self.sync("--full")
        self.assertEqual(self.status("users")["u0"], "active")

    def test_an_interrupted_sync_goes_on(self) -> None:
        """Killed in the middle of the users, the next one reads on there, and counts all."""
        self.provider.troubles = [Trouble("/api/v1/admin/groups", 503, {"Retry-After": "600"}, times=9)]
        program = Program(["sync", "--full", "--json"], environment=self.environment, folder=self.folder, log=self.folder / "log")
        wait_until(lambda: any("groups" in each for each in self.provider.asked), 30, lambda: program.output)
        program.kill()
        self.provider.troubles, self.provider.asked = [], []
        found = self.sync("--full")
        self.assertEqual((found["resumed"], found["users"], found["groups"]), (True, 10, 2), found)
        self.assertEqual([each for each in self.provider.asked if "users" in each or "tenants" in each], [])
        self.assertFalse(self.sync("--full")["resumed"])

    def test_a_place_that_the_provider_forgot(self) -> None:
        """The noun is read from its beginning."""
        self.provider.troubles = [Trouble("/api/v1/admin/groups", 400, times=1)]
        self.assertEqual(self.failed()[0], 1)
        self.tell("UPDATE provider_syncs SET noun = 'users', place = 'forgotten', counts = '{\"users\": 99}'")
        self.assertEqual(self.sync()["users"], 10)

    def test_a_busy_provider(self) -> None:
        """429 and 5xx are asked again after Retry-After, a token that was refused is renewed, a cut connection is tried again."""
        self.provider.troubles = [
            Trouble("/api/v1/admin/tenants", 429, {"Retry-After": "2"}), Trouble("/api/v1/admin/users", 500, {"Retry-After": "0"}),
            Trouble("/api/v1/admin/users", 401), Trouble("/api/v1/admin/groups", 0),
        ]
        began = time.monotonic()
        self.assertEqual(self.sync("--full")["users"], 10)
        self.assertGreater(time.monotonic() - began, 2.0)

    def test_a_provider_that_is_away(self) -> None:
        """3; a client that is refused, or may see nothing, 3 and 1 with the cure."""
        self.provider.troubles = [Trouble("/", 503, {"Retry-After": "0"}, times=99)]
        self.assertEqual(self.failed()[0], 3)
        self.provider.troubles = []
        self.provider.hidden = {"partners", "tenants", "users", "groups"}
        code, errors = self.failed()
        self.assertEqual((code, "shows this client nothing" in errors), (1, True), errors)
        self.environment["SCAIKEY_CLIENT_SECRET"] = "wrong"
        self.assertEqual(self.failed()[0], 3)
        self.environment["SCAIKEY_CLIENT_SECRET"] = ""
        code, errors = self.failed()
        self.assertEqual((code, "SCAIKEY_CLIENT_SECRET" in errors and "register" in errors), (1, True), errors)

    def test_an_empty_directory_deactivates_nothing(self) -> None:
        """Where there were tenants and now are none, something else is wrong; the next sync looks anew."""
        self.sync("--full")
        kept, self.provider.lists["tenants"] = self.provider.lists["tenants"], []
        for _ in range(2):
            code, errors = self.failed("--full")
            self.assertEqual((code, "nothing was deactivated" in errors), (1, True), errors)
        self.provider.lists["tenants"] = kept
        self.sync("--full")
        self.assertEqual(set(self.status("tenants").values()), {"active"})

    def test_a_client_that_sees_a_part(self) -> None:
        """What is not shown is not deactivated; the partner of a tenant has a row by its id."""
        self.sync("--full")
        self.provider.hidden = {"partners"}
        found = self.sync("--full")
        self.assertEqual((found["not_shown"], found["deactivated"], self.status("partners")), (["partners"], 0, {"p1": "active"}))

    def test_what_cannot_be_kept_is_passed_over_and_told(self) -> None:
        """The rest is mirrored."""
        self.provider.lists["users"] += [{"id": "é"}, {"id": "lost", "tenant_id": "nowhere"}]
        found = self.sync()
        self.assertEqual((found["users"], found["passed_over"], len(found["faults"])), (10, 2, 2), found)

    def test_default_roles(self) -> None:
        """--create-roles makes those that are missing."""
        self.sync()
        self.tell("DELETE FROM roles WHERE name = 'viewer'")
        self.assertEqual((self.sync()["roles"], self.sync("--create-roles")["roles"], self.sync("--create-roles")["roles"]), (0, 4, 0))
