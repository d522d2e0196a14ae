"""The rungs against real counterparts: Unbound that validates, Postfix with certificates right and wrong, policies over https."""

from hashlib import sha256, sha512
from unittest import SkipTest

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate

from scaisend.delivery.job import DELIVERED, TROUBLE
from scaisend.delivery.mta_sts_client import StsPolicies
from scaisend.delivery.tls_policy import DANE, MTA_STS, NONE, OPPORTUNISTIC, VERIFY, TlsPolicy
from scaisend.domains.dns_client import DnsClient
from scaisend.http.outgoing import Outgoing
from scaisend.http.trust import https_policy
from tests.delivery.jobs import a_job
from tests.delivery.pools import PoolsTestCase
from tests.world import unbound
from tests.world.authority import Authority, Issued
from tests.world.inline_database import inline_database
from tests.world.postfix import Postfix, why_not
from tests.world.web_peer import Says, WebPeer

TEXT = {"content-type": "text/plain; charset=utf-8"}


class LadderCase(PoolsTestCase):
    timeout = 60

    def setUp(self) -> None:
        missing = why_not() or unbound.why_not()
        if missing:
            raise SkipTest(missing)
        self.authority = Authority()

    def postfix(self, issued: Issued | None, *, tls: str = "may") -> Postfix:
        """Postfix with this certificate, gone when the test ends."""
        made = Postfix(tls=tls, certificate=issued)
        self.addCleanup(made.stop)
        return made

    def dns(self, **zones: str) -> DnsClient:
        """What the validating resolver says of these zones."""
        server = unbound.Unbound(**zones)
        self.addCleanup(server.stop)
        return DnsClient(reactor=reactor, nameservers=[server.address], clock=lambda: self.now, cache_cap_s=0)

    async def outcome(self, resolver: object, port: int, domain: str, policy: TlsPolicy | None = None, sts: object = None) -> object:
        """What becomes of a mail to the domain; Postfix takes mail for box.test alone."""
        pools = self.pools({}, resolver=resolver, port=port, tls=policy or TlsPolicy(OPPORTUNISTIC), sts=sts)
        (outcome,) = await self.send(pools, a_job("a", to="u@box.test", domain=domain))
        await pools.stop(0.0)
        return outcome


