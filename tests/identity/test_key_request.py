from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.caller import Caller
from scaisend.faults import Forbidden, Invalid
from scaisend.identity.key_request import own_scopes, read_key_change, read_new_key
from scaisend.identity.permissions import OURS, permissions_of
from tests.base import PlainTestCase

SCOPES = ("mail.send", "api_keys.create")
MAKER = Caller(tenant_id="t", partner_id="p", credential_id="k", permissions=permissions_of(SCOPES), scopes=SCOPES)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats() | st.text() | st.sampled_from([*SCOPES, "stats.read"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5,
)
BODIES = VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "scopes", "test", "expires_at"), VALUES))


class KeyRequestTests(PlainTestCase):
    @given(BODIES)
    @settings(deadline=None, max_examples=200)
    def test_any_body(self, body: object) -> None:
        """Any JSON is read or refused with faults, and what is read never goes beyond the caller."""
        for read in (lambda: read_new_key(body, MAKER, 10.0), lambda: read_key_change(body, MAKER, with_scopes=True)):
            try:
                asked = read()
            except (Invalid, Forbidden) as refusal:
                self.assertTrue(refusal.faults[0].message)
            else:
                self.assertTrue(asked.name)
                self.assertLessEqual(permissions_of(asked.scopes or ()), MAKER.permissions)

    def test_scopes_each_once(self) -> None:
        """A scope given twice is kept once, in its first place."""
        self.assertEqual(read_new_key({"name": "n", "scopes": ["mail.send", "api_keys.create", "mail.send"]}, MAKER, 0.0).scopes, SCOPES)

    def test_own_scopes(self) -> None:
        """A person has no scopes, so ours stand for what the roles allow."""
        person = Caller(tenant_id="t", partner_id="p", credential_id="u", permissions=permissions_of(OURS[:3]))
        self.assertEqual(own_scopes(person), OURS[:3])
        self.assertEqual(own_scopes(MAKER), SCOPES)
