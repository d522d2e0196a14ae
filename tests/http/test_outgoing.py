import gzip
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.ssl import Certificate, PrivateCertificate, trustRootFromCertificates
from twisted.web.client import BrowserLikePolicyForHTTPS

from scaisend.dns import Answer, DnsTrouble, NoRecords, NoSuchName
from scaisend.http.outgoing import NotAnswered, Outgoing, checked_addresses, why_not
from tests.base import PlainTestCase, ReactorTestCase
from tests.world.web_peer import Says, WebPeer


class Names:
    """A resolver over a dictionary of addresses, or of what is raised."""

    def __init__(self, **names: object) -> None:
        self.names = {name.replace("_", "."): found for name, found in names.items()}
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        found = self.names.get(name)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NoSuchName(name)
        records = tuple(address for address in found if (":" in address) == (kind == "AAAA"))  # type: ignore[attr-defined]
        if not records:
            raise NoRecords(name)
        return Answer(records, 60.0)


class CheckedAddressesTest(PlainTestCase):
    def found(self, host: str, names: Names, *, allow_private: bool = False) -> list[str]:
        return self.successResultOf(ensureDeferred(checked_addresses(host, names, allow_private=allow_private)))

    def refused(self, host: str, names: Names) -> NotAnswered:
        error: NotAnswered = self.failureResultOf(ensureDeferred(checked_addresses(host, names, allow_private=False)), NotAnswered).value
        return error

    def test_both_families(self) -> None:
        """All addresses of both families, IPv4 first, a bounded number of them."""
        self.assertEqual(self.found("a.test", Names(a_test=["2606:4700::1", "8.8.8.8"])), ["8.8.8.8", "2606:4700::1"])
        self.assertEqual(len(self.found("a.test", Names(a_test=[f"8.8.8.{n}" for n in range(50)]))), 4)

    def test_one_inner_address_blocks_the_name(self) -> None:
        """A name that points outside and inside is not called at all."""
        for inner in ("127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"):
            self.assertTrue(self.refused("a.test", Names(a_test=["8.8.8.8", inner])).is_refused)

    def test_an_address_asks_nobody(self) -> None:
        """A literal address is checked as it stands; brackets and all."""
        names = Names()
        self.assertEqual(self.found("8.8.8.8", names), ["8.8.8.8"])
        self.assertEqual(self.found("[2606:4700::1]", names), ["2606:4700::1"])
        self.assertTrue(self.refused("[::1]", names).is_refused)
        self.assertEqual(names.asked, [])

    def test_names_without_answers(self) -> None:
        """No address and trouble for now are told apart, and neither is our refusal."""
        self.assertEqual(str(self.refused("no.test", Names())), "no.test has no address")
        self.assertEqual(str(self.refused("a.test", Names(a_test=DnsTrouble("x")))), "a.test could not be looked up for now")
        self.assertFalse(self.refused("no.test", Names()).is_refused)

    def test_private_may_be_allowed(self) -> None:
        """Where private targets are allowed they are called, but a record that is no address never."""
        self.assertEqual(self.found("a.test", Names(a_test=["10.0.0.1"]), allow_private=True), ["10.0.0.1"])
        self.failureResultOf(ensureDeferred(checked_addresses("a.test", Names(a_test=["nonsense"]), allow_private=True)), NotAnswered)


class OutgoingCase(ReactorTestCase):
    def peer(self, says: object = None, context: object = None) -> WebPeer:
        peer = WebPeer(reactor, says or Says(), context=context)  # type: ignore[arg-type]
        self.addCleanup(lambda: ensureDeferred(peer.stop()))
        return peer

    def outgoing(self, names: Names | None = None, **more: object) -> Outgoing:
        outgoing = Outgoing(reactor=reactor, resolver=names, **{"allow_http": True, **more})  # type: ignore[arg-type]
        self.addCleanup(lambda: ensureDeferred(outgoing.close()))
        return outgoing

    async def failed(self, outgoing: Outgoing, url: str, timeout_s: float = 10) -> NotAnswered:
        try:
            await outgoing.post(url, b"x", {}, timeout_s)
        except NotAnswered as error:
            return error
        raise AssertionError("it was answered")


