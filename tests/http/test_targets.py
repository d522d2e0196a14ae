from scaisend.http.targets import blocked, url_fault
from tests.base import PlainTestCase


class BlockedTest(PlainTestCase):
    def test_inner_addresses_are_blocked(self) -> None:
        """Every form of an address that leads inside is blocked."""
        for address in (
            "127.0.0.1", "127.255.255.255", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
            "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "203.0.113.5",
            "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "2001::1", "64:ff9b:1::1",
            "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.1.2.3",
            "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:0a00:0001::", "::ffff:0:127.0.0.1", "fe80::1%eth0", "0000:0000::0001",
        ):
            self.assertIsNotNone(blocked(address), address)

    def test_what_is_no_address_is_blocked(self) -> None:
        """Texts that some resolvers take for addresses are none here."""
        for text in ("", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1 ", "1.2.3.4.5", "[::1]", "１２７.0.0.1"):
            self.assertEqual(blocked(text), "not an address", text)

    def test_public_addresses_are_not(self) -> None:
        """The public Internet may be called, also through translation."""
        for address in ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"):
            self.assertIsNone(blocked(address), address)


class UrlTest(PlainTestCase):
    def test_good_ones(self) -> None:
        """https URLs with a host name or a public address."""
        for url in ("https://hooks.example.com/x?y=z", "https://example.com:8443/", "https://8.8.8.8/", "https://xn--bcher-kva.example/"):
            self.assertIsNone(url_fault(url), url)

    def test_bad_ones(self) -> None:
        """Other schemes, credentials, inner names, addresses in disguise, and what parsers disagree about."""
        for url in (
            "http://example.com/", "ftp://example.com/", "https://", "https:///x", "example.com", "https://user:pw@example.com/",
            "https://localhost/", "https://x.localhost./", "https://printer.local/", "https://metadata.google.internal/",
            "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://0x7f.1/", "https://127.1/",
            "https://example.com:99999/", "https://example.com:0/", "https://exa mple.com/", "https://example.com\r\nX: y/",
            "https://[::1", "https://bücher.example/", "https://example.com\\@127.0.0.1/", "https://ex%61mple.com/", "https://" + "a" * 3000,
        ):
            self.assertIsNotNone(url_fault(url), url)

    def test_what_may_be_allowed(self) -> None:
        """http and private targets, each where it is allowed."""
        self.assertIsNone(url_fault("http://example.com/", allow_http=True))
        self.assertIsNone(url_fault("https://127.0.0.1/", allow_private=True))
        self.assertIsNotNone(url_fault("http://127.0.0.1/", allow_http=True))