class DaneTests(LadderCase):
    async def test_every_kind_of_record_is_checked_by_the_real_certificate(self) -> None:
        """DANE-EE and DANE-TA with each selector and matching type: the right one delivers, a wrong one is deferred, never in clear."""
        issued = self.authority.issue("*.d.sec.example")
        port = self.postfix(issued).port
        other = Authority().issue("*.d.sec.example")
        whole = [
            (usage, selector, getattr(one, "key_der" if selector else "der") if usage == 3 else one.authority_der, one is issued)
            for usage, selector in ((3, 0), (3, 1), (2, 0)) for one in (issued, other)
        ]
        records = [
            (f"{usage} {selector} {matching} {digest(data).hex()}", good) for usage, selector, data, good in whole
            for matching, digest in ((0, bytes), (1, lambda data: sha256(data).digest()), (2, lambda data: sha512(data).digest()))
        ]
        zone = "".join(
            f"d{number} IN MX 10 mx{number}.d\nmx{number}.d IN A 127.0.0.1\n_{port}._tcp.mx{number}.d IN TLSA {record}\n"
            for number, (record, _) in enumerate(records)
        )
        resolver = self.dns(secure=zone)
        for number, (record, good) in enumerate(records):
            outcome = await self.outcome(resolver, port, f"d{number}.sec.example")
            self.assertEqual((outcome.kind, outcome.rung), (DELIVERED if good else TROUBLE, DANE), record)
            if outcome.kind == TROUBLE:
                self.assertEqual((outcome.stage, outcome.waiting, outcome.rung), ("tls", "tls_trouble", DANE))

    async def test_an_authority_in_dns(self) -> None:
        """DANE-TA: chain, dates and name must hold; another authority's, one that is over, or another name does not."""
        good, over = self.authority.issue("mx.sec.example"), self.authority.issue("mx.sec.example", days=1, ago=3)
        elsewhere = self.authority.issue("mx.elsewhere.test")
        record = f"2 0 1 {sha256(good.authority_der).hexdigest()}"
        for issued, said in ((good, None), (over, "expired"), (elsewhere, "not valid for mx.sec.example"), (Authority().issue("mx.sec.example"), "no TLSA record")):
            port = self.postfix(issued).port
            resolver = self.dns(secure=f"@ IN MX 10 mx\nmx IN A 127.0.0.1\n_{port}._tcp.mx IN TLSA {record}\n")
            outcome = await self.outcome(resolver, port, "sec.example")
            self.assertEqual((outcome.kind, outcome.rung), (TROUBLE if said else DELIVERED, DANE))
            self.assertIn(said or "", outcome.text)

    async def test_without_starttls_nothing_goes(self) -> None:
        """The host that promised a certificate does not offer TLS: somebody is in between."""
        port = self.postfix(None, tls="none").port
        resolver = self.dns(secure=f"@ IN MX 10 mx\nmx IN A 127.0.0.1\n_{port}._tcp.mx IN TLSA 3 1 1 {'ab' * 32}\n")
        outcome = await self.outcome(resolver, port, "sec.example")
        self.assertEqual((outcome.kind, outcome.stage, outcome.enhanced, outcome.rung), (TROUBLE, "tls", "5.7.10", DANE))
        ((domain, result),) = self.told_tls
        self.assertEqual((domain, result.kind, result.failure), ("sec.example", "tlsa", "starttls-not-supported"))

    async def test_a_mail_may_ask_to_arrive_all_the_same(self) -> None:
        """With `TLS-Required: No` (RFC 8689) what the domain publishes does not hold it up, over a connection of its own; the policy does."""
        port = self.postfix(self.authority.issue("mx.sec.example")).port
        resolver = self.dns(secure=f"@ IN MX 10 mx\nmx IN A 127.0.0.1\n_{port}._tcp.mx IN TLSA 3 1 1 {'ab' * 32}\n")
        for policy, expected in ((OPPORTUNISTIC, {DELIVERED, TROUBLE}), (VERIFY, {TROUBLE})):
            pools = self.pools({}, resolver=resolver, port=port, tls=TlsPolicy(policy))
            jobs = [a_job(name, to="u@box.test", domain="sec.example") for name in "ab"]
            jobs[0].needs_no_tls = True
            freed, held = await self.send(pools, *jobs)
            self.assertEqual({freed.kind, held.kind}, expected)
            self.assertEqual((freed.rung, held.rung), (policy, DANE))
            await pools.stop(0.0)

    async def test_only_a_secure_zone_counts(self) -> None:
        """TLSA records of a zone without DNSSEC, and of a host whose MX was not vouched for, are nothing; neither is `mta-sts` alone."""
        port = self.postfix(self.authority.issue("mx.plain.example")).port
        wrong = f"_{port}._tcp.mx IN TLSA 3 1 1 {'ab' * 32}\n"
        host = "mx IN A 127.0.0.1\n"
        resolver = self.dns(plain="@ IN MX 10 mx\nb IN MX 10 mx.sec.example.\n" + host + wrong, secure="@ IN MX 10 mx\n" + host + wrong)
        for domain, policy, expected in (
            ("plain.example", OPPORTUNISTIC, OPPORTUNISTIC), ("b.plain.example", OPPORTUNISTIC, OPPORTUNISTIC), ("sec.example", MTA_STS, OPPORTUNISTIC),
            ("sec.example", NONE, NONE),
        ):
            outcome = await self.outcome(resolver, port, domain, TlsPolicy(policy))
            self.assertEqual((outcome.kind, outcome.rung), (DELIVERED, expected))
        outcome = await self.outcome(resolver, port, "sec.example", TlsPolicy(NONE, domains={"sec.example": DANE}))
        self.assertEqual((outcome.kind, outcome.rung), (TROUBLE, DANE))

    async def test_bogus_answers_defer(self) -> None:
        """A zone whose signatures do not hold, for the domain or for its host: nothing goes out."""
        port = self.postfix(self.authority.issue("mx.bogus.example")).port
        resolver = self.dns(bogus="@ IN MX 10 mx\nmx IN A 127.0.0.1\n", secure="@ IN MX 10 mx.bogus.example.\n")
        for domain in ("bogus.example", "sec.example"):
            outcome = await self.outcome(resolver, port, domain)
            self.assertEqual((outcome.kind, outcome.stage, outcome.waiting), (TROUBLE, "dns", "dns_trouble"))

    async def test_another_host_of_the_domain_may_be_right(self) -> None:
        """The first fails its records, the second fulfils its own."""
        issued = self.authority.issue("mx.sec.example")
        port = self.postfix(issued).port
        right = f"3 0 1 {sha256(issued.der).hexdigest()}"
        resolver = self.dns(secure=(
            f"@ IN MX 10 bad\n@ IN MX 20 good\nbad IN A 127.0.0.1\ngood IN A 127.0.0.1\n_{port}._tcp.bad IN TLSA 3 1 1 {'ab' * 32}\n"
            f"_{port}._tcp.good IN TLSA {right}\n"
        ))
        outcome = await self.outcome(resolver, port, "sec.example")
        self.assertEqual((outcome.kind, outcome.host, outcome.rung), (DELIVERED, "good.sec.example", DANE))


