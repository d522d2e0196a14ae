from scaisend.delivery.tls_result import TlsResult
from tests.base import PlainTestCase


class ResultTests(PlainTestCase):
    def test_equal_results_are_counted_together(self) -> None:
        """All of it counts."""
        self.assertEqual(len({TlsResult("sts", "mx"), TlsResult("sts", "mx"), TlsResult("sts", "mx", "certificate-expired")}), 2)
