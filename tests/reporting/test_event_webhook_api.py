import json

from scaisend.faults import Invalid, NotFound
from scaisend.http.outgoing import Answer
from scaisend.reporting.event_webhook_api import BASE, EventWebhookApi
from scaisend.reporting.oauth_client import OAuthClient
from scaisend.reporting.post_client import PostClient
from scaisend.reporting.signature import ECDSA_SIGNATURE
from scaisend.reporting.webhook import MOST_WEBHOOKS, SWITCHES, unseal
from scaisend.reporting.webhook_request import Targets
from scaisend.reporting.webhooks_store import webhooks_of
from tests.base import PlainTestCase
from tests.reporting.telling import NOW, World, ask

KEYS = {
    "id", "enabled", "url", "group_resubscribe", "delivered", "group_unsubscribe", "spam_report", "bounce", "deferred", "unsubscribe", "processed",
    "open", "click", "dropped", "friendly_name", "oauth_client_id", "oauth_token_url", "created_date", "updated_date",
}
URL = "https://hooks.example.com/sendgrid"


class Wire:
    """The outside, which answers 200 and remembers."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes, dict[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> Answer:
        self.posts.append((url, body, dict(headers)))
        return Answer(200, b'{"access_token": "tok", "expires_in": 3600}', {})


class EventWebhookApiTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world, self.wire = World(), Wire()
        posts = PostClient(outgoing=self.wire, oauth=OAuthClient(outgoing=self.wire, now_s=lambda: NOW), sealer=self.world.sealer, now_s=lambda: NOW)
        self.api = EventWebhookApi(database=self.world.database, ids=self.world.ids, sealer=self.world.sealer, posts=posts, targets=Targets())

    def ask(self, what, body: object = None, who=None, **path):  # type: ignore[no-untyped-def]
        reply = ask(self, what, who or self.world.caller, body, **path)
        return reply.status, json.loads(reply.body) if reply.body else None

    def refused(self, kind: type[Exception], message: str, what, *args, **path) -> None:  # type: ignore[no-untyped-def]
        error = self.assertRaises(kind, self.ask, what, *args, **path)
        self.assertIn(message, str(error))

    def test_without_an_id(self) -> None:
        """The API of one webhook: all off before it is set up, made by the first PATCH, changed field by field by the next."""
        status, blank = self.ask(self.api.show)
        self.assertEqual((status, set(blank), blank["enabled"], blank["url"]), (200, KEYS, False, ""))
        status, made = self.ask(self.api.change, {"enabled": True, "url": URL, "delivered": True, "open": False})
        self.assertEqual((status, set(made), made["enabled"], made["url"], made["delivered"], made["bounce"]), (200, KEYS, True, URL, True, False))
        self.assertEqual(made["created_date"], "2027-01-15T08:00:00Z")
        _, changed = self.ask(self.api.change, {"bounce": True})
        self.assertEqual((changed["id"], changed["delivered"], changed["bounce"], changed["url"]), (made["id"], True, True, URL))
        self.assertEqual(self.ask(self.api.show)[1], changed)

    def test_what_was_read_can_be_sent_back(self) -> None:
        """A client may PATCH the whole object that it got."""
        _, made = self.ask(self.api.change, {"enabled": True, "url": URL, "delivered": True})
        self.assertEqual(self.ask(self.api.change, made)[1], made)

    def test_many(self) -> None:
        """Several webhooks are made, listed, shown, changed and deleted by id; the oldest is the one without an id."""
        status, first = self.ask(self.api.make, {"url": URL, "bounce": True, "friendly_name": "one"})
        self.assertEqual((status, first["enabled"], first["friendly_name"]), (201, True, "one"))
        _, second = self.ask(self.api.make, {"url": URL + "/2", "enabled": False})
        self.assertEqual(self.ask(self.api.show_all)[1], {"max_allowed": MOST_WEBHOOKS, "webhooks": [first, second]})
        self.assertEqual(self.ask(self.api.show)[1], first)
        self.assertEqual(self.ask(self.api.change, {"click": True}, webhook_id=second["id"])[1]["click"], True)
        self.assertEqual(self.ask(self.api.delete, webhook_id=first["id"]), (204, None))
        self.assertEqual(self.ask(self.api.show)[1]["id"], second["id"])

    def test_refusals(self) -> None:
        """SendGrid's sentences for a bad or doubled URL, for too many, and for an id that is none."""
        for url in ("http://hooks.example.com/", "https://127.0.0.1/", "https://localhost/", "ftp://a.example.com", "nonsense", "", "https://[::1]/"):
            self.refused(Invalid, f"'{url}' is not a valid url", self.api.make, {"url": url})
        self.refused(Invalid, "is not a valid url", self.api.make, {"url": URL, "oauth_token_url": "http://a.example.com"})
        self.refused(Invalid, "is not a valid url", self.api.change, {"enabled": True})
        self.refused(Invalid, "Expected: boolean", self.api.make, {"url": URL, "bounce": "yes"})
        self.refused(Invalid, "Expected: object", self.api.make, [])
        self.ask(self.api.make, {"url": URL})
        self.refused(Invalid, f"Webhook at '{URL}' already exists. Please provide a unique URL.", self.api.make, {"url": URL})
        for handler, body in ((self.api.show, None), (self.api.change, {}), (self.api.delete, None), (self.api.signed, None), (self.api.sign, {"enabled": True})):
            self.refused(NotFound, "Invalid id provided.", handler, body, webhook_id="wh_none")
        for number in range(MOST_WEBHOOKS - 1):
            self.ask(self.api.make, {"url": f"{URL}/{number}"})
        self.refused(Invalid, "maximum number of webhooks", self.api.make, {"url": URL + "/more"})

    def test_secrets_stay(self) -> None:
        """A login in the URL is taken, the OAuth secret is never shown, and both are kept sealed or as given."""
        _, made = self.ask(self.api.make, {
            "url": "https://user:pa%3Ass@hooks.example.com/x", "oauth_client_id": "me", "oauth_client_secret": "hush", "oauth_token_url": "https://id.example.com/token",
        })
        self.assertNotIn("hush", json.dumps(made))
        (webhook,) = self.world.database.now(webhooks_of, self.world.tenant.id)
        self.assertEqual(unseal(self.world.sealer, webhook.sealed_secret).oauth_secret, "hush")
        self.ask(self.api.change, {"oauth_client_secret": "", "oauth_token_url": ""})
        (webhook,) = self.world.database.now(webhooks_of, self.world.tenant.id)
        self.assertEqual((unseal(self.world.sealer, webhook.sealed_secret).oauth_secret, webhook.oauth.token_url), ("", ""))
        self.assertNotIn("hush", str(self.world.database.rows("SELECT * FROM audit_log")))

    def test_signing(self) -> None:
        """A key appears when signing is turned on, stays when it is turned on again, and is gone when it is turned off."""
        self.assertEqual(self.ask(self.api.signed)[1], {"id": "", "public_key": ""})
        _, on = self.ask(self.api.sign, {"enabled": True})
        self.assertTrue(on["public_key"].startswith("MFkw"))
        self.assertEqual(self.ask(self.api.sign, {"enabled": True})[1], on)
        self.assertEqual(self.ask(self.api.signed, webhook_id=on["id"])[1], on)
        self.assertEqual(self.ask(self.api.show)[1]["public_key"], on["public_key"])
        self.assertEqual(self.ask(self.api.sign, {"enabled": False}, webhook_id=on["id"])[1]["public_key"], "")
        self.assertNotIn("public_key", self.ask(self.api.show)[1])
        self.assertNotEqual(self.ask(self.api.sign, {"enabled": True})[1]["public_key"], on["public_key"])
        self.refused(Invalid, "enabled", self.api.sign, {})

    def test_switching_on_forgets_failures(self) -> None:
        """A webhook that was switched off for its failures begins anew."""
        webhook = self.world.webhook(model="sendgrid", is_enabled=False, failures=10)
        self.world.database.connection.execute("UPDATE webhooks SET disabled_reason = 'because'")
        self.assertEqual(self.ask(self.api.show)[1]["disabled_reason"], "because")
        self.ask(self.api.change, {"enabled": True}, webhook_id=webhook.id)
        self.assertEqual(self.world.database.rows("SELECT enabled, failures, disabled_reason FROM webhooks"), [(1, 0, None)])

    def test_test(self) -> None:
        """The test posts one sample of each type; with a token and a signature when the webhook has them; never to the inside."""
        self.assertEqual(self.ask(self.api.test, {"url": URL}), (204, None))
        ((url, body, headers),) = self.wire.posts
        self.assertEqual((url, headers["Content-Type"]), (URL, "application/json"))
        self.assertEqual({each["event"] for each in json.loads(body)} & {"bounce", "delivered", "open"}, {"bounce", "delivered", "open"})
        self.assertNotIn(ECDSA_SIGNATURE, headers)
        _, made = self.ask(self.api.make, {"url": URL})
        self.ask(self.api.sign, {"enabled": True})
        self.ask(self.api.test, {"id": made["id"], "url": URL, "oauth_client_id": "me", "oauth_client_secret": "hush", "oauth_token_url": "https://id.example.com/t"})
        url, _, headers = self.wire.posts[-1]
        self.assertEqual(headers["Authorization"], "Bearer tok")
        self.assertIn(ECDSA_SIGNATURE, headers)
        self.refused(Invalid, "Expected: string, given: integer", self.api.test, {"url": URL, "id": 7})
        self.refused(Invalid, "is not a valid url", self.api.test, {"url": "https://169.254.169.254/latest"})
        self.refused(NotFound, "Invalid id", self.api.test, {"url": URL, "id": made["id"]}, who=self.world.stranger)

    def test_another_tenant(self) -> None:
        """What one tenant has is unknown to another, and unchanged by it."""
        _, made = self.ask(self.api.make, {"url": URL})
        stranger = self.world.stranger
        self.assertEqual(self.ask(self.api.show_all, who=stranger)[1]["webhooks"], [])
        self.assertEqual(self.ask(self.api.show, who=stranger)[1]["url"], "")
        for handler, body in ((self.api.show, None), (self.api.change, {"url": URL + "/mine"}), (self.api.delete, None), (self.api.sign, {"enabled": True})):
            self.refused(NotFound, "Invalid id provided.", handler, body, who=stranger, webhook_id=made["id"])
        self.assertEqual(self.ask(self.api.show)[1], made)

    def test_account_status_change(self) -> None:
        """It is kept, and shown to those who ask for it alone."""
        self.ask(self.api.make, {"url": URL, "account_status_change": True})
        self.assertNotIn("account_status_change", self.ask(self.api.show)[1])
        reply = ask(self, self.api.show, self.world.caller, query={"include": ["account_status_change"]})
        self.assertTrue(json.loads(reply.body)["account_status_change"])

    def test_routes(self) -> None:
        """Reading asks for webhooks.read, all else for webhooks.write; making is limited."""
        for each in self.api.routes():
            self.assertEqual(each.permission, "webhooks.read" if each.method == "GET" else "webhooks.write")
        self.assertEqual([each.limit for each in self.api.routes() if (each.method, each.path) == ("POST", BASE)], ["writes"])
        self.assertEqual(len(SWITCHES), 11)
