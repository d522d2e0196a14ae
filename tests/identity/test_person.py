from dataclasses import replace

from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.permissions import EVERYTHING
from scaisend.identity.person import Place, Standing, caller_of_person
from scaisend.identity.reach import ABOVE, PARTNER_ADMIN, SUPER_ADMIN
from tests.base import PlainTestCase

PLACE = Place("tnt_1", "prt_1", "active", "active")
ANN = Standing("usr_1", "active", None, "prt_1", "active", "tnt_1", PLACE, frozenset(("mail.send",)), 7)


class PersonTests(PlainTestCase):
    def test_a_person_of_a_tenant(self) -> None:
        """It has what its roles give, in its tenant, under the epoch of the look."""
        found = caller_of_person(ANN, on_behalf=False)
        self.assertEqual((found.tenant_id, found.permissions, found.scopes, found.epoch), ("tnt_1", {"mail.send"}, ("mail.send",), 7))
        self.assertRaises(Unauthenticated, caller_of_person, None, on_behalf=False)
        self.assertRaises(Forbidden, caller_of_person, replace(ANN, status="deactivated"), on_behalf=False)

    def test_administrators(self) -> None:
        """In their own tenant they may do all and see others; a partner's status counts for its admin."""
        for role in (SUPER_ADMIN, PARTNER_ADMIN):
            found = caller_of_person(replace(ANN, role=role), on_behalf=False)
            self.assertEqual(found.permissions, EVERYTHING | {ABOVE})
        self.assertRaises(Forbidden, caller_of_person, replace(ANN, role=PARTNER_ADMIN, partner_status="suspended"), on_behalf=False)
        elsewhere = replace(ANN, role=PARTNER_ADMIN, place=replace(PLACE, tenant_id="tnt_2", partner_id="prt_2"))
        self.assertRaises(Forbidden, caller_of_person, elsewhere, on_behalf=True)
