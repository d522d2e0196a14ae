from twisted.internet.task import Clock

from scaisend.delivery.mx import Exchange, TakesNoMail
from scaisend.delivery.mx_client import Addresses, MxClient
from scaisend.dns import DnsTrouble
from tests.base import PlainTestCase
from tests.delivery.pools import Zone


class LookUpTests(PlainTestCase):
    def client(self, records, routes=None):
        self.clock, self.zone = Clock(), Zone(records)
        return MxClient(resolver=self.zone, routes=routes or {}, clock=self.clock.seconds, cache_cap_s=60.0)

    def test_a_route_is_remembered_up_to_the_cap(self):
        """Its TTL is 300 s, the cap 60: asked again after that."""
        client = self.client({("in.test", "MX"): [(10, "mx.test")]})
        self.assertIsNone(client.known("in.test"))
        found = self.successResultOf(client.route("in.test"))
        self.assertEqual(found.exchanges, (Exchange(10, "mx.test", 25),))
        self.clock.advance(59)
        self.assertEqual(client.known("in.test"), found)
        self.clock.advance(2)
        self.assertIsNone(client.known("in.test"))

    def test_a_domain_without_mx_is_its_own_host(self):
        """If it has an address (RFC 5321 5.1); with none it takes no mail."""
        client = self.client({("in.test", "AAAA"): ["2001:db8::1"], ("bare.test", "TXT"): ["x"]})
        self.assertEqual(self.successResultOf(client.route("in.test")).exchanges, (Exchange(0, "in.test", 25),))
        self.failureResultOf(client.route("bare.test"), TakesNoMail)

    def test_no_such_domain_and_no_answer_differ(self):
        """NXDOMAIN is said as such; SERVFAIL for MX, or for the addresses behind a missing MX, is trouble."""
        client = self.client({
            ("bad.test", "MX"): DnsTrouble("SERVFAIL"), ("half.test", "A"): DnsTrouble("time-out"),
        })
        failure = self.failureResultOf(client.route("none.test"), TakesNoMail)
        self.assertIn("NXDOMAIN", str(failure.value))
        self.failureResultOf(client.route("bad.test"), DnsTrouble)
        self.failureResultOf(client.route("half.test"), DnsTrouble)

    def test_static_routes_ask_no_dns(self):
        """Nor do hosts that are addresses."""
        client = self.client({}, {"*": Exchange(0, "127.0.0.1", 1025)})
        self.assertEqual(client.known("any.test").name, "127.0.0.1:1025")
        self.assertEqual(self.successResultOf(client.addresses("127.0.0.1")), Addresses(("127.0.0.1",)))
        self.assertEqual(self.zone.asked, [])

    def test_address_literals_are_refused(self):
        """With a route for everything too."""
        for routes in ({}, {"*": Exchange(0, "127.0.0.1", 1025)}):
            for domain in ("[192.0.2.1]", "192.0.2.1", "a..test"):
                self.failureResultOf(self.client({}, routes).route(domain), TakesNoMail)

    def test_one_family_is_enough(self):
        """Trouble with AAAA does not hide the A records."""
        client = self.client({("mx.test", "A"): ["192.0.2.1"], ("mx.test", "AAAA"): DnsTrouble("SERVFAIL")})
        self.assertEqual(self.successResultOf(client.addresses("mx.test")), Addresses(("192.0.2.1",)))
