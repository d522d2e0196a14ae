from scaisend.delivery.job import DELIVERED, TROUBLE
from scaisend.delivery.pool_client import PoolLimits
from scaisend.delivery.sources import Source
from scaisend.dns import DnsTrouble
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase, Zone


class DialTests(PoolsTestCase):
    async def test_mail_leaves_from_its_pool(self):
        """The source address is bound and its own name said; two pools never share a connection."""
        peer = self.peer()
        sources = (Source("127.0.0.2", "two.out.test"), Source("127.0.0.3", "three.out.test"))
        pools = self.pools({"in.test": peer.port}, sources=sources)
        outcomes = await self.send(pools, *(a_job(address, source_pool=(address,)) for address in ("127.0.0.2", "127.0.0.3")))
        self.assertEqual([outcome.source for outcome in outcomes], ["127.0.0.2", "127.0.0.3"])
        self.assertEqual(peer.sources, ["127.0.0.2", "127.0.0.3"])
        self.assertEqual([each for each in peer.commands if each.startswith("EHLO")], ["EHLO two.out.test", "EHLO three.out.test"])

    async def test_a_source_that_cannot_be_bound_is_our_fault(self):
        """The operator is told; the destination is not blamed, and not tried over and over."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port}, sources=(Source("192.0.2.77", "out.test"),))
        outcomes = await self.send(pools, "a", "b")
        self.assertEqual((outcomes[0].kind, outcomes[0].stage, outcomes[0].source), (TROUBLE, "connect", "192.0.2.77"))
        self.assertEqual((peer.connections, self.changes), (0, []))
        self.assertEqual((outcomes[1].retry_at, [each.failures for each in pools.state()]), (self.now + 30.0, [0]))

    async def test_ipv6_is_spoken(self):
        """To an address, from an address."""
        peer = self.peer(address="::1")
        pools = self.pools({"in.test": ("::1", peer.port)}, sources=(Source("::1", "six.out.test"), Source("127.0.0.2", "two.out.test")))
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.kind, outcome.address, outcome.source), (DELIVERED, "::1", "::1"))

    async def test_a_pool_without_an_address_here_sends_nothing(self):
        """Rather than from another pool's address."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port}, sources=(Source("127.0.0.2", "out.test"),))
        (outcome,) = await self.send(pools, a_job("a", source_pool=("198.51.100.1",)))
        self.assertEqual((outcome.kind, peer.connections), (TROUBLE, 0))

    async def test_a_failing_host_is_asked_last_for_a_while(self):
        """Its address answers nothing, so the next connection starts with the other host, preference or not."""
        peer = self.peer()
        zone = Zone({
            ("in.test", "MX"): [(10, "first.test"), (20, "second.test")], ("first.test", "A"): DnsTrouble("time-out"),
            ("first.test", "AAAA"): DnsTrouble("time-out"), ("second.test", "A"): ["127.0.0.1"],
        })
        pools = self.pools({}, resolver=zone, port=peer.port, limits=PoolLimits(messages_per_connection=1))
        self.assertEqual((await self.send(pools, "a"))[0].host, "second.test")
        zone.asked.clear()
        self.assertEqual((await self.send(pools, "b"))[0].host, "second.test")
        self.assertEqual({name for name, _ in zone.asked}, {"second.test"})
        self.now += 301
        await self.send(pools, "c")
        self.assertIn(("first.test", "A"), zone.asked)

    async def test_the_most_telling_trouble_is_told(self):
        """A host's own words rather than the silence or the missing name of another."""
        peer = self.peer(usual={"GREETING": b"554 5.7.1 listed"})
        zone = Zone({("in.test", "MX"): [(10, "a.test"), (20, "b.test"), (30, "c.test")], ("b.test", "A"): ["127.0.0.1"], ("c.test", "A"): ["127.0.0.9"]})
        pools = self.pools({}, resolver=zone, port=peer.port)
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.host, outcome.code, outcome.text), ("b.test", 554, "listed"))
