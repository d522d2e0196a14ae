"""How policies are fetched, kept and shared, over https to a host of the test."""

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate

from scaisend.delivery.mta_sts_client import RETRY_S, StsPolicies
from scaisend.dns import DnsTrouble
from scaisend.faults import Unavailable
from scaisend.http.outgoing import Outgoing
from scaisend.http.trust import https_policy
from tests.base import ReactorTestCase
from tests.world.authority import Authority
from tests.world.dns_table import DnsTable
from tests.world.inline_database import inline_database
from tests.world.web_peer import Asked, Says, WebPeer

NOW = 1_790_000_000.0
HOST = "mta-sts.in.test"
TEXT = {"content-type": "text/plain"}


def policy(mode: str = "enforce", *, host: str = "mx.in.test", age: int = 604_800) -> Says:
    return Says(body=f"version: STSv1\nmode: {mode}\nmx: {host}\nmax_age: {age}\n".encode(), headers=TEXT)


class StsPoliciesTests(ReactorTestCase):
    def setUp(self) -> None:
        self.now, self.authority = NOW, Authority()
        self.ca_file = self.authority.ca_file(self)
        self.dns = DnsTable({("_mta-sts.in.test", "TXT"): ["v=STSv1; id=1;"], (HOST, "A"): ["127.0.0.1"]})
        self.database = inline_database()
        self.told: list[tuple[str, str | None]] = []
        self.peer = self.host(HOST)
        self.one = self.process()

    def host(self, name: str) -> WebPeer:
        issued = self.authority.issue(name)
        context = PrivateCertificate.loadPEM(issued.key_pem + issued.certificate.public_bytes(Encoding.PEM)).options()
        peer = WebPeer(reactor, policy(), context=context)
        self.addCleanup(peer.stop)
        return peer

    def process(self, *, peer: WebPeer | None = None, allow_private: bool = True, **more: object) -> StsPolicies:
        outgoing = Outgoing(reactor=reactor, resolver=self.dns, allow_private=allow_private, policy=https_policy(self.ca_file))
        self.addCleanup(outgoing.close)
        given = {"database": self.database, **more}
        return StsPolicies(
            resolver=self.dns, outgoing=outgoing, clock=lambda: self.now, port=(peer or self.peer).port,
            tell=lambda domain, result: self.told.append((domain, result.failure)), **given,  # type: ignore[arg-type]
        )

    def publish(self, id_: str | None) -> None:
        self.dns.records[("_mta-sts.in.test", "TXT")] = [] if id_ is None else [f"v=STSv1; id={id_};"]

    async def test_one_fetch_serves_all_processes(self) -> None:
        """And each later question, until the id changes or a day is over."""
        found = await self.one.policy_of("in.test")
        self.assertEqual((found.mode, found.hosts), ("enforce", ("mx.in.test",)))
        self.assertEqual(await self.process().policy_of("in.test"), found)
        self.assertEqual([each.path for each in self.peer.asked], ["/.well-known/mta-sts.txt"])
        self.peer.says = policy(host="mx2.in.test")
        self.publish("2")
        self.assertEqual((await self.process().policy_of("in.test")).hosts, ("mx2.in.test",))
        self.now += 86_401
        await self.one.policy_of("in.test")
        self.assertEqual(len(self.peer.asked), 3)

    async def test_failures_keep_the_old_policy(self) -> None:
        """Whatever the host says in its place; it is asked again after a while, not at once."""
        await self.one.policy_of("in.test")
        wrong = (
            (Says(status=404, headers=TEXT), "sts-policy-fetch-error"), (Says(status=302, headers={"location": f"https://{HOST}/other", **TEXT}), "sts-policy-fetch-error"),
            (Says(body=policy().body, headers={"content-type": "text/html"}), "sts-policy-invalid"), (Says(body=b"hello", headers=TEXT), "sts-policy-invalid"),
            (Says(hang_up=True), "sts-policy-fetch-error"),
        )
        for number, (says, kind) in enumerate(wrong):
            self.peer.says = says
            self.publish(f"bad{number}")
            for _ in range(2):
                self.assertEqual((await self.one.policy_of("in.test")).hosts, ("mx.in.test",))
            self.assertEqual(len(self.peer.asked), 2 + number)
            self.assertEqual(self.told[-1], ("in.test", kind))
        self.peer.says = policy(host="mx3.in.test")
        self.now += RETRY_S
        self.assertEqual((await self.process().policy_of("in.test")).hosts, ("mx3.in.test",))

    async def test_a_policy_outlives_its_record(self) -> None:
        """Who hides the record or breaks its server cannot take the policy away; its max_age does."""
        await self.one.policy_of("in.test")
        self.publish(None)
        self.assertIsNotNone(await self.one.policy_of("in.test"))
        self.dns.trouble.add("_mta-sts.in.test")
        self.assertIsNotNone(await self.one.policy_of("in.test"))
        self.now += 604_801
        self.assertIsNone(await self.one.policy_of("in.test"))

    async def test_certificates_are_checked(self) -> None:
        """A host of another name, or of an authority that nobody knows, brings no policy."""
        other = self.host("www.in.test")
        self.assertIsNone(await self.process(peer=other).policy_of("in.test"))
        self.assertEqual((self.told, other.asked), ([("in.test", "sts-webpki-invalid")], []))

    async def test_only_public_hosts_are_asked(self) -> None:
        """A domain's record does not make us call into our own network."""
        self.assertIsNone(await self.process(allow_private=False).policy_of("in.test"))
        self.assertEqual((self.peer.asked, self.told), ([], [("in.test", "sts-policy-fetch-error")]))

    async def test_none_is_no_policy(self) -> None:
        """A domain that gives it up says so; one without a record is not asked."""
        await self.one.policy_of("in.test")
        self.peer.says = policy("none")
        self.publish("3")
        self.assertIsNone(await self.one.policy_of("in.test"))
        self.assertIsNone(await self.one.policy_of("other.test"))
        self.assertEqual(len(self.peer.asked), 2)

    async def test_a_database_that_is_away_is_no_absence_of_a_policy(self) -> None:
        """Mail waits; it does not go out unprotected."""

        class Away:
            async def run(self, *_: object) -> None:
                raise Unavailable("database")

        with self.assertRaises(DnsTrouble):
            await self.process(database=Away()).policy_of("in.test")

    async def test_an_endless_body_is_cut(self) -> None:
        """And is no policy."""
        self.peer.says = _endless
        self.assertIsNone(await self.one.policy_of("in.test"))


def _endless(_: Asked) -> Says:
    return Says(body=policy().body + b"x: y\n" * 200_000, headers=TEXT)
