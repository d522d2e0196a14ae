"""The resolver, against a real server on loopback."""

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults

from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName
from scaisend.domains.dns_client import STALE_FOR_S, TROUBLE_S, DnsClient
from tests.base import ReactorTestCase
from tests.world.dns_zone import DnsZone
from tests.world.ports import free_port

ZONE = """
example.com.        300 IN MX 20 Backup.example.com.
example.com.        300 IN MX 10 mx.example.com.
example.com.            IN TXT "v=spf1 " "-all"
example.com.            IN TXT "other; text"
mx.example.com.         IN A 192.0.2.1
mx.example.com.         IN AAAA 2001:db8::1
www.example.com.        IN CNAME web.example.com.
web.example.com.        IN CNAME mx.example.com.
none.example.com.       IN MX 0 .
short.example.com.    1 IN A 192.0.2.9
key._domainkey.example.com. IN TXT "p=abc"
_25._tcp.mx.example.com. IN TLSA 3 1 0 00ff
1.2.0.192.in-addr.arpa. IN PTR mx.example.com.
xn--mnchen-3ya.example. IN A 192.0.2.4
"""


class DnsClientTests(ReactorTestCase):
    """Answers of every kind, their absence, and trouble."""

    def setUp(self) -> None:
        self.zone = DnsZone(ZONE)
        self.addCleanup(self.zone.close)
        self.now = 1_000_000.0
        self.client = self.make_client()

    def make_client(self, *servers: tuple[str, int], **options: float) -> DnsClient:
        settings = {"timeout_s": 0.3, "lifetime_s": 1.0} | options
        return DnsClient(reactor=reactor, nameservers=servers or [self.zone.address], clock=lambda: self.now, **settings)

    async def records(self, name: str, kind: str) -> tuple[object, ...]:
        return (await self.client.resolve(name, kind)).records

    async def test_kinds(self) -> None:
        """Each kind has its form; CNAMEs are followed; names compare without case and may be in Unicode."""
        self.assertEqual(set(await self.records("example.com", "MX")), {(20, "backup.example.com"), (10, "mx.example.com")})
        self.assertEqual(set(await self.records("EXAMPLE.com.", "TXT")), {"v=spf1 -all", "other; text"})
        self.assertEqual(await self.records("www.example.com", "A"), ("192.0.2.1",))
        self.assertEqual(await self.records("mx.example.com", "AAAA"), ("2001:db8::1",))
        self.assertEqual(await self.records("none.example.com", "MX"), ((0, "."),))
        self.assertEqual(await self.records("key._domainkey.example.com", "TXT"), ("p=abc",))
        self.assertEqual(await self.records("_25._tcp.mx.example.com", "TLSA"), ("3 1 0 00ff",))
        self.assertEqual(await self.records("1.2.0.192.in-addr.arpa", "PTR"), ("mx.example.com",))
        self.assertEqual(await self.records("münchen.example", "A"), ("192.0.2.4",))

    async def test_no_answers(self) -> None:
        """A name that does not exist and a name without such a record are told apart."""
        with self.assertRaises(NoSuchName):
            await self.client.resolve("nothing.example.com", "A")
        for name, kind in (("example.com", "A"), ("_tcp.mx.example.com", "A"), ("www.example.com", "MX")):
            with self.assertRaises(NoRecords):
                await self.client.resolve(name, kind)

    async def test_impossible_names(self) -> None:
        """A name that cannot stand in DNS does not exist, and is not asked for."""
        for name in ("a..b", "x" * 64 + ".com", ".".join(["x" * 60] * 5), "\\999.com", "ü..com"):
            with self.assertRaises(NoSuchName):
                await self.client.resolve(name, "A")
        self.assertFalse(self.zone.asked)

    async def test_trouble(self) -> None:
        """SERVFAIL, REFUSED and silence are trouble, not absence."""
        for behaviour in ("servfail", "refuse", "drop"):
            self.zone.behaviour["example.com"] = behaviour
            with self.assertRaises(DnsTrouble):
                await self.make_client().resolve("example.com", "MX")

    async def test_a_closed_port(self) -> None:
        """Where no server listens it is known at once; the next server is asked."""
        closed = ("127.0.0.1", free_port())
        begun = reactor.seconds()
        with self.assertRaises(DnsTrouble):
            await self.make_client(closed, timeout_s=20.0, lifetime_s=25.0).resolve("example.com", "MX")
        self.client = self.make_client(closed, self.zone.address, timeout_s=20.0, lifetime_s=25.0)
        self.assertEqual(await self.records("mx.example.com", "A"), ("192.0.2.1",))
        self.assertLess(reactor.seconds() - begun, 15)

    async def test_a_silent_server_is_passed_over(self) -> None:
        """When the first server is silent the second is asked."""
        other = DnsZone(ZONE)
        self.addCleanup(other.close)
        self.zone.behaviour["*"] = "drop"
        self.client = self.make_client(self.zone.address, other.address, lifetime_s=10.0)
        self.assertEqual(await self.records("mx.example.com", "A"), ("192.0.2.1",))

    async def test_large_answers_come_by_tcp(self) -> None:
        """A truncated answer is asked for again over TCP."""
        self.zone.behaviour["example.com"] = "truncate"
        self.assertEqual(len(await self.records("example.com", "TXT")), 2)
        self.assertEqual(self.zone.by_tcp, 1)

    async def test_secure(self) -> None:
        """The AD bit of a server on this host is believed."""
        self.assertFalse((await self.client.resolve("example.com", "MX")).secure)
        self.zone.behaviour["mx.example.com"] = "secure"
        self.assertTrue((await self.client.resolve("mx.example.com", "A")).secure)

    async def test_remembered(self) -> None:
        """An answer is kept for its TTL and at most the cap; absence too, for at most a minute."""
        client = self.make_client(cache_cap_s=100)
        for name, kind, kept_s in (("example.com", "MX", 100), ("short.example.com", "A", 1), ("no.example.com", "A", 60)):
            for after_s, questions in ((0.0, 1), (kept_s - 0.5, 1), (1.0, 2)):
                self.now += after_s
                try:
                    await client.resolve(name, kind)
                except NoSuchName:
                    pass
                self.assertEqual(self.zone.asked[name, kind], questions, (name, after_s))

    async def test_not_remembered(self) -> None:
        """With a cap of 0 every question is asked."""
        client = self.make_client(cache_cap_s=0)
        for _ in range(3):
            await client.resolve("example.com", "MX")
        self.assertEqual(self.zone.asked["example.com", "MX"], 3)

    async def test_asked_together(self) -> None:
        """Who asks while a question is under way shares its answer, or its trouble; one who gives up disturbs nobody."""
        lookups = [ensureDeferred(self.client.resolve("example.com", "MX")) for _ in range(5)]
        lookups[0].cancel()
        lookups.pop(0).addErrback(lambda _: None)
        answers = await gatherResults(lookups)
        self.assertEqual(len({each.records for each in answers}), 1)
        self.assertEqual(self.zone.asked["example.com", "MX"], 1)
        self.zone.behaviour["example.com"] = "servfail"
        lookups = [ensureDeferred(self.client.resolve("example.com", "TXT")) for _ in range(3)]
        for each in lookups:
            with self.assertRaises(DnsTrouble):
                await each
        self.assertEqual(self.zone.asked["example.com", "TXT"], 1)

    async def test_old_answers_in_trouble(self) -> None:
        """While a domain's servers are in trouble the last MX answer is given, for a day; a denial ends that."""
        before = await self.client.resolve("example.com", "MX")
        self.zone.behaviour["example.com"] = "servfail"
        self.now += 4_000
        self.assertEqual((await self.client.resolve("example.com", "MX")).records, before.records)
        self.assertEqual((await self.client.resolve("example.com", "MX")).records, before.records)
        self.assertEqual(self.zone.asked["example.com", "MX"], 2)
        self.now += STALE_FOR_S
        with self.assertRaises(DnsTrouble):
            await self.client.resolve("example.com", "MX")
        del self.zone.behaviour["example.com"]
        self.now += TROUBLE_S
        self.assertIsInstance(await self.client.resolve("example.com", "MX"), Answer)
        self.zone.load("")
        self.now += 4_000
        with self.assertRaises(NoSuchName):
            await self.client.resolve("example.com", "MX")
