from scaisend.delivery.hasten import domain_of
from tests.base import PlainTestCase


class DomainTests(PlainTestCase):
    def test_domains(self):
        """As A-labels in lower case; what has none has none. The portions are tested in test_ordering.py."""
        for email, domain in (("A@Example.COM", "example.com"), ("a@müller.example", "xn--mller-kva.example"), ('"a@b"@c.test', "c.test"), ("a@[192.0.2.1]", "[192.0.2.1]")):
            self.assertEqual(domain_of(email), domain)
