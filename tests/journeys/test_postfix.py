"""Delivery from several processes into Debian's Postfix, whose word counts: with STARTTLS and without, signed so that OpenDKIM agrees."""

import base64
import json
import os
from unittest import SkipTest

from tests.base import PlainTestCase
from tests.world import postfix
from tests.world.installation import SENDER_DOMAIN, Installation
from tests.world.load import call, make_requests
from tests.world.opendkim import verdicts

BODIES = (
    "plain\n", ".\n", "..\n.\n", "\n.\n\n.\nMAIL FROM:<x@y.test>\n", "ünïcode " * 300 + "\n", "x" * 5000, "line\r\n.\r\nline\rwith bare\n", " trailing \t \n\n\n",
)


class PostfixCase(PlainTestCase):
    def deliver(self, tls: str, policy: str) -> list[bytes]:
        """Every body was taken by a Postfix with that TLS level; its mails."""
        why = postfix.why_not()
        if why:
            if os.environ.get("CI") == "true":
                raise AssertionError(why)
            raise SkipTest(f"NOT TESTED: {why}")
        host = postfix.Postfix(tls=tls)
        self.addCleanup(host.stop)
        self.house = Installation(host.port, SMTP_TLS_POLICY=policy)
        self.addCleanup(self.house.close)
        self.house.start("all")
        url, key = self.house.url("all"), self.house.api_key
        for number, text in enumerate(BODIES):
            body = json.loads(make_requests(f"p{number}", 1, sender=self.house.sender, domain="box.test")[0].body)
            body["content"] = [{"type": "text/plain", "value": text}, {"type": "text/html", "value": f"<p>{text}</p>"}]
            body["attachments"] = [{"filename": "ä.bin", "content": base64.b64encode(bytes(range(256)) * 20).decode()}]
            status, answer = call(url, "POST", "/v3/mail/send", key, body)
            self.assertEqual(status, 202, answer)
        self.house.settled()
        self.assertEqual(set(self.house.states()), {"delivered"}, self.house.open_rows())
        self.house.audit()
        return host.mails(len(BODIES), 20.0)

    def check(self, mails: list[bytes]) -> None:
        """All are there, and each of their signatures is good."""
        self.assertEqual(len(mails), len(BODIES))
        records = {each["name"]: each["value"] for each in self.house.command_json("domains", "list")[0]["dns_records"] if "_domainkey" in each["name"]}
        self.assertEqual({name.partition("._domainkey.")[2] for name in records}, {SENDER_DOMAIN})
        for mail in mails:
            found = verdicts(mail, records)
            self.assertEqual((len(found), set(found.values())), (2, {"pass"}), mail[:2000])


class PlainPostfixTests(PostfixCase):
    def test_without_starttls(self) -> None:
        """Bodies that look like SMTP, long lines and bytes of all kinds arrive over a plain connection, signed."""
        mails = self.deliver("none", "opportunistic")
        self.check(mails)
        self.assertFalse(any(b"SMTPS id" in each for each in mails))


class SecuredPostfixTests(PostfixCase):
    def test_with_starttls(self) -> None:
        """The same over TLS, which Postfix offers and the policy asks for."""
        mails = self.deliver("may", "required")
        self.check(mails)
        self.assertTrue(all(b"SMTPS id" in each for each in mails), mails[0][:1000])
