"""/api/admin/domains, with a real resolver and a zone that changes."""

import json
from datetime import UTC, datetime
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from scaisend.caller import Caller
from scaisend.domains.api import DomainsApi
from scaisend.domains.dns_client import DnsClient
from scaisend.domains.domains import Domains
from scaisend.domains.records import Hosts
from scaisend.domains.store import signing_keys, verified_domains
from scaisend.faults import Conflict, Invalid, NotFound
from scaisend.http.call import Call
from scaisend.identity.audit_store import acts
from scaisend.sealing import Sealer
from tests.base import ReactorTestCase
from tests.world.dns_zone import DnsZone
from tests.world.inline_database import inline_database
from tests.world.tenants import NOW, id_maker

HOSTS = Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net")
ONE = "/api/admin/domains/<domain_id>"


class DomainsApiTests(ReactorTestCase):
    """The life of a domain as its admin sees it."""

    def setUp(self) -> None:
        self.zone = DnsZone()
        self.addCleanup(self.zone.close)
        self.database = inline_database()
        resolver = DnsClient(
            reactor=reactor, nameservers=[self.zone.address], clock=reactor.seconds, cache_cap_s=0, timeout_s=5, lifetime_s=10)
        self.domains = Domains(
            database=self.database, resolver=resolver, sealer=Sealer(b"secret", lambda count: b"n" * count), ids=id_maker(),
            in_thread=deferToThread, hosts=HOSTS,
        )
        self.routes = {(each.method, each.path): each for each in DomainsApi(domains=self.domains).routes()}

    async def call(self, method: str, path: str, domain_id: str = "", body: object = None, tenant: str = "tnt_a") -> Any:
        caller = Caller(tenant, "prt_1", "key_1", frozenset())
        call = Call(
            caller=caller, path={"domain_id": domain_id}, body=json.dumps(body).encode(), now_s=NOW, remote="192.0.2.1", request_id="req_1")
        reply = await self.routes[method, path].call(call)
        self.status = reply.status
        return json.loads(reply.body)["data"] if reply.body else None

    async def add(self, name: str = "example.com", tenant: str = "tnt_a") -> Any:
        return await self.call("POST", "/api/admin/domains", body={"domain": name}, tenant=tenant)

    async def verify(self, domain: Any, tenant: str = "tnt_a") -> Any:
        return await self.call("POST", f"{ONE}/verify", domain["id"], tenant=tenant)

    async def publish(self, *domains: str, tenant: str = "tnt_a", keep: str = "") -> str:
        lines = [line for each in domains for line in self.domains.zone_lines(await self.domains.one(tenant, each))]
        self.zone.load("\n".join(lines) + "\n" + keep)
        return "\n".join(lines) + "\n"

    async def test_life(self) -> None:
        """Added, published as told, verified: valid throughout, and mail may be sent and signed; deleted, it is gone."""
        made = await self.add("Example.COM.")
        self.assertEqual((self.status, made["domain"], made["verified"]), (201, "example.com", False))
        self.assertEqual({each["purpose"] for each in made["dns_records"]}, {"dkim", "spf", "dmarc", "return_path", "return_path_spf"})
        self.assertFalse((await self.verify(made))["verified"])
        await self.publish("example.com")
        self.assertFalse((await self.call("GET", ONE, made["id"]))["verified"])
        after = await self.verify(made)
        self.assertEqual((after["verified"], after["return_path_ready"]), (True, True))
        self.assertEqual({(each["valid"], bool(each["found"])) for each in after["dns_records"]}, {(True, True)})
        self.assertEqual(await self.call("GET", f"{ONE}/dns-records", made["id"]), after["dns_records"])
        self.assertEqual(await self.call("GET", "/api/admin/domains"), [after])
        self.assertEqual(self.database.now(verified_domains, [("tnt_a", "example.com")]), {("tnt_a", "example.com")})
        self.assertEqual(len(self.database.now(signing_keys, "tnt_a", "example.com")), 2)
        await self.call("DELETE", ONE, made["id"])
        self.assertEqual(self.status, 204)
        with self.assertRaises(NotFound):
            await self.call("GET", ONE, made["id"])
        log = self.database.now(acts, "tnt_a", before=None, most=10)
        self.assertEqual([each.action for each in log], ["domain.delete", "domain.verify", "domain.create"])
        self.assertEqual({(each.actor, each.source, each.request_id) for each in log}, {("key_1", "192.0.2.1", "req_1")})
        self.assertNotIn("sealed", str([each.change for each in log]))

    async def test_rotation(self) -> None:
        """The old keys sign until the new ones are seen; a second rotation waits for that."""
        made = await self.add()
        with self.assertRaises(Conflict):
            await self.call("POST", f"{ONE}/rotate-dkim", made["id"])
        old_lines = await self.publish("example.com")
        await self.verify(made)
        old = {key.selector for key in self.database.now(signing_keys, "tnt_a", "example.com")}
        rotated = await self.call("POST", f"{ONE}/rotate-dkim", made["id"])
        self.assertEqual(len([each for each in rotated["dns_records"] if each["purpose"] == "dkim"]), 4)
        with self.assertRaises(Conflict):
            await self.call("POST", f"{ONE}/rotate-dkim", made["id"])
        after = await self.verify(made)
        self.assertTrue(after["verified"])
        self.assertEqual({key.selector for key in self.database.now(signing_keys, "tnt_a", "example.com")}, old)
        await self.publish("example.com", keep=old_lines)
        after = await self.verify(made)
        new = {key.selector for key in self.database.now(signing_keys, "tnt_a", "example.com")}
        self.assertEqual((after["verified"], len(new), new & old), (True, 2, set()))
        self.assertEqual(len([each for each in after["dns_records"] if each["purpose"] == "dkim"]), 2)
        self.assertEqual(sorted(each["status"] for each in after["dkim_keys"]), ["active", "active", "retired", "retired"])
        retired = {key["keep_record_until"] for key in after["dkim_keys"] if key["status"] == "retired"}
        self.assertEqual(retired, {datetime.fromtimestamp(NOW + 7 * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
        self.assertEqual({key["keep_record_until"] for key in after["dkim_keys"] if key["status"] == "active"}, {None})

    async def test_trouble_changes_nothing(self) -> None:
        """A DNS that does not answer takes no verification away; a denial does."""
        made = await self.add()
        await self.publish("example.com")
        await self.verify(made)
        self.zone.behaviour["*"] = "servfail"
        after = await self.verify(made)
        self.assertEqual((after["verified"], after["return_path_ready"]), (True, True))
        self.assertIn("could not be looked up", after["dns_records"][0]["note"])
        self.zone.behaviour.clear()
        self.zone.load("")
        after = await self.verify(made)
        self.assertEqual((after["verified"], after["return_path_ready"]), (False, False))

    async def test_two_tenants_one_domain(self) -> None:
        """Both may add it; DNS verifies the one whose key is published, and may hold both."""
        first, second = await self.add(), await self.add(tenant="tnt_b")
        lines = await self.publish("example.com")
        self.assertTrue((await self.verify(first))["verified"])
        self.assertFalse((await self.verify(second, "tnt_b"))["verified"])
        await self.publish("example.com", tenant="tnt_b", keep="\n".join(each for each in lines.splitlines() if "_domainkey" in each))
        self.assertTrue((await self.verify(first))["verified"])
        self.assertTrue((await self.verify(second, "tnt_b"))["verified"])

    async def test_default(self) -> None:
        """One domain is the default; another is made so by PATCH, which names what it cannot change; another tenant's is unknown."""
        first, second = await self.add(), await self.add("example.org")
        self.assertEqual((first["is_default"], second["is_default"]), (True, False))
        self.assertTrue((await self.call("PATCH", ONE, second["id"], {"is_default": True}))["is_default"])
        self.assertFalse((await self.call("GET", ONE, first["id"]))["is_default"])
        self.assertEqual([act.action for act in self.database.now(acts, "tnt_a", before=None, most=9)][:1], ["domain.default"])
        for body in ({}, {"is_default": "yes"}, {"is_default": True, "domain": "x.test"}):
            await self.assertFailure(ensureDeferred(self.call("PATCH", ONE, second["id"], body)), Invalid)
        await self.assertFailure(ensureDeferred(self.call("PATCH", ONE, second["id"], {"is_default": False}, "tnt_b")), NotFound)

    async def test_another_tenant(self) -> None:
        """To another tenant the domain is not there, by id or by name."""
        made = await self.add()
        for method, path in self.routes:
            if "<domain_id>" in path:
                for name in (made["id"], "example.com"):
                    with self.assertRaises(NotFound):
                        await self.call(method, path, name, {"is_default": True}, tenant="tnt_b")
        self.assertEqual(await self.call("GET", "/api/admin/domains", tenant="tnt_b"), [])

    async def test_names(self) -> None:
        """Internationalised names are kept as A-labels and found by either form; what is no name is refused with a cure."""
        made = await self.add("Bücher.example")
        self.assertEqual(made["domain"], "xn--bcher-kva.example")
        self.assertEqual((await self.call("GET", ONE, "bücher.example"))["id"], made["id"])
        for name in ("", "localhost", "a@example.com", "https://example.com/", "-a.com", "a..com", "192.0.2.1", "x" * 64 + ".com", "a b.com", "a.com\n\nb.com"):
            with self.assertRaises(Invalid) as caught:
                await self.add(name)
            self.assertEqual(caught.exception.faults[0].field, "domain", name)
        for body in ({}, {"domain": 5}, []):
            with self.assertRaises(Invalid):
                await self.call("POST", "/api/admin/domains", body=body)
        with self.assertRaises(Conflict):
            await self.add("xn--bcher-kva.example")

    async def test_permissions(self) -> None:
        """Reading and changing ask for their permissions."""
        for (method, _), route in self.routes.items():
            self.assertEqual(route.permission, "domains.read" if method == "GET" else "domains.write")
