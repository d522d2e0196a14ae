from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Forbidden, Unauthenticated
from scaisend.identity.api_key import REFUSED, Credential, caller_of, hash_of, is_key, make_key, shown_prefix
from tests.base import PlainTestCase

FOUND = Credential(
    key_id="key_1", key_hash=b"h" * 32, tenant_id="tnt_1", partner_id="prt_1", scopes=("mail.send", "alerts.read"), is_test=False,
    expires_at=None, revoked_at=None, tenant_status="active", partner_status="active", epoch=7,
)


class FormTests(PlainTestCase):
    def test_form(self) -> None:
        """A key is its kind and 32 lower-case hex digits; 12 characters of it may be shown."""
        key = make_key(bytes(range(16)))
        self.assertEqual(key, "sg_live_000102030405060708090a0b0c0d0e0f")
        self.assertEqual(make_key(bytes(16), is_test=True), "sg_test_" + "0" * 32)
        self.assertEqual(shown_prefix(key), "sg_live_0001")
        self.assertTrue(is_key(key))
        self.assertEqual(len(hash_of(key)), 32)
        self.assertRaises(ValueError, make_key, b"short")

    def test_other_forms_are_no_keys(self) -> None:
        """What merely resembles a key is none: other case, length, digits, line ends, or a key of SendGrid's."""
        good = "0123456789abcdef" * 2
        bad = [
            "", good, "sg_live_" + good.upper(), "SG_LIVE_" + good, "sg_live_" + good + "0", "sg_live_" + good[:-1], "sg_prod_" + good,
            "sg_live_" + good + "\n", " sg_live_" + good, "sg_live_" + good[:-1] + "g", "sg_live_" + "٠" * 32,
            "SG." + "a" * 22 + "." + "b" * 43, "eyJhbGciOiJub25lIn0.e30.",
        ]
        for text in bad:
            self.assertFalse(is_key(text), text)

    @given(st.text())
    @settings(deadline=None, max_examples=200)
    def test_any_text_is_judged(self, text: str) -> None:
        """No text makes the judgement fail."""
        is_key(text)


class VerdictTests(PlainTestCase):
    def test_good(self) -> None:
        """A good key makes a caller with its tenant, scopes, permissions and epoch."""
        caller = caller_of(FOUND, 10.0)
        self.assertEqual((caller.tenant_id, caller.credential_id, caller.epoch, caller.key_hash), ("tnt_1", "key_1", 7, b"h" * 32))
        self.assertEqual((caller.scopes, caller.permissions), (("mail.send", "alerts.read"), {"mail.send"}))
        self.assertNotIn("hhhh", repr(caller))

    def test_unknown_revoked_and_expired_answer_alike(self) -> None:
        """Who guesses learns nothing: an unknown key, a revoked and an expired one are refused in the same words."""
        for found in (None, replace(FOUND, revoked_at=1.0), replace(FOUND, expires_at=10.0), replace(FOUND, revoked_at=1.0, tenant_status="suspended")):
            error = self.assertRaises(Unauthenticated, caller_of, found, 10.0)
            self.assertEqual(str(error), REFUSED)
        self.assertEqual(caller_of(replace(FOUND, expires_at=10.5), 10.0).credential_id, "key_1")

    def test_suspended(self) -> None:
        """A tenant that is not active, or whose partner is not, is forbidden and told so."""
        for found in (replace(FOUND, tenant_status="suspended"), replace(FOUND, partner_status="deactivated")):
            error = self.assertRaises(Forbidden, caller_of, found, 10.0)
            self.assertIn("access forbidden", str(error))
