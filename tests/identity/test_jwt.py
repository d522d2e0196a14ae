import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scaisend.faults import Invalid, Unauthenticated
from scaisend.identity.jwt import Claims, UnknownKey, is_token, read_keys, read_token
from tests.base import PlainTestCase
from tests.world.provider import AUDIENCE, ISSUER, NOW, Provider


def part(value: object) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")


class JwtTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.provider = Provider()
        self.provider.add("e1", "ES256")

    def read(self, token: str, *, now_s: float = NOW, **more: str) -> Claims:
        return read_token(token, read_keys(self.provider.jwks()), issuer=ISSUER, audience=AUDIENCE, now_s=now_s, **more)

    def test_good_tokens(self) -> None:
        """RS256 and ES256, one audience or several, with the claims that are used here; an unknown role is none."""
        for kid in ("r1", "e1"):
            found = self.read(self.provider.token(kid=kid, role="super_admin", tenant_id="t1", email="a@x.test", aud=["x", AUDIENCE]))
            self.assertEqual((found.subject, found.role, found.tenant, found.email), ("ann", "super_admin", "t1", "a@x.test"))
        self.assertIsNone(self.read(self.provider.token(role="root")).role)
        self.assertTrue(is_token(self.provider.token()))
        self.assertFalse(is_token("sg_live_" + "0" * 32))

    def test_wrong_claims(self) -> None:
        """Another issuer or audience, an expired or future token, one without what it must have, odd ids: each is refused."""
        for claims in (
            {"iss": "https://evil.test"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"exp": NOW - 60}, {"exp": None}, {"exp": "x"},
            {"nbf": NOW + 61}, {"iat": NOW + 61}, {"sub": None}, {"sub": ""}, {"sub": "é"}, {"tenant_id": 7}, {"tenant_id": "x" * 129},
        ):
            try:
                token = self.provider.token(**{"subject": "ann", **claims})
            except TypeError:
                continue
            self.assertRaises(Unauthenticated, self.read, token)
        for claims in ({"exp": NOW - 59}, {"nbf": NOW + 59}, {"iat": NOW + 59}):
            self.read(self.provider.token(**claims))

    def test_forged_tokens(self) -> None:
        """No signature, an HMAC under the public key, the other key's kid, a changed body, a critical header: each is refused."""
        header, body, signature = self.provider.token().split(".")
        pem = self.provider.keys["r1"][1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
        signed = f"{part({'alg': 'HS256', 'kid': 'r1'})}.{body}"
        hashed = part(hmac.new(pem, signed.encode(), hashlib.sha256).digest())
        evil = Provider().token(role="super_admin")
        for token in (
            f"{part({'alg': 'none'})}.{body}.", f"{part({'alg': 'none', 'kid': 'r1'})}.{body}.{signature}", f"{signed}.{hashed}",
            f"{header}.{part({'sub': 'x'})}.{signature}", f"{header}.{body}.", evil, self.provider.token(headers={"kid": "e1"}),
            self.provider.token(headers={"typ": "logout+jwt"}), self.provider.token(headers={"crit": ["exp"]}), "ey..", "eyJ.é.x",
        ):
            self.assertRaises(Unauthenticated, self.read, token)

    def test_keys(self) -> None:
        """An unknown key is told apart; keys of other kinds are passed over; what is no set is refused."""
        self.assertRaises(UnknownKey, self.read, self.provider.token(headers={"kid": "new"}))
        odd = [{"kty": "oct", "k": "AAAA", "kid": "r1"}, {"kty": "RSA"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, 1, {"kty": "EC", "crv": "P-521"}]
        self.assertEqual(read_keys(json.dumps({"keys": odd}).encode()), ())
        for body in (b"", b"[]", b"{}", b'{"keys": 1}', b"[" * 100_000):
            self.assertRaises(Invalid, read_keys, body)

    def test_nonce(self) -> None:
        """Where a nonce was sent the token has to repeat it."""
        self.read(self.provider.token(nonce="n"), nonce="n")
        for token in (self.provider.token(nonce="m"), self.provider.token()):
            self.assertRaises(Unauthenticated, self.read, token, nonce="n")
