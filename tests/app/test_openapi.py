import re
from pathlib import Path

import orjson

import scaisend
from scaisend.app.docs import doors
from scaisend.app.openapi import document, group_of, path_template
from scaisend.app.openapi_parameters import PARAMETERS
from scaisend.app.openapi_schemas import KNOWN, SCHEMAS
from scaisend.app.unsupported_api import TABLE
from scaisend.messages import search
from tests.base import PlainTestCase


class Document(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.routes = doors()[0]
        self.document = document(self.routes, version="1.2.3")

    def operations(self):  # type: ignore[no-untyped-def]
        for path, item in self.document["paths"].items():  # type: ignore[attr-defined]
            for method, operation in item.items():
                yield path, method.upper(), operation

    def test_every_route_is_there(self) -> None:
        """Each route that is offered is an operation with an id of its own and a summary; those that are not are left out."""
        refused = {(method, path_template(each.path)) for each in TABLE for method in each.methods.split() if method not in each.answers}
        wanted = {(each.method, path_template(each.path)) for each in self.routes} - refused
        self.assertEqual({(method, path) for path, method, _ in self.operations()}, wanted)
        ids = [operation["operationId"] for *_, operation in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual([(path, method) for path, method, operation in self.operations() if not operation["summary"]], [])

    def test_paths_name_their_parameters(self) -> None:
        """Every parameter in a path is declared, once."""
        for path, method, operation in self.operations():
            declared = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            self.assertEqual(declared, re.findall(r"\{(\w+)\}", path), f"{method} {path}")
            self.assertNotIn("<", path)

    def test_references_lead_somewhere(self) -> None:
        """Every $ref names a component."""
        components = self.document["components"]
        for reference in set(re.findall(rb'"\$ref":"#/components/(\w+)/([\w.]+)"', orjson.dumps(self.document))):
            kind, name = (each.decode() for each in reference)
            self.assertIn(name, components[kind])  # type: ignore[index]

    def test_the_tables_name_routes(self) -> None:
        """What has a schema or parameters of its own exists."""
        there = {(each.method, path_template(each.path)) for each in self.routes}
        self.assertEqual(set(KNOWN) - there, set())
        self.assertEqual(set(PARAMETERS) - there, set())
        self.assertEqual({name for request, _, answer in KNOWN.values() for name in (request, answer) if name} - set(SCHEMAS), set())

    def test_what_is_asked_for_is_declared(self) -> None:
        """Every query parameter that the code looks for is in the document, and none that it does not."""
        wanted = re.compile(r'(?:call\.one\(|whole\(call, |call\.query\.get\(|page_of\(call, |only\(call, )((?:"\w+"(?:, )?)+)')
        asked = {"limit", "offset", *search.PARAMETERS}
        for path in sorted(Path(scaisend.__file__).parent.rglob("*.py")):
            if not path.name.startswith("dev_"):
                asked |= {name for names in wanted.findall(path.read_text()) for name in re.findall(r"\w+", names)}
        asked |= {"code", "state", "start_date", "end_date", "id"}  # asked for by a name in a variable
        declared = {each["name"] for parameters in PARAMETERS.values() for each in parameters if each["in"] == "query"}
        self.assertEqual((asked - declared, declared - asked), (set(), set()))

    def test_permissions(self) -> None:
        """An operation says what it needs; public ones ask for no credential."""
        paths = self.document["paths"]
        send, health = paths["/v3/mail/send"]["post"], paths["/health"]["get"]  # type: ignore[index]
        self.assertEqual((send["x-permissions"], send.get("security")), (["mail.send"], None))
        self.assertEqual((health["security"], health.get("x-permissions")), ([], None))

    def test_groups(self) -> None:
        """Paths stand under the noun they are of."""
        for path, group in (
            ("/v3/mail/send", "/v3/mail"), ("/v3/user/webhooks/<id>", "/v3/user/webhooks"), ("/api/admin/domains/<id>", "/api/admin/domains"),
            ("/t/u/<token>", "/t"), ("/", "/"),
        ):
            self.assertEqual(group_of(path), group)

    def test_few_a_minute(self) -> None:
        """Ten a minute are enough for webhooks and keys, and for what is heavy or mails strangers; templates are written in bulk, and orders in need."""
        counted = {f"{each.method} {path_template(each.path)}" for each in self.routes if each.limit == "writes"}
        self.assertEqual(counted, {
            "POST /v3/api_keys", "POST /v3/user/webhooks", "POST /v3/user/webhooks/{webhook_id}/signing_secret", "POST /v3/user/webhooks/event/settings",
            "POST /v3/user/webhooks/event/test", "POST /v3/user/webhooks/parse/settings", "POST /v3/verified_senders",
            "POST /v3/verified_senders/resend/{sender_id}", "PATCH /v3/verified_senders/{sender_id}", "POST /api/admin/bulk-jobs",
            "POST /api/admin/bulk-jobs/preview", "POST /api/admin/bulk-jobs/{job_id}/undo", "GET /api/admin/setup", "POST /api/admin/erasures",
        })
