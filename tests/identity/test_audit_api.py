import json

from scaisend.faults import Invalid
from scaisend.identity.audit_api import AuditApi
from scaisend.identity.permissions import OURS
from tests.base import PlainTestCase
from tests.identity.test_audit_store import record
from tests.world.inline_database import inline_database
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class AuditApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, ids = inline_database(), id_maker()
        tenant, other = make_a_tenant(self.database, ids), make_a_tenant(self.database, ids, "Other")
        self.caller = caller_with(self.database, make_a_key(self.database, ids, tenant.id, OURS))
        for number in range(3):
            record(self.database, tenant.id, f"thing.{number}")
            record(self.database, other.id, "thing.theirs")
        self.api = AuditApi(database=self.database)

    def page(self, **query: str):  # type: ignore[no-untyped-def]
        call = call_by(self.caller, query={name: [value] for name, value in query.items()})
        return json.loads(now(self, self.api.show(call)).body)

    def test_pages(self) -> None:
        """The tenant's own acts, newest first; `next` leads on until it is null."""
        first = self.page(limit="2")
        self.assertEqual([act["action"] for act in first["data"]], ["thing.2", "thing.1"])
        second = self.page(limit="2", before=str(first["next"]))
        self.assertEqual(([act["action"] for act in second["data"]], second["next"]), (["thing.0"], None))

    def test_wrong_numbers(self) -> None:
        """A limit or place that is no whole number is refused with its name."""
        for query in ({"limit": "x"}, {"limit": "0"}, {"before": "-1"}, {"before": "9" * 30}):
            self.assertRaises(Invalid, self.page, **query)

    def test_permission(self) -> None:
        """The log is for those who administer settings."""
        self.assertEqual([route.permission for route in self.api.routes()], ["admin.settings"])
