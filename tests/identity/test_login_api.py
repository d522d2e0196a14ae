import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.internet.task import deferLater

from scaisend.http.cookies import CookieSession
from scaisend.http.outgoing import Answer
from scaisend.identity.audit_store import acts
from scaisend.identity.authenticate import Authenticator
from scaisend.identity.bearer import Bearers
from scaisend.identity.keys_store import find_credential
from scaisend.identity.lockout import Lockout
from scaisend.identity.login_api import VISITS, LoginApi
from scaisend.identity.login_client import LoginClient
from scaisend.identity.login_session import LoginCookies
from scaisend.identity.mirror_store import seen_across_tenants
from scaisend.identity.oidc_client import OidcClient
from scaisend.identity.people_store import set_tenant_status
from scaisend.identity.refreshing import Refreshing
from scaisend.sealing import Sealer
from scaisend.storage.memory_limiter import MemoryLimiter
from tests.base import PlainTestCase
from tests.world.browser import Jar
from tests.world.inline_database import inline_database
from tests.world.provider import AUDIENCE, ISSUER
from tests.world.provider_login import SECRET, LoginProvider
from tests.world.tenants import id_maker, make_a_key, make_a_tenant
from tests.world.web_client import Answered, Web

US = "https://us.test"
PAGE = {"sec_fetch_site": "same-origin"}


class Process:
    """One API process: its door and its login, on a database and a provider that it shares with others."""

    def __init__(self, case: "LoginApiTests", *, audience: str = "", has_provider: bool = True) -> None:
        clock, database = lambda: case.clock(), case.database
        oidc = OidcClient(outgoing=case.provider, api_url=ISSUER, client_id=AUDIENCE, audience=audience, jwks_url="", issuer="", now_s=clock)
        limiter, session = MemoryLimiter(clock=clock), CookieSession(US)
        lockout = Lockout(limiter.take)
        keys = Authenticator(look_up=lambda key_hash: database.run(find_credential, key_hash), note_use=lambda *_: None, lockout=lockout)
        identity = Bearers(
            keys=keys, claims_of=oidc.claims, lockout=lockout,
            stand=lambda claims, behalf: database.run(seen_across_tenants, case.ids, claims, behalf, now_s=clock()),
        )
        client = LoginClient(oidc=oidc, outgoing=case.provider, client_id=AUDIENCE, secret=SECRET)
        sealer = Sealer(b"k" * 32, case.random)
        refreshing = Refreshing(client=client, database=database, sealer=sealer, wait=lambda seconds: deferLater(self.web.clock, seconds))
        api = LoginApi(
            client=client if has_provider else None, refreshing=refreshing if has_provider else None, cookies=LoginCookies(session=session, sealer=sealer),
            session=session, base_url=US + "/", scopes="openid profile email", identity=identity, lockout=lockout, take=limiter.take, database=database,
            random_bytes=case.random,
        )
        self.web = Web(api.routes(), session=session, identity=identity)


class LoginApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids, self.provider, self.jar = inline_database(), id_maker(), LoginProvider(), Jar()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.made = 0
        self.here = Process(self)
        self.there = Process(self)
        self.person = {"tenant_id": self.tenant.id, "role": "tenant_admin", "email": "ann@example.org", "name": "Ann"}

    def clock(self) -> float:
        return self.here.web.clock.seconds()

    def pass_time(self, seconds: float) -> None:
        for each in (self.here, self.there):
            each.web.clock.advance(seconds)

    def random(self, size: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(4, "big") * (size // 4)

    def visit(
        self, method: str, path: str, *, at: Process | None = None, from_url: str | None = None, body: object = None, **headers: str,
    ) -> Answered:
        """What the browser is answered; it keeps cookies."""
        url = US + path
        if cookies := self.jar.header(url, from_url=from_url, method=method):
            headers.setdefault("cookie", cookies)
        content = b"" if body is None else json.dumps(body).encode()
        answer = (at or self.here).web.ask(method, path, credential=None, body=content, **headers)
        self.jar.take(url, answer.set_cookies)
        return answer

    def begin(self, path: str = "/v3/auth/login") -> str:
        """Where the browser is sent to log in."""
        answer = self.visit("GET", path)
        self.assertEqual(answer.status, 302, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.headers["location"]

    def back(self, url: str, **more: Any) -> Answered:
        self.assertTrue(url.startswith(f"{US}/v3/auth/callback?"))
        return self.visit("GET", url.removeprefix(US), from_url=ISSUER, **more)

    def log_in(self, **claims: Any) -> Answered:
        return self.back(self.provider.log_in(self.begin(), **{**self.person, **claims}))

    def errors(self, answer: Answered, status: int) -> str:
        self.assertEqual(answer.status, status, answer.body)
        self.assertFalse(any("scaisend_session=ey" in each for each in answer.set_cookies))
        return str(answer.json()["detail"])

    def test_the_whole_way(self) -> None:
        """Begun at one process and ended at the other, a login ends at `next` with a session that is a credential everywhere."""
        url = self.provider.log_in(self.begin("/v3/auth/login?next=/docs%3Fa=b"), **self.person)
        done = self.back(url, at=self.there)
        self.assertEqual((done.status, done.headers["location"]), (302, f"{US}/docs?a=b"))
        self.assertEqual(len(done.set_cookies), 4)
        me = self.visit("GET", "/v3/auth/me").json()
        self.assertEqual((me["email"], me["name"], me["role"], me["tenant_id"]), ("ann@example.org", "Ann", "tenant_admin", self.tenant.id))
        self.assertIn("mail.send", me["permissions"])
        token = self.jar.value("__Host-scaisend_session")
        assert token is not None
        self.assertEqual(self.here.web.ask("GET", "/v3/auth/me", credential=token).json(), me)
        (act,) = self.database.now(acts, self.tenant.id, before=None, most=9)
        self.assertEqual((act.action, act.actor), ("session.begin", me["user_id"]))

    def test_once(self) -> None:
        """The way back works once, in the browser that went, within ten minutes."""
        url = self.provider.log_in(self.begin(), **self.person)
        self.assertIn("not begun in this browser", self.errors(self.here.web.ask("GET", url.removeprefix(US), credential=None), 400))
        kept = dict(self.jar.cookies)
        self.assertEqual(self.back(url).status, 302)
        self.errors(self.back(url), 400)
        self.jar.cookies = kept
        self.errors(self.back(url), 401)
        late = self.provider.log_in(self.begin(), **self.person)
        self.pass_time(601)
        self.errors(self.back(late), 400)

    def test_another_ones_login(self) -> None:
        """Who is lured to the end of another one's login, or to one of another provider, is not logged in."""
        mine, theirs = self.begin(), Process(self).web.ask("GET", "/v3/auth/login", credential=None).headers["location"]
        self.errors(self.back(self.provider.log_in(theirs, **self.person)), 400)
        good = self.provider.log_in(mine, **self.person)
        self.errors(self.back(good.replace("id.test", "evil.test")), 400)

    def test_the_provider_refuses(self) -> None:
        """Who is refused there is told so, once; what the provider says of it is not repeated."""
        for error, status in (("access_denied", 403), ("server_error", 503)):
            state = parse_qs(urlsplit(self.begin()).query)["state"][0]
            url = f"{US}/v3/auth/callback?state={state}&iss={ISSUER}&error={error}&error_description=<b>x</b>"
            self.assertNotIn("<b>", self.errors(self.back(url), status))
            self.errors(self.back(url), 400)

    def test_tokens_that_are_not_for_this_login(self) -> None:
        """An ID token with another nonce, audience, issuer, user or an old date is none, whatever the access token says."""
        for claims in (
            {"nonce": "x"}, {"nonce": None}, {"aud": "other"}, {"iss": "https://evil.test"}, {"exp": self.clock() - 120}, {"iat": self.clock() + 120},
        ):
            self.provider.id_claims = claims
            self.errors(self.log_in(), 401)
        self.provider.id_claims, self.provider.access_claims = {"sub": "bob"}, {}
        self.errors(self.log_in(), 401)

    def test_which_token(self) -> None:
        """The access token is the credential where it is a JWT for us that names the account, else the ID token."""
        for access, is_access in ((None, False), ({}, True), ({"aud": "other"}, False), ({"tenant_id": None}, False)):
            self.provider.access_claims = None if access is None else {**access, "jti": "access"}
            self.assertEqual(self.log_in().status, 302)
            token = self.jar.value("__Host-scaisend_session")
            self.assertEqual(token != self.jar.value("__Host-scaisend_id_token"), is_access, access)
        self.here = Process(self, audience="api")
        self.provider.access_claims = {"aud": "api"}
        self.assertEqual(self.log_in().status, 302)
        self.provider.access_claims = None
        self.assertIn("SCAIKEY_AUDIENCE", self.errors(self.log_in(), 503))

    def test_who_may_not(self) -> None:
        """Who belongs to no tenant, an unknown one or one that is suspended gets 403 and no session."""
        self.errors(self.log_in(tenant_id=None, role=None), 403)
        self.errors(self.log_in(tenant_id="nowhere"), 403)
        self.database.now(set_tenant_status, self.tenant.id, "suspended", now_s=self.clock())
        self.errors(self.log_in(), 403)

    def test_the_provider_misbehaves(self) -> None:
        """Whatever it answers, the caller is told something useful and nothing internal, and nobody is logged in."""
        for answer, status, word in (
            (Answer(500, b"<html>Traceback</html>", {}), 503, "identity provider"), (Answer(200, b"[]", {}), 503, "identity provider"),
            (Answer(200, b"{}", {}), 503, "openid"), (Answer(200, b'{"id_token": 7}', {}), 503, "openid"), (Answer(200, b'{"id_token": "a.b.c"}', {}), 401, "invalid"),
            (Answer(401, b'{"error": "invalid_client"}', {}), 503, "SCAIKEY_CLIENT_SECRET"), (Answer(429, b"{}", {"retry-after": "77"}), 503, "identity"),
            (Answer(302, b"", {"location": "https://evil.test"}), 503, "identity provider"),
        ):
            url = self.provider.log_in(self.begin(), **self.person)
            self.provider.answers.append(answer)
            told = self.back(url)
            self.assertIn(word, self.errors(told, status))
            self.assertNotIn(b"Traceback", told.body)
            if answer.status == 429:
                self.assertEqual(told.headers["retry-after"], "77")
        url = self.provider.log_in(self.begin(), **self.person)
        self.provider.is_away = True
        self.errors(self.back(url), 503)
        self.here = Process(self)
        self.errors(self.visit("GET", "/v3/auth/login"), 503)

    def test_metadata(self) -> None:
        """Endpoints without TLS, or none at all, are not gone to."""
        for change in ({"token_endpoint": "http://id.test/token"}, {"authorization_endpoint": "javascript:x"}, {"authorization_endpoint": None}, {"jwks_uri": 7}):
            self.provider.metadata = {**LoginProvider().metadata, **change}
            self.here = Process(self)
            self.errors(self.visit("GET", "/v3/auth/login"), 503)

    def test_open_redirects(self) -> None:
        """Nobody is led from here to where a link says."""
        for path in ("//evil.test", "https://evil.test", "/%5Cevil.test", "/%0d%0aSet-Cookie:%20a=b"):
            self.errors(self.visit("GET", f"/v3/auth/login?next={path}"), 400)

    def test_refresh(self) -> None:
        """The session goes on with a new token; the refresh token turns, and an old one ends the session."""
        self.log_in()
        old = dict(self.jar.cookies)
        self.pass_time(300)
        self.provider.now = self.clock()
        answer = self.visit("POST", "/v3/auth/refresh", at=self.there, **PAGE)
        self.assertEqual((answer.status, answer.json()), (200, {"expires_in": 600}))
        self.pass_time(400)  # the first token is over
        self.assertEqual(self.visit("GET", "/v3/auth/me").status, 200)
        self.jar.cookies = old
        self.assertEqual(self.visit("GET", "/v3/auth/me").status, 401)
        self.assertEqual(len(self.provider.refreshes), 1)
        self.errors(self.visit("POST", "/v3/auth/refresh", **PAGE), 401)
        self.assertEqual(self.jar.cookies, {})
        self.errors(self.visit("POST", "/v3/auth/refresh", **PAGE), 401)

    def test_refresh_from_elsewhere(self) -> None:
        """Another site can refresh nothing; while the provider is away the session stays what it is."""
        self.log_in()
        self.errors(self.visit("POST", "/v3/auth/refresh", sec_fetch_site="cross-site"), 403)
        self.errors(self.visit("POST", "/v3/auth/refresh"), 403)
        self.provider.is_away = True
        self.errors(self.visit("POST", "/v3/auth/refresh", **PAGE), 503)
        self.provider.is_away = False
        self.provider.answers.append(Answer(200, json.dumps({"access_token": "x", "id_token": self.provider.token("bob", **self.person)}).encode(), {}))
        self.errors(self.visit("POST", "/v3/auth/refresh", **PAGE), 401)

    def test_refresh_while_suspended(self) -> None:
        """A tenant that is suspended gets no further, but its session is not lost for the time after."""
        self.log_in()
        self.database.now(set_tenant_status, self.tenant.id, "suspended", now_s=self.clock())
        self.assertEqual(self.visit("POST", "/v3/auth/refresh", **PAGE).status, 403)
        self.database.now(set_tenant_status, self.tenant.id, "active", now_s=self.clock())
        self.assertEqual(self.visit("POST", "/v3/auth/refresh", **PAGE).status, 200)

    def test_programs(self) -> None:
        """A program that asks for JSON has the tokens in its hands, and refreshes with them."""
        given = self.back(self.provider.log_in(self.begin(), **self.person), accept="application/json").json()
        self.assertEqual((given["token_type"], given["expires_in"]), ("Bearer", 600))
        self.assertEqual(self.here.web.ask("GET", "/v3/auth/me", credential=given["access_token"]).status, 200)
        self.jar = Jar()
        again = self.visit("POST", "/v3/auth/refresh", body={"refresh_token": given["refresh_token"]})
        self.assertEqual((again.status, again.set_cookies), (200, ()))
        self.assertEqual(self.here.web.ask("GET", "/v3/auth/me", credential=again.json()["access_token"]).status, 200)
        same = self.visit("POST", "/v3/auth/refresh", body={"refresh_token": given["refresh_token"]}, at=self.there)
        self.assertEqual(same.json()["refresh_token"], again.json()["refresh_token"])
        self.pass_time(61)
        self.errors(self.visit("POST", "/v3/auth/refresh", body={"refresh_token": given["refresh_token"]}), 401)
        self.errors(self.visit("POST", "/v3/auth/refresh", body={}), 400)

    def test_logout(self) -> None:
        """The session ends here and at the provider, where the refresh token is given up."""
        self.log_in()
        id_token = self.jar.value("__Host-scaisend_id_token")
        answer = self.visit("GET", "/v3/auth/logout")
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        self.assertEqual(asked, {"client_id": [AUDIENCE], "post_logout_redirect_uri": [f"{US}/"], "id_token_hint": [id_token]})
        self.assertEqual((self.jar.cookies, len(self.provider.revoked), len(self.provider.refreshes)), ({}, 1, 1))
        self.assertEqual(self.visit("GET", "/v3/auth/logout").headers["location"], f"{US}/")
        self.assertEqual(self.visit("GET", "/v3/auth/me").status, 401)

    def test_logout_by_script(self) -> None:
        """A page of ours learns where the browser has to go; another site ends nobody's session."""
        self.log_in()
        for headers in ({}, {"sec_fetch_site": "cross-site"}, {"origin": "https://evil.test"}):
            self.errors(self.visit("POST", "/v3/auth/logout", **headers), 403)
        self.errors(self.visit("GET", "/v3/auth/logout", sec_fetch_site="cross-site"), 403)
        self.assertEqual(self.visit("GET", "/v3/auth/logout", from_url="https://evil.test/").headers["location"], f"{US}/")
        self.assertNotEqual(self.jar.cookies, {})
        answer = self.visit("POST", "/v3/auth/logout", **PAGE)
        self.assertTrue(answer.json()["logout_url"].startswith(f"{ISSUER}/end?client_id="))
        self.assertEqual((self.jar.cookies, self.visit("POST", "/v3/auth/logout", **PAGE).status), ({}, 204))

    def test_logout_while_the_provider_is_away(self) -> None:
        """Here the session ends all the same."""
        self.log_in()
        self.provider.is_away = True
        self.pass_time(100_000)
        self.assertEqual(self.visit("GET", "/v3/auth/logout").headers["location"], f"{US}/")
        self.assertEqual(self.jar.cookies, {})

    def test_limits(self) -> None:
        """An address may begin so many logins a minute, and wrong refresh tokens lock it out."""
        for number in range(50):
            self.errors(self.visit("POST", "/v3/auth/refresh", body={"refresh_token": f"wrong-{number}"}), 401)
        self.errors(self.visit("POST", "/v3/auth/refresh", body={"refresh_token": "wrong"}), 429)
        self.here = Process(self)
        for _ in range(VISITS.count):
            self.begin()
        self.errors(self.visit("GET", "/v3/auth/login"), 429)

    def test_local_identity(self) -> None:
        """Without a provider there is nowhere to log in, and the answer says what to do; a key still learns what it is."""
        self.here = Process(self, has_provider=False)
        for method, path in (("GET", "/v3/auth/login"), ("GET", "/v3/auth/callback"), ("POST", "/v3/auth/refresh")):
            answer = self.visit(method, path)
            self.assertIn("no identity provider", self.errors(answer, 404))
            self.assertIn("API key", answer.json()["errors"][0]["help"])
        self.assertEqual(self.visit("GET", "/v3/auth/logout").headers["location"], f"{US}/")
        key = make_a_key(self.database, self.ids, self.tenant.id)
        me = self.here.web.ask("GET", "/v3/auth/me", credential=key).json()
        self.assertEqual((me["user_id"], me["tenant_id"], me["tenant_name"], me["permissions"]), (None, self.tenant.id, "Acme", ["mail.send"]))
        self.assertTrue(me["api_key_id"].startswith("key_"))
