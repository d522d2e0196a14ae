"""An account moves from one SendGrid-shaped service to another: ScaiSend reads ScaiSend, over a line that fails at times."""

import http.client
import http.server
import json
import threading
from typing import ClassVar
from urllib.parse import urlsplit

from tests.base import PlainTestCase
from tests.world.installation import Installation
from tests.world.load import call
from tests.world.program import run_command


class Line(http.server.BaseHTTPRequestHandler):
    """Passes GETs on to `target`; the first of each path gets a 429, and those for `broken` a 503."""

    target: ClassVar[str]
    broken: ClassVar[str]
    asked: ClassVar[list[str]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        first = path not in self.asked
        self.asked.append(path)
        if first and "/asm/groups" in path:
            self._answer(429, b'{"errors":[{"message":"too many requests"}]}', {"Retry-After": "1"})
        elif self.broken and path.startswith(self.broken):
            self._answer(503, b"", {})
        else:
            connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=30)
            connection.request("GET", self.path, headers={"Authorization": self.headers["Authorization"]})
            response = connection.getresponse()
            self._answer(response.status, response.read(), {})
            connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


class ImportTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.source, self.target = (Installation(1) for _ in range(2))
        for house in (self.source, self.target):
            self.addCleanup(house.close)
        self.source.start("api")

    def open_line(self) -> tuple[str, type[Line]]:
        """A line to the source, and what it does."""
        line = type("OneLine", (Line,), {"target": self.source.url("api"), "broken": "", "asked": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), line)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", line

    def told(self, method: str, path: str, body: object = None, house: Installation | None = None):  # type: ignore[no-untyped-def]
        house = house or self.source
        status, answer = call(house.url("api"), method, path, house.api_key, body)
        self.assertIn(status, (200, 201, 204), (method, path, answer))
        return json.loads(answer) if answer else None

    def bring(self, url: str, *options: str, key: str = "") -> tuple[int, object, str]:
        environment = {**self.target.command_environment, "SENDGRID_API_KEY": key or self.source.api_key}
        code, output, errors = run_command(
            ["import", "sendgrid", "--url", url, "--json", *options], environment=environment, folder=self.target.folder
        )
        return code, json.loads(output) if output else None, errors

    def fill(self) -> tuple[int, str, str]:
        """A group that people left, lists longer than a page, a template of each generation, one with two versions."""
        group = self.told("POST", "/v3/asm/groups", {"name": "News", "description": "what is new", "is_default": True})["id"]
        self.told("POST", f"/v3/asm/groups/{group}/suppressions", {"recipient_emails": ["left@r.test", "gone@r.test"]})
        rows = "email,reason,status,created\n" + "".join(f"bounce{n}@r.test,550 5.1.1 no such user,5.1.1,{1_700_000_000 + n}\n" for n in range(1_203))
        (self.source.folder / "bounces.csv").write_text(rows)
        self.source.command("suppressions", "import", "bounces", "bounces.csv")
        self.told("POST", "/v3/asm/suppressions/global", {"recipient_emails": ["never@r.test"]})
        dynamic = self.told("POST", "/v3/templates", {"name": "Welcome", "generation": "dynamic"})["id"]
        for name, active in (("old", 0), ("new", 1)):
            self.told("POST", f"/v3/templates/{dynamic}/versions", {
                "name": name, "subject": "Hi {{name}}", "html_content": f"<p>{name} {{{{name}}}}</p>", "active": active, "test_data": '{"name": "Ann"}',
            })
        legacy = self.told("POST", "/v3/templates", {"name": "Plain"})["id"]
        self.told("POST", f"/v3/templates/{legacy}/versions", {"name": "one", "subject": "<%subject%>", "html_content": "<%body%>"})
        return group, dynamic, legacy

    def test_a_whole_account(self) -> None:
        """Everything comes under the same ids, through limits of rate and an interruption; a second run changes nothing."""
        group, dynamic, legacy = self.fill()
        url, line = self.open_line()
        code, counted, errors = self.bring(url, "--dry-run")
        self.assertEqual((code, counted["parts"]["bounces"]["found"], counted["parts"]["templates"]["made"]), (0, 1_203, 0), errors)
        line.broken = f"/v3/templates/{dynamic}/versions"
        code, _, errors = self.bring(url, "--tries", "2")
        self.assertEqual(code, 3, errors)
        self.assertIn("did not answer", errors)
        line.broken, line.asked = "", ["/v3/asm/groups"]
        code, made, errors = self.bring(url)
        self.assertEqual((code, made["faults"]), (0, []), errors)
        self.assertNotIn("/v3/suppression/bounces", line.asked, "a finished part was read again")
        self.assertFalse((self.target.folder / "scaisend-import.json").exists())
        self.target.start("api")
        for path in (
            f"/v3/asm/groups/{group}/suppressions", "/v3/suppression/bounces?limit=500&offset=1000", "/v3/asm/suppressions/global/never@r.test",
        ):
            self.assertEqual(self.told("GET", path, house=self.target), self.told("GET", path), path)
        for template in (dynamic, legacy):
            theirs, ours = (self.told("GET", f"/v3/templates/{template}", house=house) for house in (self.source, self.target))
            self.assertEqual(
                sorted((each["id"], each["name"], each["active"], each["html_content"]) for each in ours["versions"]),
                sorted((each["id"], each["name"], each["active"], each["html_content"]) for each in theirs["versions"]),
            )
        code, again, errors = self.bring(url)
        self.assertEqual((code, {part: count["made"] for part, count in again["parts"].items()}), (0, dict.fromkeys(again["parts"], 0)), errors)
        self.assertIn("import.sendgrid", [each["action"] for each in self.told("GET", "/api/admin/audit-log", house=self.target)["data"]])

    def test_more_templates_than_a_page(self) -> None:
        """The pages of the source are followed to the last."""
        made = {self.told("POST", "/v3/templates", {"name": f"t{n}", "generation": "dynamic"})["id"] for n in range(120)}
        code, brought, errors = self.bring(self.source.url("api"), "--only", "templates")
        self.assertEqual((code, brought["parts"]["templates"]["made"]), (0, 120), errors)
        self.assertEqual({each for (each,) in self.target.ask("SELECT id FROM templates")}, made)

    def test_what_cannot_be_taken(self) -> None:
        """A wrong key is told; a template id that another tenant has is left out and named, and that tenant's template stays its own."""
        _, dynamic, _ = self.fill()
        url = self.source.url("api")
        code, _, errors = self.bring(url, key="sg_live_" + "0" * 32)
        self.assertEqual(code, 1)
        self.assertIn("does not accept the key", errors)
        self.target.tell(
            "INSERT INTO templates (id, tenant_id, name, generation, created_at, updated_at) "
            f"VALUES ('{dynamic}', 'tnt_other', 'theirs', 'dynamic', 1, 1)"
        )
        code, made, errors = self.bring(url, "--only", "templates")
        self.assertEqual((code, made["parts"]["templates"]["made"]), (1, 1), errors)
        self.assertIn("another tenant has it", made["faults"][0])
        self.assertEqual(self.target.ask(f"SELECT tenant_id, name FROM templates WHERE id = '{dynamic}'"), [("tnt_other", "theirs")])
        self.assertEqual(self.target.ask(f"SELECT COUNT(*) FROM template_versions WHERE template_id = '{dynamic}'"), [(0,)])
