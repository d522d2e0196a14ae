from scaisend.faults import Invalid, NotFound
from scaisend.identity.administration import named_tenant, page_of, tenant_of
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.people import administrator
from tests.world.tenants import call_by, caller_with, id_maker, make_a_key, make_a_tenant


class AdministrationTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, ids = inline_database(), id_maker()
        self.tenant = make_a_tenant(self.database, ids)
        self.caller = caller_with(self.database, make_a_key(self.database, ids, self.tenant.id))

    def test_the_tenant_of_a_call(self) -> None:
        """The caller's own, unless the call names one; without either the call is refused."""
        self.assertEqual(self.database.now(tenant_of, call_by(self.caller)), self.tenant)
        above = administrator("")
        self.assertRaises(Invalid, self.database.now, tenant_of, call_by(above))
        self.assertEqual(self.database.now(tenant_of, call_by(above, query={"tenant_id": [self.tenant.id]})), self.tenant)
        self.assertRaises(NotFound, self.database.now, named_tenant, call_by(above), "tnt_x")

    def test_pages(self) -> None:
        """A page begins after an id, and has a hundred rows unless another number is asked for."""
        self.assertEqual(page_of(call_by(self.caller)), ("", 100))
        self.assertEqual(page_of(call_by(self.caller, query={"after": ["x"], "limit": ["2"]})), ("x", 2))
        self.assertRaises(Invalid, page_of, call_by(self.caller, query={"limit": ["501"]}))
