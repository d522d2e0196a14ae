import json

from scaisend.caller import Caller
from scaisend.faults import Invalid, NotFound
from scaisend.identity.audit_api import AuditApi
from scaisend.identity.permissions import OURS
from scaisend.identity.reach import PARTNER_ADMIN
from scaisend.sealing import Sealer
from tests.base import PlainTestCase
from tests.identity.test_audit_store import record
from tests.world.inline_database import inline_database
from tests.world.people import administrator
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant, now


class AuditApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, ids = inline_database(), id_maker()
        tenant, other = make_a_tenant(self.database, ids), make_a_tenant(self.database, ids, "Other")
        self.tenant, self.other = tenant, other
        self.caller = caller_with(self.database, make_a_key(self.database, ids, tenant.id, OURS))
        for number in range(3):
            record(self.database, tenant.id, f"thing.{number}")
            record(self.database, other.id, "thing.theirs")
        self.api = AuditApi(database=self.database, sealer=Sealer(b"secret", lambda count: bytes(count)))

    def page(self, caller: Caller | None = None, **query: str):  # type: ignore[no-untyped-def]
        call = call_by(caller or self.caller, query={name: [value] for name, value in query.items()})
        return json.loads(now(self, self.api.show(call)).body)

    def test_pages(self) -> None:
        """The tenant's own acts, newest first; `next` leads on until it is null."""
        first = self.page(limit="2")
        self.assertEqual([act["action"] for act in first["data"]], ["thing.2", "thing.1"])
        second = self.page(limit="2", before=str(first["next"]))
        self.assertEqual(([act["action"] for act in second["data"]], second["next"]), (["thing.0"], None))

    def test_what_others_do_is_not_counted_out(self) -> None:
        """Acts of all tenants are numbered together: neither an act nor the place of a page shows the number."""
        page = self.page(limit="2")
        self.assertNotIn("number", page["data"][0])
        numbers = [row[0] for row in self.database.rows("SELECT number FROM audit_log")]
        self.assertFalse(page["next"].isdigit())
        self.assertRaises(Invalid, self.page, before=str(numbers[-1]))

    def test_wrong_numbers(self) -> None:
        """A limit or place that is no whole number is refused with its name."""
        for query in ({"limit": "x"}, {"limit": "0"}, {"before": "-1"}, {"before": "9" * 30}, {"before": "é"}):
            self.assertRaises(Invalid, self.page, **query)

    def test_permission(self) -> None:
        """The log is for those who administer settings, or tenants."""
        self.assertEqual([route.permission for route in self.api.routes()], [("admin.settings", "tenants.administer")])

    def test_views(self) -> None:
        """A partner admin sees its tenants' acts, a super admin all and those of no tenant; each of them one tenant's; others are not there."""
        record(self.database, None, "installation.init")
        partner, above = administrator(self.tenant.partner_id, PARTNER_ADMIN), administrator("")
        self.assertEqual({act["tenant_id"] for act in self.page(partner)["data"]}, {self.tenant.id})
        self.assertEqual({act["tenant_id"] for act in self.page(above)["data"]}, {self.tenant.id, self.other.id, None})
        self.assertEqual({act["tenant_id"] for act in self.page(above, tenant_id=self.other.id)["data"]}, {self.other.id})
        self.assertEqual(len(self.page(above, limit="2", before=str(self.page(above, limit="5")["next"]))["data"]), 2)
        for who in (None, partner):
            self.assertRaises(NotFound, self.page, who, tenant_id=self.other.id)
