"""A first deployment with the commands of docs/deployment.md alone: from an empty database to a mail that is delivered and told of."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from twisted.internet.threads import deferToThread

from tests.base import ReactorTestCase
from tests.journeys.test_webhooks import Receiver
from tests.world.counting_sink import CountingSink
from tests.world.dns_zone import DnsZone
from tests.world.documented import DocumentedHost, blocks, zone_lines
from tests.world.installation import QUICK
from tests.world.load import call
from tests.world.mariadb import private_mariadb
from tests.world.program import wait_until
from tests.world.redis_server import redis_server
from tests.world.scaikey import Scaikey

CONSOLE = "https://mail.example.org"
WITH_PROVIDER = "With an identity provider"


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


class DeploymentCase(ReactorTestCase):
    timeout = 400
    approves = True

    def setUp(self) -> None:
        self.sink, self.zone, self.app = CountingSink(), DnsZone(), Receiver()
        self.provider = Scaikey(approves=self.approves)
        self.addCleanup(self.zone.close)
        for each in (self.sink, self.app, self.provider):
            self.addCleanup(each.close)
        self.provider.lists = {
            "partners": [{"id": "prt-1", "name": "Partner", "status": "ACTIVE", "updated_at": "2026-01-01T00:00:00Z"}],
            "tenants": [{"id": "tnt-1", "name": "Acme", "slug": "acme", "partner_id": "prt-1", "status": "ACTIVE", "updated_at": "2026-01-01T00:00:00Z"}],
            "users": [{"id": "zoe", "email": "zoe@acme.example", "tenant_id": "tnt-1", "role": "tenant_admin", "updated_at": "2026-01-01T00:00:00Z"}],
            "groups": [],
        }
        self.host = DocumentedHost(
            private_mariadb(), redis_server(), {"https://id.example.org": self.provider.url, "https://app.example.org": self.app.url},
            **{
                **QUICK, "SMTP_ROUTES": f"*=127.0.0.1:{self.sink.port}", "DNS_RESOLVERS": f"127.0.0.1:{self.zone.port}", "INBOUND_SMTP_PORT": "off",
                "OPS_LISTEN": "off", "WEBHOOK_TARGETS": "any", "MX_CACHE_TTL": "1",
            },
        )
        self.addCleanup(self.host.close)

    def prepare(self) -> None:
        """Sections 4 and 5."""
        self.host.run(*blocks("Database"), *blocks("Settings"))

    def publish(self, output: str) -> None:
        """What `domains add` printed stands in DNS."""
        shown = json.loads(self.host.run("cd /etc/scaisend\nscaisend domains list --json 2>/dev/null"))
        for record in shown[0]["dns_records"]:
            self.assertIn(record["name"], output)
        self.zone.load(zone_lines(shown[0]["dns_records"]))

    def send_and_be_told(self, api_key: str) -> None:
        """Sections 8 and 9."""
        (domain,) = blocks("A sender domain")
        add, verify = domain.split("# publish the records", 1)
        output = self.host.run(add)
        self.publish(output)
        verify = "cd /etc/scaisend\n" + verify.partition("\n")[2]
        # The doctor looks at the world, in which this host's names and port 25 are nobody's: it has its say, and may say no.
        self.host.run(verify.replace("scaisend doctor", "scaisend doctor --no-blocklists || [ $? = 1 ]"))
        self.assertEqual(self.sink.copies, {"you@example.net": 1})
        self.host.run(*blocks("The application"), API_KEY=api_key)
        self.wait(lambda: [event for event in self.told() if event["event_type"] == "delivered"])
        self.assertEqual(self.sink.copies, {"you@example.net": 2})

    def told(self) -> list[dict[str, Any]]:
        """The events that the application was told."""
        return [event for _, _, body in self.app.posts for event in json.loads(body)]

    def wait(self, happened: Callable[[], object]) -> None:
        wait_until(happened, 60, lambda: self.host.logs())

    def log_in(self) -> str:
        """The token of the person that the provider lets in, by way of the login's redirects."""
        self.provider.person = {"sub": "zoe", "tenant_id": "tnt-1", "partner_id": "prt-1", "role": "tenant_admin", "email": "zoe@acme.example"}
        there, cookies, _ = self.visit(f"{self.host.url}/v3/auth/login")
        self.assertTrue(there.startswith(self.provider.url), there)
        back, _, _ = self.visit(there)
        self.assertTrue(back.startswith(f"{CONSOLE}/v3/auth/callback?"), back)
        _, _, body = self.visit(back.replace(CONSOLE, self.host.url), Cookie=cookies, Accept="application/json")
        given = json.loads(body)
        return str(given["access_token"])

    def visit(self, url: str, **headers: str) -> tuple[str, str, bytes]:
        """Where the answer leads, its cookies and its body."""
        try:
            with build_opener(_Stays).open(Request(url, headers=headers), timeout=30) as response:
                found, body = response.headers, response.read()
        except HTTPError as error:
            with error:
                found, body = error.headers, error.read()
            self.assertIn(error.code, (302, 303), f"{urlsplit(url).path}: {error.code} {body!r}")
        cookies = "; ".join(line.partition(";")[0] for line in found.get_all("Set-Cookie") or [])
        return found.get("Location", ""), cookies, body