class OutgoingTest(OutgoingCase):
    async def test_a_post(self) -> None:
        """Body and headers arrive as they were given; the name stands in Host though an address was connected to."""
        peer = self.peer(Says(201, b"thanks", {"X-Seen": "1"}))
        outgoing = self.outgoing(Names(hook_test=["127.0.0.1"]), allow_private=True)
        answer = await outgoing.post(f"http://hook.test:{peer.port}/in?a=b", b"[1]", {"Content-Type": "application/json", "X-Sig": "s"}, 10)
        self.assertEqual((answer.status, answer.body, answer.headers["x-seen"]), (201, b"thanks", "1"))
        asked = peer.asked[0]
        self.assertEqual((asked.method, asked.path, asked.body), ("POST", "/in?a=b", b"[1]"))
        self.assertEqual((asked.headers["host"], asked.headers["content-type"], asked.headers["x-sig"]), (f"hook.test:{peer.port}", "application/json", "s"))

    async def test_connections_are_used_again(self) -> None:
        """The second request to a host takes the first one's connection, and asks no resolver."""
        peer, names = self.peer(), Names(hook_test=["127.0.0.1"])
        outgoing = self.outgoing(names, allow_private=True)
        for _ in range(3):
            await outgoing.post(f"http://hook.test:{peer.port}/", b"x", {}, 10)
        self.assertEqual((len(peer.connections), len(names.asked)), (1, 2))

    async def test_a_rebound_name_is_not_called(self) -> None:
        """A name that had a public address when it was stored and a loopback one now is refused when it is called."""
        peer = self.peer()
        error = await self.failed(self.outgoing(Names(hook_test=["127.0.0.1"])), f"http://hook.test:{peer.port}/")
        self.assertTrue(error.is_refused)
        self.assertEqual((peer.asked, peer.connections), ([], []))

    async def test_the_checked_answer_is_the_one_connected_to(self) -> None:
        """A resolver that answers twice, first outside and then inside, is asked once for each kind and connection."""
        names = Names(hook_test=["127.0.0.1"])
        peer = self.peer()
        await self.outgoing(names, allow_private=True).post(f"http://hook.test:{peer.port}/", b"", {}, 10)
        self.assertEqual(names.asked, [("hook.test", "A"), ("hook.test", "AAAA")])

    async def test_redirects_are_answers(self) -> None:
        """A redirect is told as it is, and not followed."""
        inner = self.peer()
        peer = self.peer(Says(302, b"", {"Location": inner.url}))
        answer = await self.outgoing(Names(hook_test=["127.0.0.1"]), allow_private=True).post(f"http://hook.test:{peer.port}/", b"x", {}, 10)
        self.assertEqual((answer.status, inner.asked), (302, []))

    async def test_cookies_are_not_kept(self) -> None:
        """What one answer sets, the next request does not send."""
        peer = self.peer(Says(200, b"", {"Set-Cookie": "a=b"}))
        outgoing = self.outgoing(None)
        for _ in range(2):
            await outgoing.post(peer.url, b"x", {}, 10)
        self.assertNotIn("cookie", peer.asked[1].headers)

    async def test_answers_are_cut(self) -> None:
        """Of a long or endless answer only its beginning is read, and its connection ends."""
        for says in (Says(200, b"y" * 500_000), Says(200, b"y" * 500_000, stall=True)):
            peer = self.peer(says)
            answer = await self.outgoing(None).post(peer.url, b"x", {}, 10, body_most=1000)
            self.assertEqual((answer.status, answer.body), (200, b"y" * 1000))
            gone = [connection.gone for connection in peer.connections]  # type: ignore[attr-defined]
            for each in gone:
                await each

    async def test_packed_answers_stay_packed(self) -> None:
        """We ask for no packing, and a bomb in an answer is not unpacked."""
        bomb = gzip.compress(b"\0" * 10_000_000)
        peer = self.peer(Says(200, bomb, {"Content-Encoding": "gzip"}))
        answer = await self.outgoing(None).post(peer.url, b"x", {}, 10)
        self.assertEqual((answer.body, "accept-encoding" in peer.asked[0].headers), (bomb, False))

    async def test_time_is_limited(self) -> None:
        """No answer, and an answer that stops in its middle, end at the time limit, and so do their connections."""
        for says in (Says(hang=True), Says(200, b"begun", stall=True)):
            peer = self.peer(says)
            error = await self.failed(self.outgoing(None), peer.url, timeout_s=0.2)
            self.assertEqual(str(error), "no answer within 0.2 s")
            for each in [connection.gone for connection in peer.connections]:  # type: ignore[attr-defined]
                await each

    async def test_a_slow_look_up_is_limited_too(self) -> None:
        """The time limit counts from the look-up on."""

        class Never:
            async def resolve(self, name: str, kind: str) -> Answer:
                await Deferred()
                raise AssertionError

        outgoing = self.outgoing(Never())  # type: ignore[arg-type]
        self.assertIn("no answer within", str(await self.failed(outgoing, "http://hook.test/", timeout_s=0.1)))

    async def test_failures_say_why(self) -> None:
        """A refused connection and one that is cut are told in words."""
        peer = self.peer(Says(hang_up=True))
        self.assertIn("Connection", str(await self.failed(self.outgoing(None), peer.url)))
        outgoing = self.outgoing(Names(hook_test=["127.0.0.1"]), allow_private=True)
        error = await self.failed(outgoing, "http://hook.test:1/")
        self.assertEqual((str(error), error.is_refused), ("hook.test took no connection on port 1", False))

    async def test_a_sent_request_is_not_repeated(self) -> None:
        """When a kept connection breaks under a request, its maker hears of it: it is not sent again unasked."""
        peer = self.peer(lambda asked: Says(hang_up=len(peer.asked) > 1))
        outgoing = self.outgoing(None)
        await outgoing.post(peer.url, b"1", {}, 10)
        await self.failed(outgoing, peer.url)
        self.assertEqual(len(peer.asked), 2)

    async def test_what_may_arrive_twice_is_repeated_once(self) -> None:
        """With `repeats` a request under which its kept connection broke is made once more, on a fresh connection, and no oftener."""
        peer = self.peer(lambda asked: Says(hang_up=len(peer.asked) == 2))
        outgoing = self.outgoing(None, repeats=True)
        await outgoing.post(peer.url, b"1", {}, 10)
        self.assertEqual((await outgoing.post(peer.url, b"2", {}, 10)).status, 200)
        self.assertEqual([asked.body for asked in peer.asked], [b"1", b"2", b"2"])
        peer.says = Says(hang_up=True)
        await self.failed(outgoing, peer.url)
        self.assertEqual(len(peer.asked), 5)

    async def test_wrong_urls_are_refused(self) -> None:
        """What the rules for URLs forbid is not even looked up."""
        names = Names()
        for url in ("http://hook.test/", "https://127.0.0.1/", "https://u:p@hook.test/", "file:///etc/passwd"):
            self.assertTrue((await self.failed(self.outgoing(names, allow_http=False), url)).is_refused)
        self.assertEqual(names.asked, [])

    async def test_a_get(self) -> None:
        """The operator's own targets are called with GET too, wherever they are."""
        peer = self.peer(lambda asked: Says(200, asked.method.encode()))
        self.assertEqual((await self.outgoing(None).get(peer.url, {"Accept": "application/json"}, 10)).body, b"GET")


