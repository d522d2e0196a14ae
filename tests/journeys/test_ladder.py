"""The TLS ladder in whole processes: a validating resolver, a Postfix with a certificate, and what an operator is told of both."""

import json
from hashlib import sha256
from urllib.request import urlopen

from tests.base import PlainTestCase
from tests.world import unbound
from tests.world.authority import Authority
from tests.world.installation import Installation
from tests.world.load import call
from tests.world.mariadb import private_mariadb
from tests.world.ports import free_port
from tests.world.postfix import Postfix, why_not
from tests.world.program import wait_until
from tests.world.redis_server import redis_server


class LadderJourney(PlainTestCase):
    def test_dane_right_and_wrong(self) -> None:
        """The mail whose host shows what DNS promises arrives, the other waits and says why; explain, timeline and metrics name the rung."""
        if missing := why_not() or unbound.why_not():
            self.skipTest(missing)
        issued = Authority().issue("mx.sec.example")
        postfix = Postfix(tls="may", certificate=issued, settings="virtual_mailbox_domains = good.sec.example bad.sec.example\n")
        self.addCleanup(postfix.stop)
        tlsa = f"_{postfix.port}._tcp.{{}}.mx IN TLSA 3 1 1 {{}}\n"
        resolver = unbound.Unbound(secure=(
            "good IN MX 10 good.mx\nbad IN MX 10 bad.mx\ngood.mx IN A 127.0.0.1\nbad.mx IN A 127.0.0.1\n"
            + tlsa.format("good", sha256(issued.key_der).hexdigest()) + tlsa.format("bad", "ab" * 32)
        ))
        self.addCleanup(resolver.stop)
        house = Installation(
            0, mariadb=private_mariadb(), redis=redis_server(), SMTP_ROUTES="", SMTP_PORT=str(postfix.port), DNS_RESOLVERS=f"127.0.0.1:{resolver.port}",
        )
        self.addCleanup(house.close)
        ops = free_port()
        for name, settings in (("api", {}), ("worker", {}), ("smtp", {"OPS_LISTEN": f"127.0.0.1:{ops}"})):
            house.start(name, **settings)
        ids = {}
        for name in ("good", "bad"):
            status, body = call(house.url("api"), "POST", "/v3/mail/send", house.api_key, {
                "personalizations": [{"to": [{"email": f"u@{name}.sec.example"}]}], "from": {"email": house.sender}, "subject": name,
                "content": [{"type": "text/plain", "value": "Hello\n"}],
            })
            self.assertEqual(status, 202)
            ids[name] = json.loads(body)["message_id"]
        wait_until(lambda: dict(house.states()) == {"delivered": 1, "deferred": 1}, 60.0, lambda: f"{house.states()} {house.logs()}", 0.1)
        good, bad = (house.command_json("explain", ids[name])[0]["recipients"][0] for name in ("good", "bad"))
        self.assertEqual((good["attempts"][0]["tls_rung"], good["attempts"][0]["tls_rung_why"]), ("dane", "TLSA records of good.mx.sec.example"))
        self.assertTrue(good["attempts"][0]["tls"].startswith("TLSv1.3 "))
        self.assertEqual((bad["gate"], bad["attempts"][0]["tls_rung"]), ("tls_trouble", "dane"))
        self.assertIn("no TLSA record", bad["attempts"][0]["response"])
        self.assertIn("[dane: TLSA records of bad.mx.sec.example]", house.command("explain", ids["bad"]))
        with urlopen(f"http://127.0.0.1:{ops}/metrics", timeout=30) as response:
            counted = response.read().decode()
        self.assertIn('scaisend_tls_sessions_total{result="tls",rung="dane"} 1.0', counted)
        self.assertIn('scaisend_tls_sessions_total{result="validation-failure",rung="dane"} 1.0', counted)
        self.assertEqual([b"Subject: good" in mail for mail in postfix.mails(1)], [True])
