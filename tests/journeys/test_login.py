"""People log in at a real OpenID provider, with a browser that keeps cookies as browsers do, at two API processes."""

import json
import time
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTP
from typing import Any

from tests.base import PlainTestCase
from tests.world.browser import Browser, Kept, Page
from tests.world.installation import Installation
from tests.world.mariadb import private_mariadb
from tests.world.oidc_provider import OidcProvider
from tests.world.ports import free_port
from tests.world.program import wait_until
from tests.world.redis_server import redis_server

SESSION, REFRESH, ID_TOKEN = "scaisend_session", "scaisend_refresh", "scaisend_id_token"
NOWHERE = 9
PAGE = {"Sec-Fetch-Site": "same-origin"}


class LoginJourney(PlainTestCase):
    def build(self, *, is_jwt: bool, lasts_s: int = 600) -> None:
        """Two API processes on MariaDB and Redis: the browser knows both as `localhost`, and the provider as another site."""
        self.house = Installation(NOWHERE, mariadb=private_mariadb(), redis=redis_server())
        self.addCleanup(self.house.close)
        self.one, self.two = (self.house.reserve(name).replace("127.0.0.1", "localhost") for name in ("one", "two"))
        tenant_id, (partner_id,) = self.house.tenant_id, self.house.ask("SELECT partner_id FROM tenants")[0]
        self.provider = OidcProvider(
            self.one, is_jwt=is_jwt, lasts_s=lasts_s, accounts={
                "ann": {"tenant_id": tenant_id, "role": "tenant_admin", "email": "ann@example.org", "name": "Ann"},
                "vic": {"tenant_id": tenant_id, "email": "vic@example.org", "name": "Vic"},
                "pat": {"partner_id": partner_id, "role": "partner_admin", "email": "pat@example.org", "name": "Pat"},
                "sue": {"role": "super_admin", "email": "sue@example.org", "name": "Sue"}, "nobody": {"email": "nobody@example.org", "name": "N"},
            },
        )
        self.addCleanup(self.provider.stop)
        self.provider.start()
        for name in ("one", "two"):
            self.house.start(name, "api", **self.provider.settings)
        self.browser = Browser()

    def _tab(self, cookies: Mapping[Any, Kept]) -> Browser:
        """A page of the same browser that has not heard of the others yet."""
        browser = Browser()
        browser.jar.cookies.update(cookies)
        return browser

    def log_in(self, account: str, *, path: str = "", browser: Browser | None = None) -> Page:
        return self.provider.log_in(browser or self.browser, f"{self.one}/v3/auth/login{path}", account)

    def me(self, url: str, *, browser: Browser | None = None) -> Any:
        answer = (browser or self.browser).ask("GET", f"{url}/v3/auth/me")
        self.assertEqual(answer.status, 200, (answer.body, self.house.logs()))
        return answer.json()

    def post(self, url: str, **headers: str) -> Page:
        return self.browser.ask("POST", url, headers=headers)

    def token(self) -> str:
        found = self.browser.jar.value(SESSION)
        assert found is not None
        return found

    def ask(self, token: str, path: str, *, behalf: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} | ({"on-behalf-of": behalf} if behalf else {})
        return Browser().ask("GET", self.two + path, headers=headers).status

    def test_a_day_in_the_console(self) -> None:
        """Login, session at both processes, refresh with rotation, keys that turn, logout: with the ID token as credential."""
        self.build(is_jwt=False)
        end = self.log_in("ann", path="?next=/docs")
        self.assertEqual((end.url, end.status), (f"{self.one}/docs", 200), end.body)
        for url in (self.one, self.two):
            me = self.me(url)
            self.assertEqual((me["email"], me["role"], me["tenant_id"]), ("ann@example.org", "tenant_admin", self.house.tenant_id))
        first = self.token()
        self.assertEqual(first, self.browser.jar.value(ID_TOKEN))
        self.assertEqual(self.ask(first, "/v3/templates"), 200)
        mail = {
            "personalizations": [{"to": [{"email": "jane@recipients.test"}]}], "from": {"email": self.house.sender}, "subject": "Hi",
            "content": [{"type": "text/plain", "value": "x"}],
        }
        headers = {"Authorization": f"Bearer {first}", "Content-Type": "application/json"}
        sent = Browser().ask("POST", f"{self.two}/v3/mail/send", body=json.dumps(mail).encode(), headers=headers)
        self.assertEqual(sent.status, 202, sent.body)
        self.assertEqual(self.house.ask("SELECT COUNT(*) FROM recipients"), [(1,)])

        self.assertEqual(self.post(f"{self.two}/v3/auth/refresh").status, 403)
        self.assertEqual(self.browser.ask("POST", f"{self.two}/v3/templates", body=b'{"name": "x"}').status, 403)
        made = self.browser.ask("POST", f"{self.two}/v3/templates", body=b'{"name": "x", "generation": "dynamic"}', headers=PAGE)
        self.assertEqual(made.status, 201, made.body)

        old = self.browser.jar.value(REFRESH)
        self.assertEqual(len(self.provider.rotate()), 2)
        time.sleep(1.1)  # tokens of one second are alike
        self.assertEqual(self.post(f"{self.two}/v3/auth/refresh", **PAGE).status, 200)
        self.assertNotEqual(self.token(), first)
        self.assertNotEqual(self.browser.jar.value(REFRESH), old)
        self.me(self.two)  # signed with the new key, which is looked up at once
        self.assertEqual(self.me(self.one)["email"], "ann@example.org")
        self.assertEqual(self.ask(first, "/v3/templates"), 200)  # the old key is still published

        kept = dict(self.browser.jar.cookies)
        tabs = [self._tab(kept) for _ in range(6)]
        with ThreadPoolExecutor(len(tabs)) as threads:
            asked = threads.map(lambda each: each[1].ask("POST", f"{(self.one, self.two)[each[0] % 2]}/v3/auth/refresh", headers=PAGE), enumerate(tabs))
            self.assertEqual([each.status for each in asked], [200] * len(tabs), self.house.logs())
        self.assertEqual(len({tab.jar.value(SESSION) for tab in tabs}), 1)
        self.browser = tabs[0]
        self.assertEqual(self.post(f"{self.one}/v3/auth/refresh", **PAGE).status, 200)

        leaving = self.browser.go(f"{self.one}/v3/auth/logout")
        self.assertEqual(leaving.status, 200, leaving.body)
        self.assertTrue(leaving.url.startswith(f"{self.provider.url}/session/end"))
        home = self.browser.submit(leaving, logout="yes")
        self.assertEqual((home.url, home.status), (f"{self.one}/", 200))
        self.assertIsNone(self.browser.jar.value(SESSION))
        self.assertEqual(self.browser.ask("GET", f"{self.one}/v3/auth/me").status, 401)
        page = self.browser.go(f"{self.one}/v3/auth/login")
        self.assertIn(b"password", page.body)  # the session at the provider is over too
        self.assertEqual(self.house.alarms(), [])

    def test_access_tokens(self) -> None:
        """The login ends at another process than it began at; the provider's JWT access token is the credential; two tabs at once."""
        self.build(is_jwt=True)
        browser = self.browser
        other_tab = browser.go(f"{self.one}/v3/auth/login?next=/health")
        page = browser.go(f"{self.one}/v3/auth/login?next=/ready")
        page = browser.submit(page, login="ann", password="any")
        callback = self._until_callback(page)
        end = browser.go(callback.replace(self.one, self.two), from_url=self.provider.url)
        self.assertEqual((end.url, end.status), (f"{self.one}/ready", 200))
        self.assertNotEqual(self.token(), browser.jar.value(ID_TOKEN))
        self.assertEqual(self.me(self.one)["email"], "ann@example.org")
        self.assertEqual(browser.go(callback).status, 400)
        again = self._until_callback(browser.submit(other_tab, login="ann", password="any"))
        self.assertTrue(browser.go(again, from_url=self.provider.url).url.endswith("/health"))
        self.assertEqual(Browser().go(again).status, 400)

    def _until_callback(self, page: Page) -> str:
        """The callback that the browser is sent to from the provider's page, not gone to yet."""
        callback = f"{self.one}/v3/auth/callback"
        form_url = page.url
        while not page.url.startswith(callback):
            action = page.body.decode().partition('action="')[2].partition('"')[0]
            prompt = page.body.decode().partition('name="prompt" value="')[2].partition('"')[0]
            page = self.browser.go(action, form={"prompt": prompt, "login": "ann", "password": "any"}, from_url=form_url, stop_at=callback)
        return page.url

    def test_who_sees_what(self) -> None:
        """A user without roles, a partner admin, a super admin and a stranger; acting for others; a role counts on the next request."""
        self.build(is_jwt=False)
        people = {}
        for account in ("vic", "pat", "sue"):
            browser = people[account] = Browser()
            self.assertEqual(self.log_in(account, browser=browser).url, f"{self.one}/", account)
        refused = self.log_in("nobody", browser=Browser())
        self.assertEqual((refused.status, refused.url.partition("?")[0]), (403, f"{self.one}/v3/auth/callback"))
        token = {account: browser.jar.value(SESSION) or "" for account, browser in people.items()}
        tenant_id = self.house.tenant_id
        self.assertEqual((self.ask(token["vic"], "/v3/templates"), self.ask(token["pat"], "/v3/templates"), self.ask(token["sue"], "/v3/templates")), (403, 403, 403))
        for account in ("pat", "sue"):
            self.assertEqual(self.ask(token[account], "/api/admin/tenants"), 200)
            for name in (tenant_id, f"account-id {tenant_id}"):
                self.assertEqual(self.ask(token[account], "/v3/templates", behalf=name), 200, (account, name))
            self.assertEqual(self.ask(token[account], "/v3/templates", behalf="tnt_nowhere"), 403)
        self.assertEqual(self.ask(self.house.api_key, "/v3/templates", behalf=tenant_id), 403)

        vic, (viewer,) = self.me(self.one, browser=people["vic"])["user_id"], self.house.ask("SELECT id FROM roles WHERE name = 'viewer'")[0]
        self._call("POST", f"{self.one}/api/admin/users/{vic}/roles/{viewer}")
        self.assertEqual(self.ask(token["vic"], "/v3/templates"), 200)
        self._call("DELETE", f"{self.one}/api/admin/users/{vic}/roles/{viewer}")
        self.assertEqual(self.ask(token["vic"], "/v3/templates"), 403)

    def _call(self, method: str, url: str) -> None:
        answer = Browser().ask(method, url, headers={"Authorization": f"Bearer {self.house.api_key}"})
        self.assertIn(answer.status, (200, 204), answer.body)

    def test_tokens_end(self) -> None:
        """A token that is over is refused and refreshed; a key that is published no more is not believed once the set is read again."""
        self.build(is_jwt=False, lasts_s=600)
        self.log_in("ann")
        old = self.token()
        self.provider.rotate()
        self.provider.forget()
        time.sleep(1.1)
        self.assertEqual(self.post(f"{self.one}/v3/auth/refresh", **PAGE).status, 200)
        self.assertEqual(self.ask(self.token(), "/v3/auth/me"), 200)
        self.assertEqual(self.ask(old, "/v3/auth/me"), 401)

    def test_the_provider_is_away(self) -> None:
        """Sessions go on with the keys that are known; a login and a refresh get 503 with a time to wait, and keep their cookies."""
        self.build(is_jwt=False)
        self.log_in("ann")
        self.me(self.one)
        self.provider.stop()
        self.me(self.one)
        answer = self.post(f"{self.one}/v3/auth/refresh", **PAGE)
        self.assertEqual((answer.status, "retry-after" in answer.headers), (503, True))
        self.assertIsNotNone(self.browser.jar.value(REFRESH))
        self.house.stop("two")
        self.house.start("two", "api", **self.provider.settings)
        login = self.browser.ask("GET", f"{self.two}/v3/auth/login")
        self.assertEqual((login.status, login.json()["detail"]), (503, "the identity provider is not available at the moment, please try again"))
        self.provider.start()
        wait_until(lambda: self.browser.ask("GET", f"{self.two}/v3/auth/login").status == 302, 40.0, lambda: "it stays away", 1.0)


