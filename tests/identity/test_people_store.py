from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.identity.api_key import make_key
from scaisend.identity.audit_store import acts
from scaisend.identity.people_store import (
    find_tenant,
    init_installation,
    make_default_roles,
    make_partner,
    make_tenant,
    only_tenant,
    roles,
    set_partner_status,
    set_tenant_status,
    tenant,
    tenants,
)
from scaisend.identity.permissions import DEFAULT_ROLES, EVERYTHING
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, caller_with, id_maker, make_a_tenant


class TenantTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()
        self.ids = id_maker()

    def test_made_with_the_default_roles(self) -> None:
        """A new tenant is active and has the three default roles, once, however often they are made."""
        made = make_a_tenant(self.database, self.ids)
        self.assertEqual(self.database.now(tenant, made.id), made)
        self.assertEqual((made.status, made.created_at), ("active", NOW))
        self.assertEqual(self.database.now(make_default_roles, made.id, ids=self.ids, now_s=NOW), 0)
        found = self.database.now(roles, made.id)
        self.assertEqual([(role.name, role.permissions, role.is_default) for role in found], [(each.name, each.permissions, True) for each in DEFAULT_ROLES])

    def test_listed(self) -> None:
        """Tenants are listed by id, page by page, of one partner or of all."""
        made = [make_a_tenant(self.database, self.ids, name) for name in "abc"]
        self.assertEqual(self.database.now(tenants), made)
        self.assertEqual(self.database.now(tenants, most=2, after=made[0].id), made[1:])
        self.assertEqual(self.database.now(tenants, partner_id=made[1].partner_id), [made[1]])

    def test_found_by_any_of_its_names(self) -> None:
        """A tenant is found by our id, the identity provider's, or its slug."""
        partner = self.database.now(make_partner, self.ids, name="P", now_s=NOW, external_id="ext-p")
        made = self.database.now(make_tenant, self.ids, name="T", partner_id=partner.id, now_s=NOW, slug="acme", external_id="ext-t")
        for name in (made.id, "acme", "ext-t"):
            self.assertEqual(self.database.now(find_tenant, name), made)
        self.assertRaises(NotFound, self.database.now, find_tenant, "nobody")

    def test_the_only_tenant(self) -> None:
        """The command line may leave the tenant out while there is one; with none or several it is told what to do."""
        self.assertRaises(NotFound, self.database.now, only_tenant)
        made = make_a_tenant(self.database, self.ids)
        self.assertEqual(self.database.now(only_tenant), made)
        other = make_a_tenant(self.database, self.ids)
        self.assertEqual(self.assertRaises(Conflict, self.database.now, only_tenant).ids, (made.id, other.id))

    def test_status(self) -> None:
        """A status is one of three, and of a tenant that is there."""
        made = make_a_tenant(self.database, self.ids)
        for set_status, an_id in ((set_tenant_status, made.id), (set_partner_status, made.partner_id)):
            self.assertTrue(self.database.now(set_status, an_id, "suspended", now_s=NOW))
            self.assertFalse(self.database.now(set_status, "none", "suspended", now_s=NOW))
            self.assertRaises(Invalid, self.database.now, set_status, an_id, "asleep", now_s=NOW)
        self.assertEqual(self.database.now(tenant, made.id).status, "suspended")


class InitTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = inline_database()

    def init(self, secret: bytes):  # type: ignore[no-untyped-def]
        return self.database.now(
            init_installation, id_maker(secret[0]), partner_name="Operator", tenant_name="Acme", key=make_key(secret), now_s=NOW,
        )

    def test_init(self) -> None:
        """One transaction makes partner, tenant, roles and a key that may do everything, and says so in the log."""
        made = self.init(b"a" * 16)
        caller = caller_with(self.database, make_key(b"a" * 16))
        self.assertEqual((caller.tenant_id, caller.partner_id, caller.permissions), (made.tenant.id, made.partner.id, EVERYTHING))
        self.assertEqual(self.database.now(only_tenant), made.tenant)
        self.assertEqual(made.key.id, caller.credential_id)
        (act,) = self.database.now(acts, made.tenant.id, before=None, most=10)
        self.assertEqual((act.actor, act.action), ("cli", "installation.init"))

    def test_a_second_init_changes_nothing(self) -> None:
        """Who calls it again is told the tenant and the cure, and nothing is made."""
        made = self.init(b"a" * 16)
        before = list(self.database.connection.iterdump())
        error = self.assertRaises(Conflict, self.init, b"b" * 16)
        self.assertEqual(error.ids, (made.tenant.id,))
        self.assertIn("keys create", error.faults[0].help or "")
        self.assertEqual(list(self.database.connection.iterdump()), before)

    def test_init_after_another_way_in(self) -> None:
        """A database whose tenants came from elsewhere gets no second first one."""
        present = make_a_tenant(self.database, id_maker())
        self.assertEqual(self.assertRaises(Conflict, self.init, b"a" * 16).ids, (present.id,))