class LocalTests(DeploymentCase):
    async def test_without_a_provider(self) -> None:
        """init prints the key; three services run; a domain, a mail, an event."""
        await deferToThread(self._deploy)

    def _deploy(self) -> None:
        self.prepare()
        made = self.host.run(*blocks("Schema, first tenant, first key"))
        (api_key,) = re.findall(r"api_key: (sg_live_[0-9a-f]{32})", made)
        self.assertIn('"status":"ready"', self.host.run(*blocks("Three services")).replace('": "', '":"'))
        self.send_and_be_told(api_key)


class ApprovedAtOnceTests(DeploymentCase):
    async def test_with_a_provider(self) -> None:
        """migrate, register, sync, login, a key, a domain, a mail, its event; and a tenant that is suspended at the provider sends no more."""
        await deferToThread(self._deploy)

    def _deploy(self) -> None:
        self.prepare()
        made = self.host.run(blocks(WITH_PROVIDER)[0])
        (api_key,) = re.findall(r"api_key: (sg_live_[0-9a-f]{32})", made)
        client = self.provider.client()
        self.assertEqual((client.wish["redirect_uris"], client.wish["webhook_url"]), ([f"{CONSOLE}/v3/auth/callback"], f"{CONSOLE}/webhooks/scaikey"))
        self.assertRegex(self.host.env_file(), rf"(?m)^SECRET_KEY=\w{{64}}\n(.*\n)*SCAIKEY_CLIENT_ID={client.client_id}$")
        self.host.run(*blocks("Three services"))
        token = self.log_in()
        status, body = call(self.host.url, "GET", "/v3/auth/me", token)
        self.assertEqual(status, 200, body)
        status, body = call(self.host.url, "POST", "/v3/api_keys", token, {"name": "by zoe", "scopes": ["mail.send"]})
        self.assertEqual(status, 201, body)
        self.send_and_be_told(api_key)
        self.assertEqual(self.provider.post_event(self.host.url, "tenant.suspended", resource={"type": "tenant", "id": "tnt-1"}), 200)
        for credential in (api_key, json.loads(body)["api_key"], token):
            self.assertEqual(call(self.host.url, "GET", "/v3/scopes", credential)[0], 403)


class ApprovedLaterTests(DeploymentCase):
    approves = False

    async def test_approved_another_day(self) -> None:
        """register ends undecided; once somebody approved, register-status writes the credentials and the sync runs."""
        await deferToThread(self._deploy)

    def _deploy(self) -> None:
        self.prepare()
        first, later = blocks(WITH_PROVIDER)
        code, output = self.host.try_run(first.replace(" register ", " register --wait 1 "))
        self.assertEqual((code, "PENDING" in output), (1, True), output)
        self.assertNotIn("SCAIKEY_CLIENT_ID", self.host.env_file())
        code, output = self.host.try_run(later)
        self.assertEqual((code, "PENDING" in output), (1, True), output)
        self.provider.decide()
        made = self.host.run(later)
        self.host.run(*blocks("Three services"))
        (api_key,) = re.findall(r"api_key: (sg_live_[0-9a-f]{32})", made)
        self.assertEqual(call(self.host.url, "GET", "/v3/scopes", api_key)[0], 200)
        self.assertTrue(self.log_in())
