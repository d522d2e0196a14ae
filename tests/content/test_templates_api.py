import json
from typing import Any

from twisted.internet.defer import execute

from scaisend.caller import Caller
from scaisend.content.templates_api import MOST_TEMPLATES, MOST_VERSIONS, TemplatesApi
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.identity.audit_store import acts
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, call_by, id_maker, now

MINE = Caller(tenant_id="tnt_a", partner_id="prt_a", credential_id="key_a", permissions=frozenset())
THEIRS = Caller(tenant_id="tnt_b", partner_id="prt_b", credential_id="key_b", permissions=frozenset())
UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class TemplatesApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.api = TemplatesApi(database=self.database, ids=id_maker(), in_thread=execute)
        self.clock = NOW

    def ask(self, what: Any, body: object = None, template_id: str = "", version_id: str = "", *, caller: Caller = MINE, status: int = 200, **query: str) -> Any:
        self.clock += 1
        raw = b"" if body is None else json.dumps(body).encode()
        call = call_by(
            caller, body=raw, path={"template_id": template_id, "version_id": version_id}, query={name: [value] for name, value in query.items()}, now_s=self.clock
        )
        reply = now(self, what(call))
        self.assertEqual(reply.status, status)
        return json.loads(reply.body) if reply.body else None

    def make(self, generation: str = "dynamic", name: str = "Order") -> str:
        return self.ask(self.api.create, {"name": name, "generation": generation}, status=201)["id"]

    def add(self, template_id: str, **fields: object) -> Any:
        return self.ask(self.api.create_version, {"name": "v", "subject": "Hi {{name}}", "html_content": "<p>Hi {{name}}</p>", **fields}, template_id, status=201)

    def test_make(self) -> None:
        """A template is legacy unless told, and its id says which."""
        made = self.ask(self.api.create, {"name": "Order"}, status=201)
        self.assertEqual({**made, "id": ""}, {"id": "", "name": "Order", "generation": "legacy", "updated_at": "2027-01-15 08:00:01", "versions": []})
        self.assertRegex(made["id"], UUID)
        self.assertRegex(self.make(), "^d-[0-9a-f]{32}$")
        for body in ({}, {"name": ""}, {"name": "x" * 101}, {"name": 5}, {"name": "x", "generation": "new"}, [], {"name": "a\0"}):
            self.assertRaises(Invalid, self.ask, self.api.create, body)

    def test_version(self) -> None:
        """A version answers with every field; the first is active, its text is made from its HTML, and the template shows it."""
        template_id = self.make()
        made = self.add(template_id, active=0, test_data='{"name": "Ann"}')
        self.assertRegex(made["id"], UUID)
        self.assertEqual({**made, "id": ""}, {
            "id": "", "template_id": template_id, "active": 1, "name": "v", "subject": "Hi {{name}}", "updated_at": "2027-01-15 08:00:02",
            "generate_plain_content": True, "editor": "code", "thumbnail_url": "", "html_content": "<p>Hi {{name}}</p>", "plain_content": "Hi {{name}}",
            "test_data": '{"name": "Ann"}',
        })
        self.assertEqual(self.ask(self.api.show_version, None, template_id, made["id"]), made)
        shown = self.ask(self.api.show, None, template_id)
        self.assertEqual((shown["versions"], shown["updated_at"]), ([made], "2027-01-15 08:00:02"))
        self.assertEqual(self.ask(self.api.show_versions, None, template_id), {"versions": [made]})

    def test_one_is_active(self) -> None:
        """Activating one version rests the others, by its door and by its field."""
        template_id = self.make()
        one, two, three = self.add(template_id), self.add(template_id), self.add(template_id, active=1)
        self.assertEqual([one["active"], two["active"], three["active"]], [1, 0, 1])

        def active() -> list[str]:
            return [each["id"] for each in self.ask(self.api.show, None, template_id)["versions"] if each["active"]]

        self.assertEqual(active(), [three["id"]])
        self.assertEqual(self.ask(self.api.activate, None, template_id, two["id"])["active"], 1)
        self.assertEqual(active(), [two["id"]])
        self.ask(self.api.change_version, {"active": 1}, template_id, one["id"])
        self.assertEqual(active(), [one["id"]])
        self.ask(self.api.change_version, {"active": False}, template_id, one["id"])
        self.assertEqual(active(), [])

    def test_change(self) -> None:
        """Fields that are given change; the text follows the HTML until generate_plain_content is false."""
        template_id = self.make()
        made = self.add(template_id)
        changed = self.ask(self.api.change_version, {"html_content": "<b>Yo</b>"}, template_id, made["id"])
        self.assertEqual((changed["plain_content"], changed["subject"], changed["name"]), ("Yo", "Hi {{name}}", "v"))
        changed = self.ask(self.api.change_version, {"plain_content": "mine", "generate_plain_content": False}, template_id, made["id"])
        self.assertEqual(changed["plain_content"], "mine")
        changed = self.ask(self.api.change_version, {"html_content": "<b>Hey</b>", "editor": "design"}, template_id, made["id"])
        self.assertEqual((changed["plain_content"], changed["editor"]), ("mine", "design"))
        self.assertEqual(self.ask(self.api.change_version, {}, template_id, made["id"])["html_content"], "<b>Hey</b>")
        self.assertEqual(self.ask(self.api.change_version, changed, template_id, made["id"])["html_content"], "<b>Hey</b>")

    def test_syntax_is_checked(self) -> None:
        """A version that cannot be rendered is refused with each place and field; a legacy one may say what it likes."""
        template_id = self.make()
        body = {"name": "v", "subject": "{{#if}}", "html_content": "a\n {{foo bar}} {{equals a}}", "plain_content": "{{", "generate_plain_content": False}
        error = self.assertRaises(Invalid, self.ask, self.api.create_version, body, template_id)
        self.assertEqual([(fault.field, fault.message) for fault in error.faults], [
            ("subject", "the block if is not closed (line 1, column 1)"), ("html_content", "there is no helper foo (line 2, column 4)"),
            ("html_content", "equals needs 2 parameters, not 1 (line 2, column 16)"), ("plain_content", "the template ends within a tag (line 1, column 3)"),
        ])
        made = self.add(template_id)
        self.assertRaises(Invalid, self.ask, self.api.change_version, {"subject": "{{/if}}"}, template_id, made["id"])
        self.assertEqual(self.ask(self.api.show_version, None, template_id, made["id"])["subject"], "Hi {{name}}")
        self.add(self.make("legacy"), html_content="{{#if <%body%>", subject="<%subject%>")

    def test_legacy_warnings(self) -> None:
        """A legacy version without the tags is taken, with a warning for each."""
        template_id = self.make("legacy")
        self.assertEqual(len(self.add(template_id)["warnings"]), 2)
        self.assertNotIn("warnings", self.add(template_id, subject="Re: <%subject%>", html_content="<b><%body%></b>"))

    def test_wrong_fields(self) -> None:
        """Every fault of a version is told at once."""
        template_id = self.make()
        body = {"active": 2, "editor": "x", "html_content": "é" * 600_000, "generate_plain_content": 1, "test_data": {}}
        error = self.assertRaises(Invalid, self.ask, self.api.create_version, body, template_id)
        self.assertEqual({fault.field for fault in error.faults}, {"active", "editor", "html_content", "generate_plain_content", "test_data", "name", "subject"})
        self.assertRaises(Invalid, self.ask, self.api.create_version, {"name": "a", "subject": "x" * 256}, template_id)

    def test_lists(self) -> None:
        """Without page_size there is `templates`; with it `result` and links that lead through all, by generation."""
        ids = [self.make(name=f"T{number}") for number in range(5)]
        legacy = self.make("legacy")
        self.add(ids[0])
        self.assertEqual([each["id"] for each in self.ask(self.api.show_all)["templates"]], [legacy])
        listed = self.ask(self.api.show_all, generations="dynamic")["templates"]
        self.assertEqual([each["id"] for each in listed], ids)
        self.assertNotIn("html_content", listed[0]["versions"][0])
        self.assertEqual(len(self.ask(self.api.show_all, generations="legacy,dynamic")["templates"]), 6)
        seen, token = [], ""
        while True:
            page = self.ask(self.api.show_all, generations="dynamic", page_size="2", **({"page_token": token} if token else {}))
            seen += [each["id"] for each in page["result"]]
            self.assertEqual((page["_metadata"]["count"], "prev" in page["_metadata"]), (5, bool(token)))
            following = page["_metadata"].get("next")
            if following is None:
                break
            self.assertTrue(following.startswith("http://localhost/v3/templates?generations=dynamic&page_size=2&page_token="))
            token = following.rpartition("=")[2]
        self.assertEqual(seen, ids)
        for query in ({"generations": "new"}, {"page_size": "0"}, {"page_size": "201"}, {"page_size": "2", "page_token": "x"}):
            self.assertRaises(Invalid, self.ask, self.api.show_all, **query)

    def test_rename_and_delete(self) -> None:
        """A template is renamed, and gone with its versions."""
        template_id = self.make()
        made = self.add(template_id)
        self.assertEqual(self.ask(self.api.rename, {"name": "New"}, template_id)["name"], "New")
        self.assertIsNone(self.ask(self.api.delete_version, None, template_id, made["id"], status=204))
        self.assertRaises(NotFound, self.ask, self.api.show_version, None, template_id, made["id"])
        self.add(template_id)
        self.assertIsNone(self.ask(self.api.delete, None, template_id, status=204))
        self.assertRaises(NotFound, self.ask, self.api.show, None, template_id)
        self.assertEqual(self.database.rows("SELECT COUNT(*) FROM template_versions"), [(0,)])

    def test_duplicate(self) -> None:
        """A copy has the versions and none of the ids."""
        template_id = self.make()
        one, two = self.add(template_id), self.add(template_id, active=1)
        copy = self.ask(self.api.duplicate, {"name": "Copy"}, template_id, status=201)
        self.assertEqual((copy["name"], copy["generation"], [each["active"] for each in copy["versions"]]), ("Copy", "dynamic", [1, 0]))
        self.assertFalse({copy["id"], *[each["id"] for each in copy["versions"]]} & {template_id, one["id"], two["id"]})
        self.assertEqual({each["template_id"] for each in copy["versions"]}, {copy["id"]})
        self.assertEqual(self.ask(self.api.duplicate, None, template_id, status=201)["name"], "Duplicate: Order")

    def test_the_audit_log_tells_of_changes(self) -> None:
        """Each change has its act, with what changed and without the contents; a refused one has none, nor has another tenant."""
        template_id = self.make()
        version_id = self.add(template_id, html_content="<p>secret</p>")["id"]
        self.ask(self.api.rename, {"name": "New"}, template_id)
        self.ask(self.api.change_version, {"subject": "Hello"}, template_id, version_id)
        self.ask(self.api.activate, None, template_id, version_id)
        copy_id = self.ask(self.api.duplicate, {}, template_id, status=201)["id"]
        self.ask(self.api.delete_version, None, template_id, version_id, status=204)
        self.ask(self.api.delete, None, template_id, status=204)
        self.assertRaises(NotFound, self.ask, self.api.delete, None, template_id)
        done = self.database.now(acts, "tnt_a", before=None, most=20)[::-1]
        self.assertEqual([(each.action, each.resource) for each in done], [
            ("template.create", template_id), ("template_version.create", template_id), ("template.change", template_id),
            ("template_version.change", template_id), ("template_version.activate", template_id), ("template.create", copy_id),
            ("template_version.delete", template_id), ("template.delete", template_id),
        ])
        self.assertEqual(done[2].change, {"name": {"before": "Order", "after": "New"}})
        self.assertEqual(done[3].change, {"version_id": version_id, "active": True, "changed": ["subject"]})
        self.assertEqual((done[0].actor, done[0].happened_at), ("key_a", NOW + 1))
        self.assertNotIn("secret", str([each.change for each in done]))
        self.assertEqual(self.database.now(acts, "tnt_b", before=None, most=20), [])

    def test_limits(self) -> None:
        """So many templates, and versions of one, and no more."""
        template_id = self.make()
        self.database.connection.execute("BEGIN")
        self.add_rows("templates", "id, tenant_id, name, generation, created_at, updated_at", "'t' || value, 'tnt_a', 'n', 'dynamic', 0, 0", MOST_TEMPLATES - 1)
        self.add_rows("template_versions", "id, tenant_id, template_id, active, name, subject, updated_at", f"'v' || value, 'tnt_a', '{template_id}', 0, 'n', 's', 0", MOST_VERSIONS)
        self.database.connection.execute("COMMIT")
        self.assertRaises(Invalid, self.ask, self.api.create, {"name": "one more"})
        self.assertRaises(Invalid, self.ask, self.api.duplicate, None, template_id)
        self.assertRaises(Invalid, self.ask, self.api.create_version, {"name": "v", "subject": "s"}, template_id)

    def add_rows(self, table: str, columns: str, values: str, count: int) -> None:
        self.database.connection.execute(
            f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {count}) INSERT INTO {table} ({columns}) SELECT {values} FROM n"
        )

    def test_preview(self) -> None:
        """A version is rendered with its own test data, or with what is sent; errors of the data are told with their place."""
        template_id = self.make()
        made = self.add(template_id, test_data='{"name": "<Ann>"}')
        self.assertEqual(self.ask(self.api.preview, None, template_id, made["id"]), {
            "subject": "Hi &lt;Ann&gt;", "html_content": "<p>Hi &lt;Ann&gt;</p>", "plain_content": "Hi <Ann>",
        })
        for data in ({"name": "Bo"}, '{"name": "Bo"}'):
            self.assertEqual(self.ask(self.api.preview, {"test_data": data}, template_id, made["id"])["subject"], "Hi Bo")
        for body in ({"test_data": "{"}, [], {"data": {"name": "Bo"}}):
            self.assertRaises(Invalid, self.ask, self.api.preview, body, template_id, made["id"])
        dated = self.add(template_id, html_content="\n{{formatDate d 'YYYY'}}")
        error = self.assertRaises(Invalid, self.ask, self.api.preview, {"test_data": {"d": "x"}}, template_id, dated["id"])
        self.assertEqual(error.faults[0].field, "test_data")
        self.assertIn("html_content: formatDate: 'x' is not a date as ISO 8601 writes it (line 2, column 3)", str(error))

    def test_other_tenants_and_odd_ids(self) -> None:
        """Another tenant's template is an unknown one at every door, and so is any other text."""
        template_id = self.make()
        version_id = self.add(template_id)["id"]
        version = {"name": "v", "subject": "s"}
        doors = (
            (self.api.show, None), (self.api.rename, {"name": "x"}), (self.api.delete, None), (self.api.duplicate, {"name": "x"}), (self.api.show_versions, None),
            (self.api.create_version, version), (self.api.show_version, None), (self.api.change_version, {"name": "x"}), (self.api.delete_version, None),
            (self.api.activate, None), (self.api.preview, None),
        )
        for door, body in doors:
            self.assertRaises(NotFound, self.ask, door, body, template_id, version_id, caller=THEIRS)
            for odd in ("", "d-é", "d-\U0001f600", template_id.upper(), "' OR 1=1", "x" * 200):
                self.assertRaises(NotFound, self.ask, door, body, odd, version_id)
        other = self.make()
        self.assertRaises(NotFound, self.ask, self.api.show_version, None, other, version_id)
        self.assertRaises(NotFound, self.ask, self.api.show_version, None, template_id, "é")
        self.assertEqual(self.ask(self.api.show_all, caller=THEIRS, generations="dynamic"), {"templates": []})
        self.assertEqual(self.ask(self.api.show_version, None, template_id, version_id)["name"], "v")

    def test_two_at_once(self) -> None:
        """A change that was made from an older state is refused, not merged."""
        template_id = self.make()
        version_id = self.add(template_id)["id"]
        begun = self.api._in_thread

        def meanwhile(fn: Any) -> Any:
            self.api._in_thread = begun
            self.ask(self.api.change_version, {"subject": "other"}, template_id, version_id)
            return begun(fn)

        self.api._in_thread = meanwhile
        self.assertRaises(Conflict, self.ask, self.api.change_version, {"name": "mine"}, template_id, version_id)
        self.assertEqual(self.ask(self.api.show_version, None, template_id, version_id)["subject"], "other")

    def test_routes(self) -> None:
        """Reading, writing and deleting ask for their own permissions."""
        asked = {(each.method, each.path): each.permission for each in self.api.routes()}
        self.assertEqual(len(asked), 13)
        for (method, path), permission in asked.items():
            wanted = {"GET": "templates.read", "DELETE": "templates.delete"}.get(method, "templates.read" if path.endswith("preview") else "templates.write")
            self.assertEqual(permission, wanted, path)
