import hashlib
from base64 import urlsafe_b64encode
from itertools import count
from urllib.parse import parse_qs, urlsplit

from scaisend.faults import Forbidden, Invalid, Unavailable
from scaisend.identity.login import (
    ATTEMPT_S,
    authorization_url,
    begin,
    check_answer,
    check_next,
    logout_url,
    read_attempt,
)
from tests.base import PlainTestCase

NOW = 1_800_000_000.0
ISSUER = "https://id.test"


class LoginTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        numbers = count()
        self.attempt = begin(lambda size: bytes([next(numbers)]) * size, "/x", NOW)

    def test_the_way_there(self) -> None:
        """The browser takes along the state, the nonce and the S256 challenge, and never the verifier."""
        url = authorization_url("https://id.test/a?realm=x", self.attempt, client_id="c", redirect_uri="https://us.test/cb?x=1", scopes="openid email")
        asked = parse_qs(urlsplit(url).query)
        challenge = urlsafe_b64encode(hashlib.sha256(self.attempt.verifier.encode()).digest()).decode().rstrip("=")
        self.assertEqual(asked, {
            "realm": ["x"], "response_type": ["code"], "client_id": ["c"], "redirect_uri": ["https://us.test/cb?x=1"], "scope": ["openid email"],
            "state": [self.attempt.state], "nonce": [self.attempt.nonce], "code_challenge": [challenge], "code_challenge_method": ["S256"],
        })
        self.assertNotIn(self.attempt.verifier, url)
        self.assertEqual({len(each) for each in (self.attempt.state, self.attempt.nonce, self.attempt.verifier)}, {43})
        self.assertEqual(len({self.attempt.state, self.attempt.nonce, self.attempt.verifier}), 3)
        offline = authorization_url("https://id.test/a", self.attempt, client_id="c", redirect_uri="r", scopes="openid offline_access")
        self.assertIn("&prompt=consent", offline)

    def test_the_way_back(self) -> None:
        """Only the answer to this attempt, by this provider, with one code, goes on."""
        good = {"state": [self.attempt.state], "code": ["abc"], "iss": [ISSUER]}
        self.assertEqual(self.answer(good), "abc")
        for change, error in (
            ({"state": ["x"]}, Invalid), ({"state": ["é"]}, Invalid), ({"state": [self.attempt.state] * 2}, Invalid), ({"iss": ["https://evil.test"]}, Invalid),
            ({"code": []}, Invalid), ({"code": [""]}, Invalid), ({"code": ["a", "b"]}, Invalid), ({"code": ["x" * 5_000]}, Invalid),
            ({"error": ["access_denied"]}, Forbidden), ({"error": ["server_error"]}, Unavailable), ({"error": ["<script>"]}, Unavailable),
            ({"error": ["access_denied"], "state": ["x"]}, Invalid),
        ):
            self.assertRaises(error, self.answer, good | change)
        nameless = {name: values for name, values in good.items() if name != "iss"}
        self.assertRaises(Invalid, self.answer, nameless)
        self.assertEqual(check_answer(self.attempt, nameless, issuer=ISSUER, names_itself=False), "abc")

    def answer(self, query: dict[str, list[str]]) -> str:
        return check_answer(self.attempt, query, issuer=ISSUER, names_itself=True)

    def test_attempts_end(self) -> None:
        """An attempt is good for ten minutes; without one there is no login."""
        packed = self.attempt.packed()
        self.assertEqual(read_attempt(packed, NOW + ATTEMPT_S - 1), self.attempt)
        for given, moment in ((packed, NOW + ATTEMPT_S), (packed, NOW - 61), (None, NOW)):
            self.assertRaises(Invalid, read_attempt, given, moment)

    def test_next_leads_nowhere_else(self) -> None:
        """Only a path of ours."""
        for path in ("/", "/docs", "/a?b=c&d=%2F#e", "/a//b", "/@evil.test", "/%5cevil.test"):
            self.assertEqual(check_next(path), path)
        for nothing in (None, ""):
            self.assertEqual(check_next(nothing), "/")
        for path in (
            "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "https://evil.test", "evil.test", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y",
            "/\t/evil.test", "/é", "/a b", " /a", "@evil.test", ".evil.test", "/" + "a" * 2_000,
        ):
            self.assertRaises(Invalid, check_next, path)

    def test_logout(self) -> None:
        """The provider is told who asks and where to send the browser, and whose session it is if that is known."""
        url = logout_url("https://id.test/end", client_id="c", back_to="https://us.test/", id_token=None)
        self.assertEqual(url, "https://id.test/end?client_id=c&post_logout_redirect_uri=https%3A%2F%2Fus.test%2F")
        self.assertTrue(logout_url("https://id.test/end", client_id="c", back_to="/", id_token="a.b.c").endswith("&id_token_hint=a.b.c"))
