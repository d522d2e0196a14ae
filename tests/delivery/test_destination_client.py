from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from scaisend.delivery.job import BACKOFF, DEFERRED, DELIVERED, TROUBLE
from scaisend.delivery.lanes import ALONE, Others
from scaisend.delivery.pool_client import PoolLimits
from scaisend.delivery.sources import Source
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase
from tests.world.smtp_peer import DROP, SILENT


class FlowTests(PoolsTestCase):
    async def test_marks_go_only_a_little_ahead(self):
        """With one slow connection at most two batches are marked, however many wait."""
        peer = self.peer({"DOT": [SILENT]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        answers = [pools.submit(a_job(str(number))) for number in range(500)]
        while not peer.mails:
            await deferLater(reactor, 0.01)
        await deferLater(reactor, 0.05)
        self.assertLessEqual(sum(map(len, self.marked)), 100)
        for session in peer.open:
            session.speak(b"250 2.0.0 Ok")
        self.assertEqual({(await answer).kind for answer in answers}, {DELIVERED})

    async def test_marks_are_taken_back_when_the_last_connection_is_gone(self):
        """Then the mails wait for the next one, and are marked again before they go."""
        peer = self.peer({"MAIL": [b"250 ok", b"250 ok", DROP]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        outcomes = await self.send(pools, *(str(number) for number in range(10)))
        self.assertEqual({outcome.kind for outcome in outcomes} - {"unknown"}, {DELIVERED})
        self.assertEqual(len(self.unmarked), 1)
        again = set(self.unmarked[0])
        self.assertTrue(again <= set(self.marked[-1]))

    async def test_a_mail_is_not_given_back_for_ever(self):
        """Used connections that always break before it are trouble in the end."""
        peer = self.peer({"MAIL": [b"250 ok", DROP] * 20})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        kinds = {outcome.kind for outcome in await self.send(pools, *(str(number) for number in range(12)))}
        self.assertLessEqual(kinds, {DELIVERED, TROUBLE, "unknown", "backoff"})
        self.assertIn(DELIVERED, kinds)

    async def test_few_large_bodies_are_in_memory(self):
        """No more are loaded than there are connections."""
        peer = self.peer({"DATA": [SILENT]})
        asked = []

        async def load():
            asked.append(Deferred())
            return await asked[-1]

        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=2))
        answers = [pools.submit(a_job(str(number), body=None, load=load)) for number in range(9)]
        done = 0
        while done < 9:
            await deferLater(reactor, 0.005)
            waiting = [each for each in asked if not each.called]
            self.assertLessEqual(len(waiting), 2)
            for each in waiting:
                each.callback(b"large\r\n")
                done += 1
            for session in peer.open:
                if session.stuck:
                    session.in_data = True
                    session.speak(b"354 go")
        self.assertEqual({(await answer).kind for answer in answers}, {DELIVERED})

    async def test_a_poor_connection_does_not_stop_the_good_ones(self):
        """A host that allows two connections and refuses the third goes on getting mail over the two."""
        peer = self.peer({"GREETING": [b"220 hi", b"220 hi", *[b"421 4.7.0 too many connections"] * 10]})
        pools = self.pools({"in.test": peer.port})
        outcomes = await self.send(pools, *(str(number) for number in range(300)))
        self.assertEqual({outcome.kind for outcome in outcomes}, {DELIVERED})
        self.assertLessEqual(peer.connections, 5)

    async def test_a_host_that_is_full_of_our_other_processes_is_asked_again_soon(self):
        """A third refusal in a row is met like the first, where others of ours are connected; else each doubles the wait."""
        waits = []
        for others in (Others(3, 0.0, 2, 0), ALONE):
            peer = self.peer(usual={"GREETING": b"421 4.7.0 too many connections"})
            pools = self.pools({"in.test": peer.port})
            for number in range(3):
                lane = pools.lanes.lane(Source(None, "out.test"), f"127.0.0.1:{peer.port}")
                pools.lanes.adopt(lane, lane.shape, others)
                outcome = (await self.send(pools, str(number)))[0]
                self.now = outcome.retry_at
            waits.append(pools.state()[0].failures)
        self.assertEqual(waits, [1, 3])

    async def test_a_host_that_throttles_is_left_alone(self):
        """A 4.7.x that speaks of our rate defers its mail and holds the others back, unharmed, though the connection is good."""
        peer = self.peer({"RCPT": [b"250 ok", b"450 4.7.28 unusual rate of mail from your IP"]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        kinds = [outcome.kind for outcome in await self.send(pools, *(str(number) for number in range(20)))]
        self.assertEqual(kinds.count(DEFERRED), 1)
        self.assertGreater(kinds.count(BACKOFF), 15)
        self.assertLess(len(peer.mails), 4)

    async def test_one_that_greylists_is_not(self):
        """What is put off for one recipient says nothing of the next."""
        peer = self.peer({"RCPT": [b"250 ok", b"451 4.7.1 Greylisted, try again in 5 minutes"]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        kinds = [outcome.kind for outcome in await self.send(pools, *(str(number) for number in range(20)))]
        self.assertEqual((kinds.count(DEFERRED), kinds.count(DELIVERED)), (1, 19))

    async def test_tenants_take_turns_at_a_destination(self):
        """The small tenant's mail does not wait for the large one's thousand."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        order = []
        answers = [pools.submit(a_job(str(number), tenant="large")) for number in range(1000)]
        small = pools.submit(a_job("reset", tenant="small"))
        small.addCallback(lambda outcome: order.append(sum(answer.called for answer in answers)))
        await small
        self.assertLess(order[0], 120)
        for answer in answers:
            await answer