class MtaStsTests(LadderCase):
    def policy_host(self, body: bytes, issued: Issued | None = None, **more: object) -> WebPeer:
        """mta-sts.plain.example over https."""
        issued = issued or self.authority.issue("mta-sts.plain.example")
        context = PrivateCertificate.loadPEM(issued.key_pem + issued.certificate.public_bytes(Encoding.PEM)).options()
        peer = WebPeer(reactor, Says(body=body, **{"headers": TEXT, **more}), context=context)
        self.addCleanup(peer.stop)
        return peer

    def world(self, peer: WebPeer, ca_file: str, *, more: str = "") -> tuple[DnsClient, StsPolicies]:
        resolver = self.dns(plain=(
            f'@ IN MX 10 mx\nmx IN A 127.0.0.1\nmta-sts IN A 127.0.0.1\n_mta-sts IN TXT "v=STSv1; id=1;"\n{more}'
        ))
        outgoing = Outgoing(reactor=reactor, resolver=resolver, allow_private=True, policy=https_policy(ca_file))
        self.addCleanup(outgoing.close)
        self.database = inline_database()
        self.told: list[tuple[str, str | None]] = []
        return resolver, StsPolicies(
            database=self.database, resolver=resolver, outgoing=outgoing, clock=lambda: self.now, port=peer.port,
            tell=lambda domain, result: self.told.append((domain, result.failure)),
        )

    async def test_an_enforced_policy(self) -> None:
        """The named host with a good certificate takes the mail; another name, an unknown authority, or a host that is not named does not."""
        ca_file = self.authority.ca_file(self)
        good, mismatch, unknown = self.authority.issue("mx.plain.example"), self.authority.issue("other.test"), Authority().issue("mx.plain.example")
        named, other = b"version: STSv1\nmode: enforce\nmx: *.plain.example\nmax_age: 86400\n", b"version: STSv1\nmode: enforce\nmx: mx.other.test\nmax_age: 86400\n"
        for issued, body, failure in (
            (good, named, None), (mismatch, named, "certificate-host-mismatch"), (unknown, named, "certificate-not-trusted"),
            (good, other, "validation-failure"), (self.authority.issue("mx.plain.example", days=1, ago=3), named, "certificate-expired"),
        ):
            port = self.postfix(issued).port
            resolver, sts = self.world(self.policy_host(body), ca_file)
            outcome = await self.outcome(resolver, port, "plain.example", TlsPolicy(ca_file=ca_file), sts)
            self.assertEqual(outcome.kind, TROUBLE if failure else DELIVERED, failure)
            ((domain, result),) = self.told_tls
            self.assertEqual((domain, result.kind, result.failure), ("plain.example", "sts", failure))
            if body is named:
                self.assertEqual((outcome.rung, outcome.rung_why), (MTA_STS, "the domain enforces its MTA-STS policy"))

    async def test_a_tested_policy_only_tells(self) -> None:
        """The same faults are told, and the mail is delivered; without STARTTLS too."""
        ca_file = self.authority.ca_file(self)
        body = b"version: STSv1\nmode: testing\nmx: mx.plain.example\nmax_age: 86400\n"
        for issued, tls, failure in (
            (self.authority.issue("mx.plain.example"), "may", None), (self.authority.issue("other.test"), "may", "certificate-host-mismatch"),
            (Authority().issue("mx.plain.example"), "may", "certificate-not-trusted"), (None, "none", "starttls-not-supported"),
        ):
            port = self.postfix(issued, tls=tls).port
            resolver, sts = self.world(self.policy_host(body), ca_file)
            outcome = await self.outcome(resolver, port, "plain.example", TlsPolicy(ca_file=ca_file), sts)
            self.assertEqual((outcome.kind, outcome.rung, self.told_tls[0][1].failure), (DELIVERED, "mta-sts-testing", failure))

    async def test_dane_beats_it(self) -> None:
        """Right TLSA records deliver where the policy would not; wrong ones do not deliver where the policy would."""
        ca_file = self.authority.ca_file(self)
        issued = self.authority.issue("mx.sec.example")
        port = self.postfix(issued).port
        for allowed, record, expected in (("mx.other.test", sha256(issued.der).hexdigest(), DELIVERED), ("mx.sec.example", "ab" * 32, TROUBLE)):
            peer = self.policy_host(f"version: STSv1\nmode: enforce\nmx: {allowed}\nmax_age: 86400\n".encode(), self.authority.issue("mta-sts.sec.example"))
            _, sts = self.world(peer, ca_file)
            resolver = self.dns(secure=(
                f'@ IN MX 10 mx\nmx IN A 127.0.0.1\nmta-sts IN A 127.0.0.1\n_mta-sts IN TXT "v=STSv1; id=1;"\n_{port}._tcp.mx IN TLSA 3 0 1 {record}\n'
            ))
            sts._resolver = resolver
            sts._outgoing = Outgoing(reactor=reactor, resolver=resolver, allow_private=True, policy=https_policy(ca_file))
            outcome = await self.outcome(resolver, port, "sec.example", TlsPolicy(VERIFY, ca_file=ca_file), sts)
            self.assertEqual((outcome.kind, outcome.rung), (expected, DANE))
            self.assertEqual((await sts.policy_of("sec.example")).hosts, (allowed,))
            await sts._outgoing.close()

