from scaisend.reporting.providers import OTHER, provider_of_domain, provider_of_host
from tests.base import PlainTestCase


class Providers(PlainTestCase):
    def test_by_domain(self) -> None:
        """Known domains and families of them; a family's label in front of another name is nothing."""
        for domain, provider in (
            ("gmail.com", "Gmail"), ("hotmail.co.uk", "Outlook"), ("live.nl", "Outlook"), ("yahoo.com.br", "Yahoo"), ("yahoo.ne.jp", "Yahoo"),
            ("icloud.com", "Apple"), ("gmx.de", "GMX"), ("yahoo.example.com", None), ("yahoo.shop.nl", None), ("example.com", None), ("com", None), ("", None),
        ):
            self.assertEqual(provider_of_domain(domain), provider, domain)

    def test_by_host(self) -> None:
        """The host's own name or what it ends in, the longest first, by whole labels."""
        for host, provider in (
            ("aspmx.l.google.com", "Google Workspace"), ("ALT1.ASPMX.L.Google.com.", "Google Workspace"), ("x-com.mail.protection.outlook.com", "Microsoft 365"),
            ("eur.olc.protection.outlook.com", "Outlook"), ("mx.notgoogle.com", OTHER), ("mx1.example.com", OTHER), ("com", OTHER), ("", OTHER),
        ):
            self.assertEqual(provider_of_host(host), provider, host)