class CertificateTest(OutgoingCase):
    async def test_certificates_are_checked_by_name(self) -> None:
        """A certificate of the right name and a trusted maker is taken; of another name, or another maker, refused."""
        own = certificate("hook.test")
        policy = BrowserLikePolicyForHTTPS(trustRootFromCertificates([Certificate(own.original)]))
        peer = self.peer(context=own.options())
        names = Names(hook_test=["127.0.0.1"], other_test=["127.0.0.1"])
        trusting = self.outgoing(names, allow_private=True, policy=policy)
        self.assertEqual((await trusting.post(f"https://hook.test:{peer.port}/", b"x", {}, 10)).status, 200)
        self.assertIn("VerificationError", str(await self.failed(trusting, f"https://other.test:{peer.port}/")))
        self.assertIn("certificate", str(await self.failed(self.outgoing(names, allow_private=True), f"https://hook.test:{peer.port}/")))
        self.assertEqual(len(peer.asked), 1)

    async def test_a_silent_peer_is_cut_over_tls_too(self) -> None:
        """An endless answer over TLS ends without waiting for the peer's goodbye."""
        own = certificate("hook.test")
        policy = BrowserLikePolicyForHTTPS(trustRootFromCertificates([Certificate(own.original)]))
        peer = self.peer(Says(200, b"begun", stall=True), context=own.options())
        outgoing = self.outgoing(Names(hook_test=["127.0.0.1"]), allow_private=True, policy=policy)
        await self.failed(outgoing, f"https://hook.test:{peer.port}/", timeout_s=0.5)
        for each in [connection.gone for connection in peer.connections]:  # type: ignore[attr-defined]
            await each


class WhyTest(PlainTestCase):
    def test_one_line(self) -> None:
        """What went wrong is one short line, whatever the exception says."""
        self.assertEqual(why_not(ValueError("a\r\nb")), "ValueError: a b")
        self.assertEqual(why_not(KeyError()), "KeyError")
        self.assertEqual(len(why_not(ValueError("x" * 1000))), 200)


def certificate(name: str) -> PrivateCertificate:
    """A certificate for the name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("192.0.2.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return PrivateCertificate.loadPEM(made.public_bytes(serialization.Encoding.PEM) + pem)


