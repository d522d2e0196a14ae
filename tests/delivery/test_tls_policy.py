from scaisend.delivery import tls_policy
from scaisend.delivery.tls_policy import NONE, OPPORTUNISTIC, REQUIRED, VERIFY, TlsPolicy
from scaisend.faults import Invalid
from tests.base import PlainTestCase


class PolicyTests(PlainTestCase):
    def test_only_opportunistic_falls_back(self):
        """Where TLS is required, no failure leads to clear text."""
        rows = {NONE: (False, False, False), OPPORTUNISTIC: (True, False, True), REQUIRED: (True, True, False), VERIFY: (True, True, False)}
        for name, expected in rows.items():
            policy = TlsPolicy(name)
            self.assertEqual((policy.wants_tls("mx", 0.0), policy.needs_tls, policy.falls_back("mx", 0.0)), expected)

    def test_a_failing_host_is_remembered_a_while(self):
        """Then TLS is tried again; other hosts are not concerned."""
        policy = TlsPolicy(OPPORTUNISTIC, plain_for_s=100.0)
        policy.falls_back("mx", 1000.0)
        self.assertEqual([policy.wants_tls(host, now) for host, now in (("mx", 1099.0), ("mx", 1100.0), ("other", 1001.0))], [False, True, True])

    def test_what_is_remembered_is_bounded(self):
        """A flood of broken hosts does not fill the memory."""
        policy = TlsPolicy(OPPORTUNISTIC)
        for number in range(tls_policy.MAX_REMEMBERED + 10):
            policy.falls_back(f"mx{number}", 0.0)
        self.assertLessEqual(len(policy._plain_until), tls_policy.MAX_REMEMBERED)

    def test_an_unknown_policy_is_refused(self):
        """With the list of those that are known."""
        error = self.assertRaises(Invalid, TlsPolicy, "sometimes")
        self.assertIn("opportunistic", error.faults[0].help)
