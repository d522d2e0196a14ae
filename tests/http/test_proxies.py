from scaisend.http.proxies import MOST_KEPT, Proxies
from tests.base import PlainTestCase


class ProxiesTests(PlainTestCase):
    def test_who_is_believed(self) -> None:
        """The address that the last believed proxy was called from counts, and nothing that a client wrote before it."""
        proxies = Proxies(("10.0.0.0/8", "2001:db8::7"))
        for peer, forwarded, client in (
            ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
            ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("", "198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.1.2.3", "10.0.0.9,198.51.100.1 ,127.0.0.1", "198.51.100.1"),
            ("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"),
            ("2001:db8::7", "2001:db8::8", "2001:db8::8"),
            ("2001:db8::8", "2001:db8::7", "2001:db8::8"),
            ("10.1.2.3", "nonsense", "nonsense"),
            ("10.1.2.3", "", "10.1.2.3"),
            ("10.1.2.3", "x" * 500, "x" * 64),
        ):
            self.assertEqual(proxies.client(peer, forwarded), client, (peer, forwarded))

    def test_bounded(self) -> None:
        """The memory of peers does not grow without end."""
        proxies = Proxies()
        for number in range(MOST_KEPT * 3):
            proxies.client(f"2001:db8::{number:x}", "x")
        self.assertLessEqual(len(proxies._verdicts), MOST_KEPT)
