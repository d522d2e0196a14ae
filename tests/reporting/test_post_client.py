from base64 import b64encode
from urllib.parse import parse_qs

from sendgrid.helpers.eventwebhook import EventWebhook
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from scaisend.http.outgoing import Outgoing
from scaisend.reporting import envelope, oauth_client
from scaisend.reporting.oauth_client import NoToken, OAuthClient, read_token
from scaisend.reporting.post_client import PostClient, Posted, without_login
from scaisend.reporting.samples import samples
from scaisend.reporting.signature import ECDSA_SIGNATURE, ECDSA_TIMESTAMP, make_ecdsa_key
from scaisend.reporting.webhook import OAuth, Secrets
from tests.base import PlainTestCase, ReactorTestCase
from tests.reporting.telling import NOW, SENDGRID, World
from tests.world.web_peer import Asked, Says, WebPeer


class PostTests(ReactorTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.peer = WebPeer(reactor)
        self.addCleanup(lambda: ensureDeferred(self.peer.stop()))
        outgoing = Outgoing(reactor=reactor, resolver=None)
        self.addCleanup(lambda: ensureDeferred(outgoing.close()))
        self.now = NOW
        self.client = PostClient(
            outgoing=outgoing, oauth=OAuthClient(outgoing=outgoing, now_s=lambda: self.now), sealer=self.world.sealer, now_s=lambda: self.now
        )

    async def post(self, **more) -> Posted:  # type: ignore[no-untyped-def]
        return await self.client.post(self.world.webhook(**more), samples(self.world.tenant.id, NOW))

    async def test_signed_over_the_wire(self) -> None:
        """The bytes that arrive, CRLF and all, are those that SendGrid's own class verifies."""
        key, public = make_ecdsa_key()
        self.assertEqual(await self.post(url=self.peer.url, model=SENDGRID, secrets=Secrets(ecdsa_key=key)), Posted(True, "200"))
        (asked,) = self.peer.asked
        self.assertEqual((asked.method, asked.headers["content-type"], asked.body[-3:]), ("POST", "application/json", b"]\r\n"))
        signature, timestamp = asked.headers[ECDSA_SIGNATURE.lower()], asked.headers[ECDSA_TIMESTAMP.lower()]
        self.assertTrue(EventWebhook(public).verify_signature(asked.body.decode(), signature, timestamp))

    async def test_login_of_the_url(self) -> None:
        """`user:password@` becomes Basic authentication."""
        await self.post(url=self.peer.url.replace("://", "://me:p%40ss@"))
        self.assertEqual(self.peer.asked[0].headers["authorization"], "Basic " + b64encode(b"me:p@ss").decode())

    async def test_token(self) -> None:
        """A token is asked for once with Basic, kept until shortly before it expires, and asked for anew after a 401."""
        refuses = False

        def says(asked: Asked) -> Says:
            if asked.path == "/token":
                return Says(body=b'{"access_token": "tok%d", "expires_in": 100}' % len([each for each in self.peer.asked if each.path == "/token"]))
            return Says(status=401 if refuses else 200)

        self.peer.says = says
        webhook = self.world.webhook(url=self.peer.url + "/in", oauth=OAuth("me", self.peer.url + "/token"), secrets=Secrets(hmac_secret="s", oauth_secret="hush"))
        told = samples(self.world.tenant.id, NOW)
        for _ in range(2):
            self.assertTrue((await self.client.post(webhook, told)).is_good)
        self.now += 71
        await self.client.post(webhook, told)
        refuses = True
        self.assertEqual(await self.client.post(webhook, told), Posted(False, "401"))
        await self.client.post(webhook, told)
        self.assertEqual([each.headers["authorization"] for each in self.peer.asked if each.path == "/in"], [f"Bearer tok{n}" for n in (1, 1, 2, 2, 3)])
        asked = self.peer.asked[0]
        self.assertEqual(parse_qs(asked.body.decode()), {"grant_type": ["client_credentials"]})
        self.assertEqual(asked.headers["authorization"], "Basic " + b64encode(b"me:hush").decode())

    async def test_token_by_form(self) -> None:
        """A token URL that takes no Basic is given the credentials in the form; one that gives no token fails the post with the reason."""
        self.peer.says = lambda asked: Says(status=401) if "authorization" in asked.headers else Says(body=b'{"access_token": "t"}')
        webhook = self.world.webhook(url=self.peer.url, oauth=OAuth("me", self.peer.url + "/token"), secrets=Secrets(hmac_secret="s", oauth_secret="a&b"))
        await self.client.post(webhook, [])
        self.assertEqual(await self.client.post(webhook, samples("t", NOW)), Posted(False, "401"))
        self.assertEqual(parse_qs(self.peer.asked[1].body.decode()), {"grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": ["a&b"]})
        self.peer.says = Says(status=500)
        other = self.world.webhook(url=self.peer.url, oauth=OAuth("you", self.peer.url + "/token"), secrets=Secrets(hmac_secret="s"))
        self.assertEqual(await self.client.post(other, samples("t", NOW)), Posted(False, "the token URL answered 500"))

    async def test_large_batches(self) -> None:
        """A batch over the size limit goes in several posts; the first that fails ends it."""
        self.patch(envelope.bodies, "__defaults__", (1000,))
        self.assertEqual(await self.post(url=self.peer.url), Posted(True, "200"))
        several = len(self.peer.asked)
        self.assertGreater(several, 1)
        self.peer.says = lambda asked: Says(status=200 if len(self.peer.asked) == several + 1 else 503)
        self.assertEqual(await self.post(url=self.peer.url), Posted(False, "503"))
        self.assertEqual(len(self.peer.asked), several + 2)

    async def test_a_broken_seal(self) -> None:
        """Secrets sealed under another key fail the post with words, not with an exception."""
        webhook = self.world.webhook(url=self.peer.url)
        self.world.database.connection.execute("SELECT 1")
        broken = self.client.__class__(
            outgoing=self.client._outgoing, oauth=self.client._oauth, sealer=type(self.world.sealer)(b"other" * 8, lambda size: b""), now_s=lambda: NOW
        )
        posted = await broken.post(webhook, samples("t", NOW))
        self.assertEqual((posted.is_good, self.peer.asked), (False, []))
        self.assertIn("cannot be opened", posted.answer)


class ReadingTests(PlainTestCase):
    def test_read_token(self) -> None:
        """Only a token that a header can carry is used; odd lifetimes get the usual one."""
        self.assertEqual(read_token(b'{"access_token": "a.b-c", "expires_in": 60}'), ("a.b-c", 60.0))
        for life in (b'"soon"', b"true", b"null"):
            self.assertEqual(read_token(b'{"access_token": "t", "expires_in": ' + life + b"}")[1], oauth_client.USUAL_LIFE_S)
        for body in (b"", b"[]", b"null", b'{"access_token": ""}', b'{"access_token": "a\\r\\nb"}', b'{"access_token": 5}', b'{"access_token": "' + b"x" * 9000 + b'"}'):
            self.assertRaises(NoToken, read_token, body)

    def test_without_login(self) -> None:
        """The login leaves the URL whole otherwise."""
        self.assertEqual(without_login("https://a.test:8443/p?q=1@2"), ("https://a.test:8443/p?q=1@2", {}))
        url, headers = without_login("https://u:p@a.test:8443/p?q=1")
        self.assertEqual((url, headers), ("https://a.test:8443/p?q=1", {"Authorization": "Basic " + b64encode(b"u:p").decode()}))