class LockoutJourney(PlainTestCase):
    def test_guessing_everywhere(self) -> None:
        """Wrong keys from one address are counted by two APIs and a submission listener together, behind a proxy by its client; good keys go on."""
        house = Installation(NOWHERE, mariadb=private_mariadb(), redis=redis_server())
        self.addCleanup(house.close)
        port = free_port()
        for name in ("one", "two"):
            house.start(name, "api", TRUSTED_PROXIES="192.0.2.0/24")
        house.start("smtp", "smtp", SUBMISSION_LISTEN=f"127.0.0.1:{port}", SUBMISSION_PLAIN_AUTH="loopback")

        def ask(name: str, key: str, client: str = "198.51.100.7") -> int:
            proxied = {"X-Forwarded-For": f"203.0.113.1, {client}, 192.0.2.9"} if client else {}
            return Browser().ask("GET", f"{house.url(name)}/v3/scopes", headers={"Authorization": f"Bearer {key}", **proxied}).status

        self.assertEqual(ask("one", house.api_key), 200)
        _begin_early()
        seen = [ask(("one", "two")[number % 2], f"sg_live_{number:032x}") for number in range(56)]
        self.assertIn(429, seen, json.dumps(seen))
        self.assertLessEqual(seen.index(429), 53)
        self.assertEqual(set(seen[54:]), {429})
        self.assertEqual(ask("one", house.api_key), 200)
        self.assertEqual(ask("one", "sg_live_" + "f" * 32, client="198.51.100.8"), 401)

        self.assertEqual(self._auth(port, house.api_key), 235)
        _begin_early()
        seen = [self._auth(port, f"guess-{number}") if number % 2 else ask("two", f"guess-{number}", client="") for number in range(60)]
        self.assertEqual((seen[:40].count(535), seen[:40].count(401)), (20, 20))
        self.assertEqual(set(seen[56:]), {454, 429})
        self.assertEqual(self._auth(port, house.api_key), 235)

    def _auth(self, port: int, password: str) -> int:
        with SMTP("127.0.0.1", port, timeout=30) as client:
            client.ehlo()
            return client.docmd("AUTH", "PLAIN " + b64encode(f"\0apikey\0{password}".encode()).decode())[0]


def _begin_early() -> None:
    """At least half of the minute in which failures are counted is left."""
    late = time.time() % 60 - 30
    if late > 0:
        time.sleep(30.5 - late)
