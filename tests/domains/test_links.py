from typing import Any

from twisted.internet import reactor

from scaisend.domains.dns_client import DnsClient
from scaisend.domains.links import (
    HOST,
    OWNER,
    BrandedLink,
    LinkCheck,
    brand_of,
    check_link,
    read_link,
    read_link_change,
    shape,
    validation,
    wanted_cnames,
)
from scaisend.faults import Invalid
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.dns_table import DnsTable
from tests.world.dns_zone import DnsZone
from tests.world.tenants import now

TRACKING = "track.example.net"


def a_link(number: int = 1, domain: str = "example.com", *, tenant: str = "tnt_a", valid: bool = False, default: bool = False, subdomain: str = "links") -> BrandedLink:
    return BrandedLink(number, tenant, domain, subdomain, default, valid, {}, None)


class Checking(PlainTestCase):
    def checked(self, link: BrandedLink, records: dict[tuple[str, str], Any], *trouble: str) -> LinkCheck:
        table = DnsTable(records)
        table.trouble.update(trouble)
        return now(self, check_link(table.resolve, link, TRACKING))

    def test_both_records_make_it_valid(self) -> None:
        """CNAMEs of the tracking host, in any case and with the final dot; another target or none is told."""
        link = a_link()
        names = wanted_cnames(link)
        good = {(host, "CNAME"): ["Track.example.net."] for host in names.values()}
        self.assertEqual(self.checked(link, good), LinkCheck({HOST: None, OWNER: None}, frozenset()))
        self.assertTrue(self.checked(link, good).is_valid(link))
        half = self.checked(link, {(names[HOST], "CNAME"): ["elsewhere.example."]})
        self.assertEqual(half.reasons, {
            HOST: "links.example.com is a CNAME of elsewhere.example, not of track.example.net.", OWNER: f"There is no CNAME record of {names[OWNER]}.",
        })
        self.assertFalse(half.is_valid(a_link(valid=True)))

    def test_a_name_that_is_the_tenants_alone(self) -> None:
        """The host's record serves everybody; the owner's is another one for each tenant."""
        mine, theirs = wanted_cnames(a_link()), wanted_cnames(a_link(tenant="tnt_b"))
        self.assertEqual(mine[HOST], theirs[HOST])
        self.assertNotEqual(mine[OWNER], theirs[OWNER])
        records: dict[tuple[str, str], Any] = {(host, "CNAME"): [TRACKING] for host in mine.values()}
        self.assertFalse(self.checked(a_link(tenant="tnt_b"), records).is_valid(a_link(tenant="tnt_b")))

    def test_trouble_decides_nothing(self) -> None:
        """While DNS does not answer a link stays what it was."""
        link = a_link()
        names = wanted_cnames(link)
        found = self.checked(link, {(names[OWNER], "CNAME"): [TRACKING]}, names[HOST])
        self.assertEqual((found.in_trouble, found.is_valid(link), found.is_valid(a_link(valid=True))), ({HOST}, False, True))
        self.assertFalse(self.checked(link, {("x", "CNAME"): ["y"]}, names[HOST]).is_valid(a_link(valid=True)))


class AskingDns(ReactorTestCase):
    async def test_a_real_server(self) -> None:
        """CNAMEs as a name server tells them, also where the target has addresses or no records at all."""
        link = a_link()
        names = wanted_cnames(link)
        zone = DnsZone("".join(f"{name}. IN CNAME Track.Example.net.\n" for name in names.values()) + "track.example.net. IN A 192.0.2.1\n")
        self.addCleanup(zone.close)
        client = DnsClient(reactor=reactor, nameservers=[zone.address], clock=lambda: 0.0, cache_cap_s=0, timeout_s=0.3, lifetime_s=1.0)
        self.assertTrue((await check_link(client.resolve, link, TRACKING)).is_valid(link))
        zone.load(f"{names[HOST]}. IN CNAME track.example.net.\n{names[OWNER]}. IN A 192.0.2.1\n")
        self.assertEqual((await check_link(client.resolve, link, TRACKING)).reasons, {HOST: None, OWNER: f"There is no CNAME record of {names[OWNER]}."})
        zone.behaviour["*"] = "servfail"
        self.assertEqual((await check_link(client.resolve, link, TRACKING)).in_trouble, {HOST, OWNER})


class Choosing(PlainTestCase):
    def test_the_domains_own_before_the_default(self) -> None:
        """Valid ones alone; a domain with several has its default one, or the oldest."""
        links = [
            a_link(1, "other.test", valid=True, default=True), a_link(2, valid=False), a_link(3, valid=True, subdomain="b"), a_link(4, valid=True, subdomain="c"),
        ]
        self.assertEqual(brand_of(links, "example.com"), "b.example.com")
        self.assertEqual(brand_of(links, "third.test"), "links.other.test")
        self.assertEqual(brand_of(links[1:], "third.test"), None)
        self.assertEqual(brand_of(links[1:2], "example.com"), None)


class Shapes(PlainTestCase):
    def test_shapes(self) -> None:
        """SendGrid's fields; records are valid as far as the last validation saw them."""
        link = BrandedLink(7, "tnt_a", "example.com", "links", True, False, {HOST: None, OWNER: "There is none."}, 12.7)
        shown = shape(link, tracking_host=TRACKING, user_id=5, username="acme")
        records: Any = shown.pop("dns")
        self.assertEqual(shown, {
            "id": 7, "domain": "example.com", "subdomain": "links", "username": "acme", "user_id": 5, "default": True, "valid": False, "legacy": False,
            "last_validation_attempt_at": 12,
        })
        self.assertEqual(records[HOST], {"valid": True, "type": "cname", "host": "links.example.com", "data": TRACKING})
        self.assertEqual((list(records), records[OWNER]["valid"]), ([HOST, OWNER], False))
        self.assertEqual(validation(link)["validation_results"], {HOST: {"valid": True, "reason": None}, OWNER: {"valid": False, "reason": "There is none."}})

    def test_reading(self) -> None:
        """The domain as A-labels; the subdomain is one label, `links` unless told."""
        self.assertEqual(read_link({"domain": "Bücher.example."}), ("xn--bcher-kva.example", "links", False))
        self.assertEqual(read_link({"domain": "example.com", "subdomain": "URL9", "default": True, "region": "eu"}), ("example.com", "url9", True))
        for given, field in (
            ({}, "domain"), ({"domain": "no domain"}, "domain"), ({"domain": "example.com", "subdomain": "a.b"}, "subdomain"),
            ({"domain": "example.com", "subdomain": "-a"}, "subdomain"), ({"domain": "example.com", "default": "x"}, "default"),
            ({"domain": f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.com", "subdomain": "e" * 60}, "subdomain"),
        ):
            with self.assertRaises(Invalid) as caught:
                read_link(given)
            self.assertEqual([each.field for each in caught.exception.faults], [field], given)
        self.assertTrue(read_link_change({"default": True}))
        for wrong in ({}, {"default": None}, {"default": 1}, []):
            self.assertRaises(Invalid, read_link_change, wrong)
