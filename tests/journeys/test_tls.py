"""SMTP_TLS_POLICY as an operator meets it: what goes out over TLS, in clear, or not at all."""

import ssl
import tempfile

from tests.base import PlainTestCase
from tests.world.counting_sink import CountingSink
from tests.world.installation import Installation
from tests.world.load import make_requests, send
from tests.world.postfix import make_certificate
from tests.world.program import wait_until


class TlsTests(PlainTestCase):
    def deliver(self, policy: str, *, offers: bool, arrives: bool) -> None:
        """Some mail was sent under the policy to a host that offers STARTTLS or not."""
        context = None
        if offers:
            with tempfile.TemporaryDirectory() as folder:
                make_certificate(folder, "sink.test")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        self.sink = CountingSink(tls=context)
        self.addCleanup(self.sink.close)
        self.house = Installation(self.sink.port, SMTP_TLS_POLICY=policy)
        self.addCleanup(self.house.close)
        self.house.start("all")
        promises = send(self.house.url("all"), self.house.api_key, make_requests("tls", 10, sender=self.house.sender))
        self.assertEqual(len(promises.accepted), 10)
        if arrives:
            self.house.settled()
            self.house.audit()
            self.assertEqual(len(self.sink.taken), sum(len(each.recipients) for each in promises.accepted))

    def test_opportunistic_takes_what_is_offered(self) -> None:
        """A self-signed certificate is good enough for opportunistic TLS, which it is sent over."""
        self.deliver("opportunistic", offers=True, arrives=True)
        self.assertTrue(all(each.was_secured for each in self.sink.taken))

    def test_verify_never_sends_to_a_stranger(self) -> None:
        """Under `verify` a self-signed host gets nothing; the mail waits and says that TLS is why."""
        self.deliver("verify", offers=True, arrives=False)
        wait_until(lambda: "tls_trouble" in self._waiting(), 30, lambda: f"waits for {self._waiting()}")
        self.assertEqual(self.sink.taken, [])

    def test_required_never_sends_in_clear(self) -> None:
        """Under `required` a host without STARTTLS gets nothing; the mail waits and says that TLS is why."""
        self.deliver("required", offers=False, arrives=False)
        wait_until(lambda: "tls_trouble" in self._waiting(), 30, lambda: f"waits for {self._waiting()}")
        self.assertEqual(self.sink.taken, [])

    def _waiting(self) -> set[str]:
        return {row.waiting or "" for row in self.house.recipients()}
