import tempfile
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from scaisend.delivery.destination import PAUSED, DestinationState
from scaisend.delivery.job import BACKOFF, DEFERRED, DELIVERED, FENCED, NOMX, REFUSED, TROUBLE, UNKNOWN
from scaisend.delivery.pool_client import PoolLimits
from scaisend.dns import DnsTrouble
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase, Zone
from tests.world.ports import free_port
from tests.world.smtp_peer import DROP, SILENT, SmtpSink, has_smtp_sink


class DeliveringTests(PoolsTestCase):
    async def test_mails_share_connections(self):
        """Many mails, few connections, each mail once and whole."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port})
        bodies = [b"Subject: %d\r\n\r\n.\r\n..\r\n" % number for number in range(200)]
        outcomes = await self.send(pools, *(a_job(f"r{number}", body=body) for number, body in enumerate(bodies)))
        self.assertEqual({outcome.kind for outcome in outcomes}, {DELIVERED})
        self.assertEqual(sorted(peer.mails), sorted(bodies))
        self.assertLessEqual(peer.connections, 5)
        self.assertEqual(sorted(each for group in self.marked for each in group), sorted(f"r{number}" for number in range(200)))

    async def test_domains_with_the_same_hosts_share_connections(self):
        """The destination is the MX set, not the domain."""
        peer = self.peer()
        zone = Zone({(name, "MX"): [(10, "mx.test")] for name in ("a.test", "b.test")} | {("mx.test", "A"): ["127.0.0.1"]})
        pools = self.pools({}, resolver=zone, port=peer.port)
        for name in ("a", "b", "a"):
            await self.send(pools, a_job(name, to=f"u@{name}.test"))
        self.assertEqual(peer.connections, 1)
        self.assertEqual([each.name for each in pools.state()], [f"mx.test:{peer.port}"])

    async def test_a_mail_with_a_route_of_its_own(self):
        """It goes there, whatever its domain's hosts are; the domain leads where it did, and its pause holds for it too."""
        own, other = self.peer(), self.peer()
        pools = self.pools({"in.test": own.port})
        route = f"127.0.0.1:{other.port}"
        outcomes = await self.send(pools, a_job("a"), a_job("b", route=route), a_job("c", to="u@nowhere.test", route=route))
        self.assertEqual([each.kind for each in outcomes], [DELIVERED] * 3)
        self.assertEqual((len(own.mails), len(other.mails)), (1, 2))
        self.assertEqual(pools.leads, {"in.test": f"127.0.0.1:{own.port}"})
        pools.pause("in.test")
        (outcome,) = await self.send(pools, a_job("d", route=route))
        self.assertEqual((outcome.kind, outcome.waiting), (BACKOFF, "destination_paused"))

    async def test_nothing_is_marked_without_a_connection(self):
        """A mail that never had a host is never `sending`."""
        pools = self.pools({"in.test": free_port()})
        outcomes = await self.send(pools, "a", "b", "c")
        self.assertEqual(self.marked, [])
        self.assertEqual(sorted(outcome.kind for outcome in outcomes), [BACKOFF, BACKOFF, TROUBLE])

    async def test_a_mark_that_is_not_granted_fences_the_mail(self):
        """Only jobs that `mark` returns are sent; a mark that fails sends none."""
        peer = self.peer()

        async def mark(jobs):
            if any(job.recipient_id == "x" for job in jobs):
                raise RuntimeError("database away")
            return [job for job in jobs if job.recipient_id != "a"]

        pools = self.pools({"in.test": peer.port}, mark=mark)
        outcomes = await self.send(pools, "a", "b")
        self.assertEqual([outcome.kind for outcome in outcomes], [FENCED, DELIVERED])
        self.assertEqual((await self.send(pools, "x"))[0].kind, FENCED)
        self.assertEqual(len(peer.mails), 1)

    async def test_bodies_are_loaded_before_they_are_needed(self):
        """One that cannot be loaded is our trouble, and harms no other; a loaded body is let go."""
        peer = self.peer()

        async def load():
            return b"loaded\r\n"

        async def fail():
            raise OSError("object store away")

        pools = self.pools({"in.test": peer.port})
        job = a_job("a", body=None, load=load)
        outcomes = await self.send(pools, job, a_job("b", body=None, load=fail), a_job("c"))
        self.assertEqual([outcome.kind for outcome in outcomes], [DELIVERED, TROUBLE, DELIVERED])
        self.assertIn(b"loaded\r\n", peer.mails)
        self.assertIsNone(job.body)
        self.assertEqual(self.changes, [])

    async def test_a_large_body_arrives_whole(self):
        """Lone dots at every edge of the pieces."""
        peer = self.peer(extensions=("PIPELINING",))
        body = b"".join(b"x" * (65536 - 5 + off) + b"\r\n.\r\n..\r\n.x\r\n" for off in range(-3, 4))
        pools = self.pools({"in.test": peer.port})
        self.assertEqual([each.kind for each in await self.send(pools, a_job("a", body=body), a_job("b", body=body))], [DELIVERED] * 2)
        self.assertEqual(peer.mails, [body, body])

    async def test_chunking_is_used(self):
        """BDAT, small and large."""
        peer = self.peer(extensions=("PIPELINING", "CHUNKING"))
        bodies = [b".\r\n", b".\r\nx" * 100_000 + b"\r\n", b"..\r\n"]
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        await self.send(pools, *(a_job(str(number), body=body) for number, body in enumerate(bodies)))
        self.assertEqual(peer.mails, bodies)

    async def test_a_session_ends_after_its_share(self):
        """messages_per_connection bounds each session, and all mails arrive."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1, messages_per_connection=10))
        outcomes = await self.send(pools, *(str(number) for number in range(35)))
        self.assertEqual({outcome.kind for outcome in outcomes}, {DELIVERED})
        self.assertEqual(peer.connections, 4)
        self.assertEqual(peer.commands.count("QUIT"), 3)

    async def test_destinations_share_the_total(self):
        """When all connections are in use, an idle one ends to make room."""
        peers = [self.peer() for _ in range(4)]
        pools = self.pools({f"d{number}.test": peer.port for number, peer in enumerate(peers)}, limits=PoolLimits(total=2))
        outcomes = await self.send(pools, *(a_job(f"{number}", to=f"u@d{number % 4}.test") for number in range(20)))
        self.assertEqual({outcome.kind for outcome in outcomes}, {DELIVERED})
        self.assertLessEqual(sum(each.connections for each in pools.state()), 2)


class TroubleTests(PoolsTestCase):
    async def test_a_refused_connection_backs_the_destination_off(self):
        """One mail is told of the trouble, the others that they were not tried; later ones do not try either, until the time has come."""
        port = free_port()
        pools = self.pools({"in.test": port})
        outcomes = await self.send(pools, "a", "b", "c")
        self.assertEqual([outcome.kind for outcome in outcomes], [TROUBLE, BACKOFF, BACKOFF])
        self.assertEqual((outcomes[0].stage, outcomes[0].host, outcomes[0].waiting), ("connect", "127.0.0.1", "no_connection"))
        (late,) = await self.send(pools, "d")
        self.assertEqual((late.kind, late.waiting), (BACKOFF, "destination_backoff"))
        self.assertTrue(self.now + 10 <= late.retry_at <= self.now + 30)
        self.assertEqual([(each.state, each.failures) for each in self.changes], [("backing_off", 1)])
        self.now = late.retry_at + 1
        (again,) = await self.send(pools, "e")
        self.assertEqual(again.kind, TROUBLE)
        self.assertEqual(self.changes[-1].failures, 2)

    async def test_success_ends_the_backing_off(self):
        """After a delivered mail nothing is held against the destination."""
        peer = self.peer({"GREETING": [b"421 4.3.2 busy"]})
        pools = self.pools({"in.test": peer.port})
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.kind, outcome.stage, outcome.code, outcome.enhanced, outcome.text), (TROUBLE, "greeting", 421, "4.3.2", "busy"))
        self.now += 31
        self.assertEqual((await self.send(pools, "b"))[0].kind, DELIVERED)
        self.assertEqual([(each.state, each.failures) for each in self.changes], [("backing_off", 1), ("open", 0)])

    async def test_a_greeting_that_refuses_concerns_the_destination(self):
        """554 in the greeting is no bounce."""
        peer = self.peer(usual={"GREETING": b"554 5.7.1 go away"})
        pools = self.pools({"in.test": peer.port})
        outcomes = await self.send(pools, "a", "b")
        self.assertEqual([(each.kind, each.code) for each in outcomes], [(TROUBLE, 554), (BACKOFF, None)])
        self.assertIn("go away", self.changes[0].last_reply)

    async def test_the_next_host_is_tried(self):
        """By preference; a dead first host and a host that refuses in its greeting are passed over."""
        peer = self.peer(address="127.0.0.3")
        refusing = self.peer(usual={"GREETING": b"554 no"}, address="127.0.0.2", port=peer.port)
        zone = Zone({
            ("in.test", "MX"): [(30, "c.test"), (10, "a.test"), (20, "b.test")],
            ("a.test", "A"): ["127.0.0.1"], ("b.test", "A"): ["127.0.0.2"], ("c.test", "A"): ["127.0.0.3"],
        })
        pools = self.pools({}, resolver=zone, port=peer.port)
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.kind, outcome.host, outcome.address), (DELIVERED, "c.test", "127.0.0.3"))
        self.assertEqual(refusing.connections, 1)
        self.assertEqual(self.changes, [])

    async def test_421_stops_the_others(self):
        """A fresh session that is told 421 at MAIL backs the destination off; marked mails that wait are no longer marked."""
        peer = self.peer(usual={"MAIL": b"421 4.7.0 too much"})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        outcomes = await self.send(pools, *(str(number) for number in range(10)))
        self.assertEqual(sorted({(each.kind, each.code) for each in outcomes}, key=str), [(BACKOFF, None), (TROUBLE, 421)])
        self.assertEqual(sum(each.kind == TROUBLE for each in outcomes), 1)
        self.assertEqual(sum(map(len, self.unmarked)), sum(map(len, self.marked)) - 1)

    async def test_a_dead_reused_connection_costs_nothing(self):
        """The host closed the idle session without our knowing: the mail goes on a fresh one at once."""
        peer = self.peer({"MAIL": [b"250 ok", DROP]})
        pools = self.pools({"in.test": peer.port})
        await self.send(pools, "a")
        (outcome,) = await self.send(pools, "b")
        self.assertEqual((outcome.kind, peer.connections), (DELIVERED, 2))
        self.assertEqual(self.changes, [])

    async def test_a_connection_that_always_breaks_is_no_loop(self):
        """A host that drops every session at MAIL is left alone after the first."""
        peer = self.peer(usual={"MAIL": DROP})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        outcomes = await self.send(pools, "a", "b")
        self.assertEqual([each.kind for each in outcomes], [TROUBLE, BACKOFF])
        self.assertEqual(peer.connections, 1)

    async def test_dropped_at_the_dot_is_unknown(self):
        """The mail may have arrived; the next one goes on another connection."""
        peer = self.peer({"DOT": [DROP]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        outcomes = await self.send(pools, "a", "b")
        self.assertEqual([(each.kind, each.reached_dot) for each in outcomes], [(UNKNOWN, True), (DELIVERED, True)])
        self.assertIn("no answer to the final dot", outcomes[0].text)

    async def test_a_silent_host_is_cut(self):
        """Each stage has its deadline, found by the sweep."""
        stages = ("greeting", "ehlo", "mail", "data")
        routes = {f"{stage}.test": self.peer({stage.upper(): [SILENT]}, extensions=()).port for stage in stages}
        pools = self.pools(routes, limits=PoolLimits(command_timeout_s=0.1))
        outcomes = await self.send(pools, *(a_job(stage, to=f"u@{stage}.test") for stage in stages))
        self.assertEqual([(outcome.kind, outcome.stage) for outcome in outcomes], [(TROUBLE, stage) for stage in stages])
        self.assertTrue(all("timed out" in outcome.text for outcome in outcomes))

    async def test_dns_says_what_it_says(self):
        """NXDOMAIN and null MX are permanent by DNS; no answer is trouble."""
        zone = Zone({("null.test", "MX"): [(0, ".")], ("bad.test", "MX"): DnsTrouble("SERVFAIL"), ("bare.test", "TXT"): ["x"]})
        pools = self.pools({}, resolver=zone)
        outcomes = await self.send(pools, *(a_job(name, to=f"u@{name}.test") for name in ("null", "bad", "none", "bare")))
        self.assertEqual([each.kind for each in outcomes], [NOMX, TROUBLE, NOMX, NOMX])
        self.assertEqual((outcomes[0].code, outcomes[0].enhanced), (556, "5.1.10"))
        self.assertEqual(outcomes[1].waiting, "dns_trouble")
        self.assertIn("NXDOMAIN", outcomes[2].text)


class OperatingTests(PoolsTestCase):
    async def test_a_paused_destination_gets_nothing(self):
        """What waits goes back, what comes is turned away, until it is resumed."""
        peer, silent = self.peer(), self.peer({"GREETING": [SILENT]})
        pools = self.pools({"in.test": peer.port, "silent.test": silent.port})
        waiting = pools.submit(a_job("a", to="u@silent.test"))
        pools.pause("silent.test")
        pools.pause("in.test")
        outcomes = [await waiting, *await self.send(pools, "b")]
        self.assertEqual([(each.kind, each.waiting) for each in outcomes], [(BACKOFF, "destination_paused")] * 2)
        self.assertIn(PAUSED, [each.state for each in pools.state()])
        pools.resume("in.test")
        self.assertEqual((await self.send(pools, "c"))[0].kind, DELIVERED)

    async def test_stored_states_are_taken_up(self):
        """A process that starts leaves alone what another one left alone."""
        peer = self.peer()
        pools = self.pools({"in.test": peer.port, "other.test": peer.port + 0})
        pools.restore([DestinationState(f"127.0.0.1:{peer.port}", "backing_off", self.now + 100, 3, "421 busy"), DestinationState("p.test", PAUSED, None, 0, None)])
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.kind, outcome.retry_at), (BACKOFF, self.now + 100))

    async def test_there_is_room_until_too_many_wait(self):
        """`room` speaks of the destination, before and after its look-up."""
        peer = self.peer({"GREETING": [SILENT] * 5})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(waiting_per_destination=2, connections_per_destination=1))
        answers = [pools.submit(a_job("a"))]
        self.assertTrue(pools.room("in.test"))
        answers.append(pools.submit(a_job("b")))
        self.assertFalse(pools.room("in.test"))
        await pools.stop(0.0)
        self.assertEqual([(await each).waiting for each in answers], ["shutdown"] * 2)

    async def test_a_slow_destination_makes_room(self):
        """In a crowd, all but a few of its mails go back with a moment each; a fast destination's mails are not held up."""
        slow, fast = self.peer({"GREETING": [SILENT] * 5}), self.peer()
        pools = self.pools({"slow.test": slow.port, "fast.test": fast.port}, limits=PoolLimits(crowded_at=100))
        answers = [pools.submit(a_job(f"s{number}", to="u@slow.test")) for number in range(120)]
        self.now += 3
        returned = [await each for each in answers[50:]]
        self.assertEqual({(each.kind, each.waiting) for each in returned}, {(BACKOFF, "destination_busy")})
        self.assertEqual(len({each.retry_at for each in returned}), 70)
        self.assertFalse([each for each in answers[:50] if each.called])
        (outcome,) = await self.send(pools, a_job("f", to="u@fast.test"))
        self.assertEqual(outcome.kind, DELIVERED)

    async def test_waiting_has_an_end(self):
        """A job whose time is over before it got a connection goes back."""
        peer = self.peer({"GREETING": [SILENT]})
        pools = self.pools({"in.test": peer.port})
        (outcome,) = await self.send(pools, a_job("a", give_up_at=self.now - 1))
        self.assertEqual((outcome.kind, outcome.waiting), (BACKOFF, "destination_busy"))

    async def test_stopping_ends_open_transactions_first(self):
        """The mail whose dot is out is answered; what waits is turned away; then nothing is taken any more."""
        peer = self.peer({"DOT": [SILENT]})
        pools = self.pools({"in.test": peer.port}, limits=PoolLimits(connections_per_destination=1))
        answers = [pools.submit(a_job(str(number))) for number in range(120)]
        while not peer.mails:
            await deferLater(reactor, 0.01)
        stopped = Deferred.fromCoroutine(pools.stop(10.0))
        for session in peer.open:
            session.speak(b"250 2.0.0 Ok")
        await stopped
        outcomes = [await each for each in answers]
        self.assertEqual(outcomes[0].kind, DELIVERED)
        self.assertEqual({(each.kind, each.waiting) for each in outcomes[2:]}, {(BACKOFF, "shutdown")})
        (late,) = await self.send(pools, "late")
        self.assertEqual((late.kind, late.waiting), (BACKOFF, "shutdown"))

    async def test_stopping_has_its_limit(self):
        """A dot that is not answered in time is unknown."""
        peer = self.peer({"DOT": [SILENT]})
        pools = self.pools({"in.test": peer.port})
        answer = pools.submit(a_job("a"))
        while not peer.mails:
            await deferLater(reactor, 0.01)
        await pools.stop(0.05)
        self.assertEqual((await answer).kind, UNKNOWN)


