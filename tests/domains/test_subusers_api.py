from typing import Any

from twisted.internet.defer import succeed

from scaisend.domains.domains import Doer, Domains
from scaisend.domains.links_api import LinksApi
from scaisend.domains.records import Hosts
from scaisend.domains.store import signing_keys
from scaisend.domains.subusers_api import SubuserDomainsApi
from scaisend.domains.whitelabel_api import WhitelabelApi
from scaisend.faults import Conflict
from scaisend.http.route import Route
from scaisend.identity.audit_store import acts
from scaisend.identity.people_store import DEACTIVATED, make_partner, make_tenant, set_tenant_status
from scaisend.identity.reach import PARTNER_ADMIN, SUPER_ADMIN
from scaisend.sealing import Sealer
from tests.world.dns_table import DnsTable
from tests.world.inline_database import InlineDatabase
from tests.world.people import administrator
from tests.world.routed import RoutedTestCase
from tests.world.tenants import NOW, now

DOMAINS, LINKS = "/v3/whitelabel/domains", "/v3/whitelabel/links"
HOST = "track.example.net"
CLI = Doer("cli", NOW)


class SubuserDomainsApiTests(RoutedTestCase):
    scopes = ("domains.read", "domains.write")

    def routes(self, database: InlineDatabase) -> list[Route]:
        self.dns = dns = DnsTable({})
        self.domains = domains = Domains(
            database=database, resolver=dns, sealer=Sealer(b"secret", lambda count: b"n" * count), ids=self.ids,
            in_thread=lambda fn: succeed(fn()), hosts=Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net"),
        )
        return [
            *SubuserDomainsApi(database=database, domains=domains, ids=self.ids, tracking_host=HOST).routes(),
            *WhitelabelApi(database=database, domains=domains, sources=()).routes(),
            *LinksApi(database=database, resolver=dns, tracking_host=HOST).routes(),
        ]

    def as_partner(self, target: str, method: str = "GET", body: object = None, *, partner_id: str | None = None) -> tuple[int, Any]:
        return self.ask(method, target, body, caller=administrator(partner_id or self.tenant.partner_id, PARTNER_ADMIN))

    def owned(self) -> int:
        """The id of a domain of the tenant's whose keys were seen; it has a subuser beside it."""
        self.sub = self.database.now(make_tenant, self.ids, name="Sub", partner_id=self.tenant.partner_id, now_s=NOW)
        number = int(self.ask("POST", DOMAINS, {"domain": "a.example"})[1]["id"])
        self.publish()
        return number

    def publish(self) -> None:
        """DNS has all records of a.example, and was asked for them."""
        view = now(self, self.domains.one(self.tenant.id, "a.example"))
        for each in self.domains.records(view):
            self.dns.records[str(each["name"]), str(each["type"])] = [str(each["value"])]
        now(self, self.domains.verify(self.tenant.id, "a.example", CLI))

    def signing(self, tenant_id: str) -> list[tuple[str, bytes]]:
        return [(each.selector, each.public) for each in self.database.now(signing_keys, tenant_id, "a.example")]

    def test_what_a_tenant_has(self) -> None:
        """Just as the tenant itself is shown it: the default domain, all domains, the default link."""
        self.ask("POST", DOMAINS, {"domain": "a.example"})
        second = self.ask("POST", DOMAINS, {"domain": "b.example", "default": True})[1]
        link = self.ask("POST", LINKS, {"domain": "a.example", "default": True})[1]
        self.ask("POST", LINKS, {"domain": "b.example"})
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser?username=Acme"), (200, second))
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser/all?username=Acme"), self.ask("GET", DOMAINS))
        self.assertEqual(self.as_partner(f"{LINKS}/subuser?username={self.tenant.id}"), (200, link))

    def test_nothing_to_show(self) -> None:
        """404 where it has none, 400 without a name."""
        for path, status in ((f"{DOMAINS}/subuser", 404), (f"{DOMAINS}/subuser/all", 200), (f"{LINKS}/subuser", 404)):
            self.assertEqual(self.as_partner(f"{path}?username=Acme")[0], status)
            self.assertEqual(self.fields(self.as_partner(path)), ["username"])

    def test_who_else_tries(self) -> None:
        """A key is 403; another partner's tenant is unknown."""
        second = self.database.now(make_partner, self.ids, name="Second", now_s=NOW)
        theirs = self.database.now(make_tenant, self.ids, name="Theirs", partner_id=second.id, now_s=NOW)
        for path in (f"{DOMAINS}/subuser", f"{DOMAINS}/subuser/all", f"{LINKS}/subuser"):
            self.assertEqual(self.ask("GET", f"{path}?username=Acme")[0], 403)
            for name in ("Theirs", theirs.id, "nobody"):
                status, body = self.as_partner(f"{path}?username={name}")
                self.assertEqual((status, body["errors"][0]["message"]), (400, "invalid username"))

    def test_associated(self) -> None:
        """The tenant has the domain as its owner has it, verified, with the same keys under the same selectors, and an id of its own."""
        number = self.owned()
        status, body = self.as_partner(f"{DOMAINS}/{number}/subuser", "POST", {"username": "Sub"})
        self.assertEqual((status, body["domain"], body["valid"], body["default"], body["username"]), (201, "a.example", True, True, "Sub"))
        self.assertEqual(body["dns"], self.ask("GET", f"{DOMAINS}/{number}")[1]["dns"])
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser?username=Sub"), (200, body))
        self.assertEqual(len(self.signing(self.sub.id)), 2)
        self.assertEqual(self.signing(self.sub.id), self.signing(self.tenant.id))
        (noted,) = self.database.now(acts, self.sub.id, before=None, most=9)
        self.assertEqual((noted.actor, noted.action), ("usr_above", "domain.associate"))

    def test_not_associated(self) -> None:
        """400 for an unknown name, and for a tenant that has the domain; 404 for an unknown id; an associated one goes no further."""
        number = self.owned()
        path = f"{DOMAINS}/{number}/subuser:add"
        for body, field in (({"username": "nobody"}, "username"), ({}, "username"), ({"username": self.tenant.id}, "username")):
            self.assertEqual(self.fields(self.as_partner(path, "POST", body)), [field])
        for wrong in (number + 7, "x", 0):
            self.assertEqual(self.as_partner(f"{DOMAINS}/{wrong}/subuser", "POST", {"username": "Sub"})[0], 404)
        for status in (201, 400):
            self.assertEqual(self.as_partner(path, "POST", {"username": "Sub"})[0], status)
        third = self.database.now(make_tenant, self.ids, name="Third", partner_id=self.tenant.partner_id, now_s=NOW)
        self.assertEqual(self.as_partner(f"{path}?tenant_id={self.sub.id}", "POST", {"username": third.id})[0], 404)

    def test_same_ids(self) -> None:
        """Where two tenants have a domain of this id, it is unknown until its owner is named."""
        number = self.owned()
        self.ask("POST", DOMAINS, {"domain": "b.example"}, tenant=self.other.id)
        self.database.connection.execute("UPDATE tenants SET partner_id = ?", (self.tenant.partner_id,))
        self.database.connection.execute("UPDATE domains SET number = ?", (number,))
        asked = {"username": "Sub"}
        status, body = self.as_partner(f"{DOMAINS}/{number}/subuser", "POST", asked)
        self.assertEqual(status, 404)
        self.assertIn("tenant_id", body["errors"][0]["help"])
        status, body = self.as_partner(f"{DOMAINS}/{number}/subuser?tenant_id={self.tenant.id}", "POST", asked)
        self.assertEqual((status, body["domain"]), (201, "a.example"))

    def test_parted(self) -> None:
        """What was associated is gone, and nothing else of either tenant."""
        number = self.owned()
        gone = f"{DOMAINS}/subuser?username=Sub"
        self.assertEqual(self.as_partner(gone, "DELETE")[0], 404)
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser?username=Acme", "DELETE")[0], 404)
        for path in (gone, f"{DOMAINS}/{number}/subuser?username=Sub"):
            self.as_partner(f"{DOMAINS}/{number}/subuser", "POST", {"username": "Sub"})
            self.assertEqual(self.as_partner(path, "DELETE")[0], 204)
            self.assertEqual(self.as_partner(path, "DELETE")[0], 404)
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser/all?username=Sub"), (200, []))
        self.assertEqual(len(self.signing(self.tenant.id)), 2)
        self.assertEqual([each.action for each in self.database.now(acts, self.sub.id, before=None, most=9)], ["domain.part", "domain.associate"] * 2)

    def test_which_one(self) -> None:
        """Where several were associated, the one to go is named: by the id in the path, with the username in the body."""
        first = self.owned()
        second = self.ask("POST", DOMAINS, {"domain": "b.example"})[1]["id"]
        for number in (first, second):
            self.as_partner(f"{DOMAINS}/{number}/subuser", "POST", {"username": "Sub"})
        self.assertEqual(self.as_partner(f"{DOMAINS}/subuser?username=Sub", "DELETE")[0], 409)
        self.assertEqual(self.as_partner(f"{DOMAINS}/{second}/subuser", "DELETE", {"username": "Sub"})[0], 204)
        self.assertEqual([each["domain"] for each in self.as_partner(f"{DOMAINS}/subuser/all?username=Sub")[1]], ["a.example"])

    def test_keys_follow(self) -> None:
        """New keys of the owner's are the other's too, and sign for both from the moment that the owner's were seen."""
        self.as_partner(f"{DOMAINS}/{self.owned()}/subuser", "POST", {"username": "Sub"})
        with self.assertRaises(Conflict):
            now(self, self.domains.rotate(self.sub.id, "a.example", CLI))
        now(self, self.domains.rotate(self.tenant.id, "a.example", CLI))
        before = self.signing(self.sub.id)
        self.assertEqual(before, self.signing(self.tenant.id))
        self.publish()
        self.assertEqual(self.signing(self.sub.id), self.signing(self.tenant.id))
        self.assertNotEqual(self.signing(self.sub.id), before)
        self.assertEqual(self.database.now(acts, self.sub.id, before=None, most=1)[0].actor, "owner")
        self.dns.records.clear()
        now(self, self.domains.verify(self.tenant.id, "a.example", CLI))
        self.assertFalse(now(self, self.domains.one(self.sub.id, "a.example")).domain.verified)

    def test_owner_leaves(self) -> None:
        """The other keeps the domain when its owner has it no more, and may then have keys of its own."""
        self.as_partner(f"{DOMAINS}/{self.owned()}/subuser", "POST", {"username": "Sub"})
        before = self.signing(self.tenant.id)
        now(self, self.domains.delete(self.tenant.id, "a.example", CLI))
        self.assertEqual(self.signing(self.sub.id), before)
        self.assertTrue(now(self, self.domains.verify(self.sub.id, "a.example", CLI)).domain.verified)
        rotated = now(self, self.domains.rotate(self.sub.id, "a.example", CLI))
        self.assertIsNone(rotated.domain.associated_from)
        self.assertEqual(len(rotated.keys), 4)

    def test_owner_deactivated(self) -> None:
        """A deactivated owner shares nothing more, and binds nobody."""
        number = self.owned()
        self.as_partner(f"{DOMAINS}/{number}/subuser", "POST", {"username": "Sub"})
        third = self.database.now(make_tenant, self.ids, name="Third", partner_id=self.tenant.partner_id, now_s=NOW)
        self.database.now(set_tenant_status, self.tenant.id, DEACTIVATED, now_s=NOW)
        self.assertEqual(self.as_partner(f"{DOMAINS}/{number}/subuser?tenant_id={self.tenant.id}", "POST", {"username": third.id})[0], 404)
        self.assertEqual(len(now(self, self.domains.rotate(self.sub.id, "a.example", CLI)).keys), 4)

    def test_who_else_associates(self) -> None:
        """A key is 403; another partner's admin finds neither domain nor tenant; no domain goes to another partner's tenant."""
        number = self.owned()
        second = self.database.now(make_partner, self.ids, name="Second", now_s=NOW)
        theirs = self.database.now(make_tenant, self.ids, name="Theirs", partner_id=second.id, now_s=NOW)
        path = f"{DOMAINS}/{number}/subuser"
        for body in ({"username": "Sub"}, {"username": "Theirs"}):
            self.assertEqual(self.ask("POST", path, body)[0], 403)
            self.assertEqual(self.as_partner(path, "POST", body, partner_id=second.id)[0], 404)
            self.assertEqual(self.as_partner(f"{path}?tenant_id={self.tenant.id}", "POST", body, partner_id=second.id)[0], 404)
        self.assertEqual(self.as_partner(path, "POST", {"username": theirs.id})[0], 400)
        above = administrator(second.id, SUPER_ADMIN)
        self.assertEqual(self.ask("POST", path, {"username": theirs.id}, caller=above)[0], 400)
        self.assertEqual(self.ask("POST", path, {"username": "Sub"}, caller=above)[0], 201)
        for gone in (f"{DOMAINS}/subuser?username=Sub", f"{path}?username=Sub"):
            self.assertEqual(self.ask("DELETE", gone)[0], 403)
            self.assertIn(self.as_partner(gone, "DELETE", partner_id=second.id)[0], (400, 404))
        self.assertEqual(len(self.signing(self.sub.id)), 2)
