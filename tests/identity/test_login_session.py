from itertools import count

from scaisend.faults import Unavailable
from scaisend.http.cookies import CookieSession
from scaisend.http.reply import Headers
from scaisend.identity.jwt import Claims
from scaisend.identity.login import begin, read_attempt
from scaisend.identity.login_client import Tokens
from scaisend.identity.login_session import MOST_ATTEMPTS, LoginCookies, Refresh
from scaisend.sealing import Sealer
from tests.base import PlainTestCase
from tests.world.browser import Jar

NOW = 1_800_000_000.0
URL = "https://us.test/mail"


class LoginCookiesTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        numbers = count()
        self.random = lambda size: bytes([next(numbers)]) * size
        self.cookies = self.made_with(b"k" * 32)
        self.jar = Jar()

    def made_with(self, key: bytes, url: str = URL) -> LoginCookies:
        return LoginCookies(session=CookieSession(url), sealer=Sealer(key, self.random))

    def tokens(self, **more: str) -> Tokens:
        claims = Claims("ann", None, None, None, None, None, NOW, NOW + 600)
        return Tokens(**{"credential": "eyA.b.c", "claims": claims, "id_token": "eyI.b.c", "refresh_token": "r", **more})  # type: ignore[arg-type]

    def keep(self, headers: Headers) -> None:
        self.jar.take(URL + "/v3/auth/callback", [value for _, value in headers])

    def sent(self, path: str, **more: str) -> dict[str, str]:
        return {"cookie": self.jar.header(URL + path, **more)}  # type: ignore[arg-type]

    def test_a_session(self) -> None:
        """Scripts see nothing of it, and nothing goes along from another site."""
        self.keep(self.cookies.session(self.tokens(), NOW))
        self.assertTrue(all(each.is_hidden and each.is_secure and each.same_site == "strict" for each in self.jar.cookies.values()))
        self.assertIn("__Host-scaisend_session=eyA.b.c", self.sent("/v3/mail/send")["cookie"])
        self.assertEqual(self.cookies.read_refresh(self.sent("/v3/auth/refresh")), Refresh("r", "ann"))
        self.assertEqual(self.cookies.read_id_token(self.sent("/v3/auth/logout")), "eyI.b.c")
        self.assertEqual(self.sent("/v3/auth/logout", from_url="https://evil.test/"), {"cookie": ""})
        self.assertTrue(self.cookies.has_session(self.sent("/v3/auth/logout")))
        self.keep(self.cookies.session_over())
        self.assertEqual(self.jar.cookies, {})
        self.assertFalse(self.cookies.has_session({}))

    def test_what_is_sealed(self) -> None:
        """A refresh token cannot be read from its cookie, nor one be made up; another installation's is none."""
        self.keep(self.cookies.session(self.tokens(refresh_token="very-secret"), NOW))
        sent = self.sent("/v3/auth/refresh")
        self.assertNotIn("very-secret", sent["cookie"])
        self.assertIsNone(self.made_with(b"x" * 32).read_refresh(sent))
        for value in ("", "x", "é", "A" * 200, "%00"):
            self.assertIsNone(self.cookies.read_refresh({"cookie": f"__Host-scaisend_refresh={value}"}))

    def test_attempts(self) -> None:
        """Two tabs may log in at once; each attempt comes back from the provider, and ends by itself."""
        first, second = (begin(self.random, path, NOW) for path in ("/1", "/2"))
        for each in (first, second):
            self.keep(self.cookies.attempt(each, {}))
        back = self.sent("/v3/auth/callback", from_url="https://id.test/")
        for each in (first, second):
            self.assertEqual(read_attempt(self.cookies.read_attempt(back, each.state), NOW), each)
        self.assertIsNone(self.cookies.read_attempt(back, "x" * 43))
        self.assertEqual(self.sent("/v3/auth/callback", from_url="https://id.test/", method="POST"), {"cookie": ""})
        self.keep(self.cookies.attempt_over(first.state))
        self.assertEqual(len(self.jar.cookies), 1)
        for state in ("", "x", "a;b" + "x" * 40, "\r\n" + "x" * 41):
            self.assertEqual(self.cookies.attempt_over(state), ())

    def test_many_attempts(self) -> None:
        """A page that sends the browser to the login again and again fills no head: the oldest attempts are forgotten."""
        attempts = [begin(self.random, f"/{number}", NOW) for number in range(20)]
        for each in attempts:
            self.keep(self.cookies.attempt(each, self.sent("/v3/auth/login")))
        self.assertEqual(len(self.jar.cookies), MOST_ATTEMPTS)
        back = self.sent("/v3/auth/callback", from_url="https://id.test/")
        found = [self.cookies.read_attempt(back, each.state) is not None for each in attempts]
        self.assertEqual(found, [False] * 16 + [True] * 4)
        self.assertEqual(len(self.cookies.attempt(attempts[0], {"cookie": "; ".join(f"__Host-scaisend_login_{'x' * size}=1" for size in range(40))})), 1)

    def test_large_tokens(self) -> None:
        """What a browser would drop is refused, but an ID token, which is only a hint, is left out."""
        self.assertRaises(Unavailable, self.cookies.session, self.tokens(credential="x" * 4_000), NOW)
        self.assertRaises(Unavailable, self.cookies.session, self.tokens(refresh_token="x" * 4_000), NOW)
        self.assertEqual(len(self.cookies.session(self.tokens(id_token="x" * 4_000), NOW)), 2)

    def test_without_tls(self) -> None:
        """On this machine, over http, names have no prefix, and it works all the same."""
        cookies = self.made_with(b"k" * 32, "http://localhost:8000")
        self.jar.take("http://localhost:8000/v3/auth/callback", [value for _, value in cookies.session(self.tokens(), NOW)])
        self.assertEqual(sorted(each.name for each in self.jar.cookies.values()), ["scaisend_id_token", "scaisend_refresh", "scaisend_session"])