class SinkTests(PoolsTestCase):
    """Against Postfix's smtp-sink, with refusals and hang-ups at each stage: no hang, no lost mail, no copy."""

    async def sent(self, *flags, count=40):
        if not has_smtp_sink():
            raise SkipTest("no smtp-sink on this host: install postfix")
        directory = tempfile.mkdtemp()
        sink = SmtpSink(*flags, directory=directory)
        self.addCleanup(sink.stop)
        pools = self.pools({"in.test": sink.port})
        outcomes = await self.send(pools, *(a_job(str(number)) for number in range(count)))
        await pools.stop(5.0)
        return {(each.kind, each.code) for each in outcomes}, sink

    async def test_plain_runs(self):
        """With and without PIPELINING, ESMTP and 8BITMIME, and with a slow DATA."""
        for flags in ((), ("-p",), ("-e",), ("-8",), ("-w", "1")):
            kinds, sink = await self.sent(*flags, count=5 if "-w" in flags else 40)
            self.assertEqual(kinds, {(DELIVERED, 250)}, flags)

    async def test_refusals_at_each_stage(self):
        """-r: 4xx or 5xx for the mail, each of them."""
        for stage in ("MAIL", "RCPT", "DATA", "."):
            soft, _ = await self.sent("-r", stage)
            self.assertEqual({kind for kind, _ in soft}, {DEFERRED}, stage)
            hard, _ = await self.sent("-f", stage)
            self.assertEqual({kind for kind, _ in hard}, {REFUSED}, stage)

    async def test_hang_ups_at_each_stage(self):
        """-q drops, -Q says 421 and drops: trouble for those tried, backing off for the rest; after the dot, unknown or told."""
        for stage in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA"):
            for flag in ("-q", "-Q"):
                kinds, sink = await self.sent(flag, stage)
                self.assertLessEqual({kind for kind, _ in kinds}, {TROUBLE, BACKOFF}, (flag, stage))
                self.assertEqual(sink.count, 0)
        kinds, _ = await self.sent("-q", ".")
        self.assertLessEqual({kind for kind, _ in kinds}, {UNKNOWN, TROUBLE, BACKOFF})
        kinds, _ = await self.sent("-Q", ".")
        self.assertLessEqual(kinds, {(TROUBLE, 421), (BACKOFF, None)})
