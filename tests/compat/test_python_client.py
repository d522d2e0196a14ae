"""What programs do with sendgrid-python beside sending: probe keys, read refusals, look for what they may."""

import atexit
import json
from functools import cache
from typing import Any

from python_http_client.exceptions import BadRequestsError, ForbiddenError, HTTPError, NotFoundError, UnauthorizedError
from sendgrid import SendGridAPIClient

from tests.base import PlainTestCase
from tests.world.installation import DevInstallation

UNKNOWN = "sg_live_" + "0" * 32


@cache
def installation() -> DevInstallation:
    """One for all tests, until the process ends."""
    made = DevInstallation(DNS_RESOLVERS="127.0.0.1:9", RATE_LIMIT_DEFAULT="1000/s", RATE_LIMIT_MAIL_SEND="10000/s")
    atexit.register(made.close)
    made.start()
    return made


class PythonClient(PlainTestCase):
    def client(self, key: str | None = None) -> Any:
        return SendGridAPIClient(key or installation().api_key, host=installation().api_url).client

    def refused(self, kind: type[HTTPError], call: Any, **more: Any) -> list[dict[str, Any]]:
        """The errors of the refusal, as the client reads them."""
        with self.assertRaises(kind) as caught:
            call(**more)
        errors: list[dict[str, Any]] = caught.exception.to_dict["errors"]
        return errors

    def test_probes_tell_good_restricted_and_dead_keys(self) -> None:
        """200 for a key that may, 403 `access forbidden` for one that may only send, 401 for one that was revoked or never was."""
        client = self.client()
        made = client.api_keys.post(request_body={"name": "sender", "scopes": ["mail.send"]})
        key = json.loads(made.body)
        restricted = self.client(key["api_key"])
        self.assertIn("mail.send", client.scopes.get().body.decode())
        self.assertEqual(client.user.account.get().status_code, 200)
        self.assertEqual(json.loads(restricted.scopes.get().body), {"scopes": ["mail.send"]})
        for probe in (restricted.user.profile, restricted.user.account, restricted.templates, restricted.verified_senders, restricted.whitelabel.domains):
            (error,) = self.refused(ForbiddenError, probe.get)
            self.assertEqual((error["message"], error["field"]), ("access forbidden", None))
        client.api_keys._(key["api_key_id"]).delete()
        for dead in (key["api_key"], UNKNOWN):
            for probe in (self.client(dead).scopes, self.client(dead).user.profile, self.client(dead).user.account):
                (error,) = self.refused(UnauthorizedError, probe.get)
                self.assertIn("authorization grant is invalid", error["message"])

    def test_sending(self) -> None:
        """202 with an X-Message-Id of 22 characters; refusals name each field."""
        body = {
            "personalizations": [{"to": [{"email": "jane@example.com"}]}], "from": {"email": installation().sender}, "subject": "Hi",
            "content": [{"type": "text/plain", "value": "Hello"}],
        }
        sent = self.client().mail.send.post(request_body=body)
        self.assertEqual((sent.status_code, len(sent.headers["X-Message-Id"])), (202, 22))
        errors = self.refused(BadRequestsError, self.client().mail.send.post, request_body={**body, "personalizations": [{"to": [{"email": "nobody"}]}], "subject": ""})
        self.assertEqual({each["field"] for each in errors} >= {"personalizations.0.to.0.email"}, True, errors)
        (error,) = self.refused(ForbiddenError, self.client().mail.send.post, request_body={**body, "from": {"email": "me@elsewhere.test"}})
        self.assertEqual((error["field"], "verified Sender Identity" in error["message"]), ("from", True))

    def test_what_is_not_offered(self) -> None:
        """Is told by NotFoundError, whose errors can be read, with the reason."""
        (error,) = self.refused(NotFoundError, self.client().alerts.post, request_body={"type": "usage_limit"})
        self.assertEqual((error["message"], error["help"]), ("not offered by this service", "There are no alerts by mail: watch /metrics."))

    def test_addresses_in_paths(self) -> None:
        """An address is found raw, percent-encoded and in any case; `+` is a plus."""
        groups = self.client().asm.suppressions
        groups._("global").post(request_body={"recipient_emails": ["Jane+news@example.com"]})
        for text in ("jane+news@example.com", "JANE%2Bnews%40example.com"):
            self.assertIn("jane+news@example.com", groups._("global")._(text).get().body.decode().lower())
        self.assertEqual(groups._("global")._("jane+news@example.com").delete().status_code, 204)
        self.assertEqual(groups._("global")._("jane+news@example.com").get().body, b"{}")
