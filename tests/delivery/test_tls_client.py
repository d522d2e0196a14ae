from unittest import SkipTest

from scaisend.delivery.job import DELIVERED, REFUSED, TROUBLE
from scaisend.delivery.pool_client import PoolLimits
from scaisend.delivery.tls_policy import OPPORTUNISTIC, REQUIRED, VERIFY, TlsPolicy
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase, Zone
from tests.world.postfix import shared, why_not


class PostfixCase(PoolsTestCase):
    tls = "none"

    def setUp(self):
        if why_not():
            raise SkipTest(why_not())
        self.postfix = shared(self.tls)

    def pools_of(self, policy, host="mx.test", **more):
        """Pools that find Postfix under this name."""
        zone = Zone({("box.test", "MX"): [(10, host)], (host, "A"): ["127.0.0.1"]})
        return self.pools({}, resolver=zone, port=self.postfix.port, tls=policy, **more)


class PlainPostfixTests(PostfixCase):
    async def test_a_real_host_takes_mail_byte_by_byte(self):
        """Lone dots, long lines, nothing added or lost; refusals are told per recipient."""
        pools = self.pools_of(TlsPolicy(OPPORTUNISTIC))
        bodies = [b"Subject: <%d>\r\n\r\n.\r\n..\r\n" % number + b"x" * 900 + b"\r\n.\r\n" for number in range(20)]
        jobs = [a_job(str(number), to="u@box.test", body=body) for number, body in enumerate(bodies)]
        outcomes = await self.send(pools, *jobs, a_job("x", to="u@elsewhere.test", domain="box.test"), a_job("y", to="u@box.test", body=b"x" * 78 + b"\r\n"))
        self.assertEqual({outcome.kind for outcome in outcomes[:20]}, {DELIVERED})
        self.assertEqual((outcomes[20].kind, outcomes[20].stage, outcomes[20].enhanced), (REFUSED, "rcpt", "5.7.1"))
        self.assertEqual({outcome.tls for outcome in outcomes}, {None})
        kept = self.postfix.mails(20)
        for body in bodies:
            head, _, rest = body.replace(b"\r\n", b"\n").partition(b"\n\n")
            found = [mail for mail in kept if head in mail]
            self.assertEqual(len(found), 1)
            self.assertTrue(found[0].endswith(b"\n\n" + rest))

    async def test_a_mail_that_is_too_large_is_not_sent(self):
        """SIZE is compared here."""
        pools = self.pools_of(TlsPolicy("none"))
        (outcome,) = await self.send(pools, a_job("a", to="u@box.test", body=b"x" * 78 + b"\r\n" + b"y" * 78 * 20000 + b"\r\n"))
        self.assertEqual((outcome.kind, outcome.enhanced, outcome.host), (REFUSED, "5.3.4", "mx.test"))

    async def test_required_tls_that_is_not_offered_is_trouble(self):
        """No mail leaves in clear."""
        pools = self.pools_of(TlsPolicy(REQUIRED))
        (outcome,) = await self.send(pools, a_job("a", to="u@box.test"))
        self.assertEqual((outcome.kind, outcome.stage, outcome.enhanced, outcome.waiting), (TROUBLE, "tls", "5.7.10", "tls_trouble"))


class TlsPostfixTests(PostfixCase):
    tls = "may"

    async def test_starttls_is_used_when_offered(self):
        """Version and cipher are told; many mails go over one handshake."""
        for policy in (OPPORTUNISTIC, REQUIRED):
            outcomes = await self.send(self.pools_of(TlsPolicy(policy)), *(a_job(str(number), to="u@box.test") for number in range(30)))
            self.assertEqual({outcome.kind for outcome in outcomes}, {DELIVERED})
            self.assertTrue(all(outcome.tls.startswith("TLSv1.3 ") for outcome in outcomes))

    async def test_a_large_mail_goes_through_tls(self):
        """In pieces, whole."""
        body = b"Subject: large\r\n\r\n" + b".".join([b"z" * 70 + b"\r\n"] * 8000)
        (outcome,) = await self.send(self.pools_of(TlsPolicy(REQUIRED)), a_job("a", to="u@box.test", body=body))
        self.assertEqual(outcome.kind, DELIVERED)
        large = [mail for mail in self.postfix.mails(1) if b"Subject: large" in mail]
        self.assertTrue(large[0].endswith(body.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")))

    async def test_a_verified_host_must_have_its_certificate(self):
        """Right name and root: delivered. Unknown root, or another name: trouble, and never in clear."""
        trusting = TlsPolicy(VERIFY, ca_file=self.postfix.ca_file)
        (good,) = await self.send(self.pools_of(trusting), a_job("a", to="u@box.test"))
        self.assertEqual(good.kind, DELIVERED)
        for policy, host, said in ((TlsPolicy(VERIFY), "mx.test", "certificate verify failed"), (trusting, "other.test", "not valid for other.test")):
            (bad,) = await self.send(self.pools_of(policy, host), a_job("a", to="u@box.test"))
            self.assertEqual((bad.kind, bad.stage, bad.waiting), (TROUBLE, "tls", "tls_trouble"))
            self.assertIn(said, bad.text)


class FallbackTests(PoolsTestCase):
    async def test_opportunistic_goes_without_tls_that_fails(self):
        """454, or a handshake that comes to nothing: a new connection in clear, and the host is remembered."""
        for answer in (b"454 4.7.0 TLS not available", b"220 go"):
            peer = self.peer(usual={"STARTTLS": answer}, extensions=("PIPELINING", "STARTTLS"))
            pools = self.pools({"in.test": peer.port}, tls=TlsPolicy(OPPORTUNISTIC), limits=PoolLimits(command_timeout_s=0.2))
            (outcome,) = await self.send(pools, "a")
            self.assertEqual((outcome.kind, outcome.tls), (DELIVERED, None))
            self.assertEqual(peer.connections, 2)
            self.assertEqual(peer.commands.count("STARTTLS"), 1)

    async def test_plain_text_behind_starttls_is_not_believed(self):
        """The session is cut, and nothing is delivered over it."""
        peer = self.peer(usual={"STARTTLS": b"220 go\r\n250-evil\r\n250 AUTH PLAIN"}, extensions=("STARTTLS",))
        pools = self.pools({"in.test": peer.port}, tls=TlsPolicy(OPPORTUNISTIC))
        (outcome,) = await self.send(pools, "a")
        self.assertEqual((outcome.kind, outcome.stage), (TROUBLE, "tls"))
        self.assertEqual(peer.mails, [])
