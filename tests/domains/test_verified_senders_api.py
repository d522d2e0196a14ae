import json
import re

from scaisend.domains.verified_senders_api import VerifiedSendersApi
from scaisend.http.route import Route
from tests.world.inline_database import InlineDatabase
from tests.world.road import add_verified_domain
from tests.world.routed import RoutedTestCase

ALL = "/v3/verified_senders"
GOOD = {"nickname": "Me", "from_email": "Me@Example.com", "reply_to": "me@example.com"}


class VerifiedSendersApiTests(RoutedTestCase):
    scopes = ("domains.read", "domains.write")

    def routes(self, database: InlineDatabase) -> list[Route]:
        self.sent: list[tuple[str, dict[str, object]]] = []

        async def send(tenant_id: str, partner_id: str, body: bytes) -> None:
            self.sent.append((tenant_id, json.loads(body)))

        return VerifiedSendersApi(
            database=database, key=b"k" * 32, send=send, base_url="https://send.example/", own_address="no-reply@bounces.example"
        ).routes()

    def made(self, **more: object) -> int:
        status, sender = self.ask("POST", ALL, {**GOOD, **more})
        self.assertEqual((status, sender["verified"]), (201, False), sender)
        number: int = sender["id"]
        return number

    def token(self) -> str:
        """Of the last mail."""
        found = re.search(r"https://send\.example/verify-sender/(\S+)", json.dumps(self.sent[-1][1]).replace("\\n", " "))
        assert found is not None
        return found[1]

    def verified(self) -> list[bool]:
        return [each["verified"] for each in self.ask("GET", ALL)[1]["results"]]

    def test_a_link_is_mailed_and_its_button_verifies(self) -> None:
        """The mail goes to the address alone, from ours; looking at its page changes nothing, its form does."""
        self.made()
        tenant_id, mail = self.sent[0]
        self.assertEqual((tenant_id, mail["from"]), (self.tenant.id, {"email": "no-reply@bounces.example"}))
        self.assertEqual(mail["personalizations"], [{"to": [{"email": "Me@Example.com"}]}])
        page = f"/verify-sender/{self.token()}"
        status, text = self.ask("GET", page)
        self.assertEqual((status, '<form method="post">' in text, self.verified()), (200, True, [False]))
        self.assertEqual((self.ask("POST", page)[0], self.verified()), (200, [True]))
        self.assertEqual(self.ask("POST", page)[0], 200)
        self.assertEqual(self.ask("GET", f"{ALL}/steps_completed")[1]["results"], {"sender_verified": True, "domain_verified": False})

    def test_programs_verify_by_token(self) -> None:
        """204 for the tenant whose sender it is; nobody else can use the token, and no made-up one is good."""
        self.made()
        token = self.token()
        self.assertEqual(self.ask("GET", f"{ALL}/verify/{token}", tenant=self.other.id)[0], 404)
        for wrong in (token + "x", "x", "é"):
            self.assertEqual(self.ask("GET", f"{ALL}/verify/{wrong}")[0], 404)
            self.assertEqual(self.ask("POST", f"/verify-sender/{wrong}")[0], 404)
        self.assertEqual(self.verified(), [False])
        self.assertEqual(self.ask("GET", f"{ALL}/verify/{token}"), (204, ""))
        self.assertEqual(self.verified(), [True])

    def test_another_address_must_be_confirmed_again(self) -> None:
        """A change of the address takes the verification away and mails a new link; the old link is good for nothing."""
        number = self.made()
        old = self.token()
        self.ask("GET", f"{ALL}/verify/{old}")
        self.assertTrue(self.ask("PATCH", f"{ALL}/{number}", {"city": "Ghent"})[1]["verified"])
        self.assertEqual(len(self.sent), 1)
        changed = self.ask("PATCH", f"{ALL}/{number}", {"from_email": "you@example.com"})[1]
        self.assertEqual((changed["verified"], changed["from_email"], changed["city"], len(self.sent)), (False, "you@example.com", "Ghent", 2))
        self.assertEqual(self.ask("GET", f"{ALL}/verify/{old}")[0], 404)
        self.assertEqual(self.ask("GET", f"{ALL}/verify/{self.token()}")[0], 204)

    def test_resending(self) -> None:
        """204 with a new mail; none for a sender that is verified."""
        number = self.made()
        self.assertEqual((self.ask("POST", f"{ALL}/resend/{number}"), len(self.sent)), ((204, ""), 2))
        self.ask("GET", f"{ALL}/verify/{self.token()}")
        self.assertEqual((self.ask("POST", f"{ALL}/resend/{number}")[0], len(self.sent)), (204, 2))

    def test_list_and_refusals(self) -> None:
        """Pages go by lastSeenID; an address stands once, in any case; wrong fields are told."""
        first, second = self.made(), self.made(from_email="b@example.com")
        self.assertEqual([each["id"] for each in self.ask("GET", f"{ALL}?limit=1")[1]["results"]], [first])
        self.assertEqual([each["id"] for each in self.ask("GET", f"{ALL}?lastSeenID={first}")[1]["results"]], [second])
        self.assertEqual([each["id"] for each in self.ask("GET", f"{ALL}?id={second}")[1]["results"]], [second])
        self.assertEqual(self.fields(self.ask("POST", ALL, {**GOOD, "from_email": "ME@example.com"})), ["from_email"])
        self.assertEqual(self.fields(self.ask("PATCH", f"{ALL}/{second}", {"from_email": "me@example.com"})), ["from_email"])
        self.assertEqual(set(self.fields(self.ask("POST", ALL, {"from_email": "x"}))), {"nickname", "from_email", "reply_to"})
        self.assertIn("yahoo.com", self.ask("GET", f"{ALL}/domains")[1]["results"]["hard_failures"])

    def test_another_tenants_sender_is_unknown(self) -> None:
        """By any method; the same address may be another tenant's too."""
        self.database.now(add_verified_domain, self.other.id)
        number = self.made()
        for method, path in (("PATCH", number), ("DELETE", number), ("POST", f"resend/{number}"), ("DELETE", "x"), ("DELETE", "é")):
            self.assertEqual(self.ask(method, f"{ALL}/{path}", {}, tenant=self.other.id)[0], 404)
        self.assertEqual(self.ask("GET", ALL, tenant=self.other.id)[1], {"results": []})
        self.assertEqual(self.ask("POST", ALL, GOOD, tenant=self.other.id)[0], 201)
        self.assertEqual(self.ask("DELETE", f"{ALL}/{number}"), (204, ""))
        self.assertEqual(self.ask("DELETE", f"{ALL}/{number}")[0], 404)
