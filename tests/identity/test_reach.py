from dataclasses import replace

from scaisend.caller import Caller
from scaisend.faults import Forbidden
from scaisend.identity.permissions import EVERYTHING, OURS, permissions_of
from scaisend.identity.reach import (
    ABOVE,
    PARTNER_ADMIN,
    SUPER_ADMIN,
    Reach,
    grantable,
    reach_of,
    refuse_beyond,
    sees_all,
)
from tests.base import PlainTestCase

ADMIN = Caller(tenant_id="tnt_1", partner_id="prt_1", credential_id="c", permissions=EVERYTHING)


class ReachTests(PlainTestCase):
    def test_one_tenant(self) -> None:
        """Whoever has no permission above tenants sees one tenant, whatever role it bears."""
        for role in (None, "tenant_admin", PARTNER_ADMIN, SUPER_ADMIN):
            self.assertEqual(reach_of(replace(ADMIN, role=role)), Reach("tnt_1", None))

    def test_above(self) -> None:
        """With it a super admin sees all, and anybody else the tenants of its partner."""
        above = replace(ADMIN, permissions=EVERYTHING | {ABOVE})
        self.assertEqual(reach_of(replace(above, role=SUPER_ADMIN)), Reach(None, None))
        for role in (PARTNER_ADMIN, "tenant_admin", None):
            self.assertEqual(reach_of(replace(above, role=role)), Reach(None, "prt_1"))

    def test_the_operator(self) -> None:
        """A super admin sees all, until it acts for a tenant; a partner's admin never."""
        above = replace(ADMIN, tenant_id="", permissions=EVERYTHING | {ABOVE})
        self.assertTrue(sees_all(replace(above, role=SUPER_ADMIN)))
        for other in (replace(ADMIN, role=SUPER_ADMIN), replace(above, role=PARTNER_ADMIN), replace(above, role=None)):
            self.assertFalse(sees_all(other))

    def test_no_scope_gives_it(self) -> None:
        """Neither a role nor an API key can hold the permission above tenants."""
        self.assertNotIn(ABOVE, EVERYTHING)
        self.assertNotIn(ABOVE, OURS)
        self.assertEqual(permissions_of((ABOVE,)), frozenset())

    def test_nothing_is_given_that_one_has_not(self) -> None:
        """A caller gives what it has; an administrator above tenants, who has little in itself, everything."""
        few = replace(ADMIN, permissions=frozenset(("admin.users", "mail.send")))
        refuse_beyond(few, ("mail.send",))
        self.assertRaises(Forbidden, refuse_beyond, few, ("mail.send", "stats.read"))
        self.assertRaises(Forbidden, refuse_beyond, few, ("admin.api_keys",))
        self.assertEqual(grantable(replace(few, permissions=frozenset((ABOVE,)))), EVERYTHING)
