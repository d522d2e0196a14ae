"""A partner's admin makes subusers with sendgrid-python and @sendgrid/client, and they send; a key of a tenant may not."""

import atexit
import json
from functools import cache
from typing import Any

from python_http_client.exceptions import BadRequestsError, ForbiddenError, HTTPError
from sendgrid import SendGridAPIClient

from tests.base import PlainTestCase
from tests.isolation.tokens import Tokens
from tests.world.installation import Installation
from tests.world.node_client import node_requests
from tests.world.ports import free_port


@cache
def tokens() -> Tokens:
    made = Tokens()
    atexit.register(made.close)
    return made


@cache
def installation() -> Installation:
    """One for all tests, until the process ends."""
    made = Installation(free_port(), DNS_RESOLVERS="127.0.0.1:9", **tokens().settings)
    atexit.register(made.close)
    made.start("api")
    return made


def client(credential: str, on_behalf: str | None = None) -> Any:
    """The official client, acting for the subuser if one is named."""
    return SendGridAPIClient(credential, host=installation().url("api"), impersonate_subuser=on_behalf).client


class Subusers(PlainTestCase):
    def refused(self, kind: type[HTTPError], call: Any, **more: Any) -> list[tuple[str | None, str]]:
        with self.assertRaises(kind) as caught:
            call(**more)
        return [(each["field"], each["message"]) for each in caught.exception.to_dict["errors"]]

    def test_life_of_a_subuser(self) -> None:
        """Made, given a key on its behalf, sending, disabled and not heard, enabled, removed."""
        ((partner_id,),) = installation().ask("SELECT partner_id FROM tenants LIMIT 1")
        token = tokens().of("partner-admin", role="partner_admin", partner_id=partner_id)
        subusers = client(token).subusers
        asked = {"username": "John@example.com", "email": "John@example.com", "password": "johns_password", "ips": []}
        made = subusers.post(request_body=asked)
        self.assertEqual((made.status_code, json.loads(made.body)["username"]), (200, "John@example.com"))
        self.assertEqual(self.refused(BadRequestsError, subusers.post, request_body=asked), [("username", "username exists")])
        john = client(token, on_behalf="John@example.com")
        key = json.loads(john.api_keys.post(request_body={"name": "johns"}).body)["api_key"]
        self.assertEqual(john.whitelabel.domains.post(request_body={"domain": "johns.example"}).status_code, 201)
        installation().tell("UPDATE domains SET verified = 1 WHERE domain = 'johns.example'")
        shown = client(token).whitelabel.domains.subuser.get(query_params={"username": "John@example.com"})
        self.assertEqual((shown.status_code, json.loads(shown.body)["domain"]), (200, "johns.example"))
        mail = {
            "personalizations": [{"to": [{"email": "jane@example.com"}]}], "from": {"email": "john@johns.example"}, "subject": "Hi",
            "content": [{"type": "text/plain", "value": "Hello"}], "mail_settings": {"sandbox_mode": {"enable": True}},
        }
        self.assertEqual(client(key).mail.send.post(request_body=mail).status_code, 200)
        one = subusers._("John@example.com")
        self.assertEqual(one.patch(request_body={"disabled": True}).status_code, 204)
        ((_, why),) = self.refused(ForbiddenError, client(key).mail.send.post, request_body=mail)
        self.assertIn("suspended", why)
        self.assertEqual(one.patch(request_body={"disabled": False}).status_code, 204)
        self.assertEqual(client(key).mail.send.post(request_body=mail).status_code, 200)
        self.assertEqual(one.delete().status_code, 204)
        self.refused(ForbiddenError, client(key).mail.send.post, request_body=mail)
        self.assertEqual(self.refused(BadRequestsError, one.delete), [("username", "invalid username")])

    def test_with_the_node_client(self) -> None:
        """The same calls by @sendgrid/client, which sends a body with DELETE too."""
        ((partner_id,),) = installation().ask("SELECT partner_id FROM tenants LIMIT 1")
        token = tokens().of("partner-admin", role="partner_admin", partner_id=partner_id)
        one = "/v3/subusers/jane"
        answers = node_requests(
            installation().url("api"), token,
            {"method": "POST", "url": "/v3/subusers", "body": {"username": "jane", "email": "jane@example.com", "password": "secret", "ips": []}},
            {"method": "GET", "url": "/v3/user/username", "subuser": "jane"},
            {"method": "PUT", "url": f"{one}/ips", "body": []},
            {"method": "PATCH", "url": one, "body": {"disabled": True}},
            {"method": "GET", "url": "/v3/user/username", "subuser": "jane"},
            {"method": "DELETE", "url": one, "body": None},
            {"method": "GET", "url": "/v3/subusers?username=jane"},
        )
        self.assertEqual([each["status"] for each in answers], [200, 200, 200, 204, 403, 204, 200])
        self.assertEqual((answers[1]["body"]["username"], answers[1]["body"]["user_id"]), ("jane", answers[0]["body"]["user_id"]))
        self.assertEqual((answers[2]["body"], answers[6]["body"]), ({"ips": []}, []))

    def test_with_a_key(self) -> None:
        """403 in SendGrid's words, whatever the key may."""
        subusers = client(installation().api_key).subusers
        for call, body in ((subusers.post, {"username": "x", "email": "x@example.com"}), (subusers._("x").patch, {"disabled": True})):
            self.assertEqual(self.refused(ForbiddenError, call, request_body=body), [(None, "access forbidden")])
