from scaisend.delivery import tls_policy
from scaisend.delivery.demand import Demand
from scaisend.delivery.mta_sts import ENFORCE, TESTING, Sts
from scaisend.delivery.tls_policy import (
    CERTIFICATE,
    DANE,
    MTA_STS,
    MTA_STS_TESTING,
    NONE,
    NOTHING,
    OBSERVED,
    OPPORTUNISTIC,
    REQUIRED,
    TLSA,
    VERIFY,
    HostNotAllowed,
    TlsPolicy,
    parse_policies,
    rung,
)
from scaisend.faults import Invalid
from tests.base import PlainTestCase

GOOD = "3 1 1 " + "ab" * 32
ENFORCED = Sts(ENFORCE, ("mx.test", "*.pool.test"), 86400)
TESTED = Sts(TESTING, ("mx.test",), 86400)


class RungTests(PlainTestCase):
    def found(self, policy, *, sts=None, tlsa=(), host="mx.test"):
        one = rung(Demand(policy, True, sts), host, tlsa)
        return one.name, one.uses_tls, one.needs_tls, one.checks

    def test_only_opportunistic_falls_back(self):
        """Where TLS is required, no failure leads to clear text."""
        rows = {
            NONE: (NONE, False, False, NOTHING), OPPORTUNISTIC: (OPPORTUNISTIC, True, False, NOTHING), DANE: (OPPORTUNISTIC, True, False, NOTHING),
            MTA_STS: (OPPORTUNISTIC, True, False, NOTHING), REQUIRED: (REQUIRED, True, True, NOTHING), VERIFY: (VERIFY, True, True, CERTIFICATE),
        }
        for policy, expected in rows.items():
            self.assertEqual(self.found(policy), expected)
            self.assertEqual(rung(Demand(policy), "mx.test").falls_back, expected[1] and not expected[2])

    def test_dane_stands_in_the_place_of_all_others(self):
        """Of an enforced policy that does not name the host too; only the operator's `none` is above it."""
        for policy in (OPPORTUNISTIC, DANE, REQUIRED, VERIFY):
            for sts in (None, ENFORCED, TESTED):
                self.assertEqual(self.found(policy, sts=sts, tlsa=[GOOD], host="mx.elsewhere.test"), (DANE, True, True, TLSA))
        self.assertEqual(self.found(NONE, tlsa=[GOOD])[0], NONE)

    def test_records_that_cannot_be_used_still_ask_for_tls(self):
        """RFC 7672 2.2: without a check; an enforced policy and `verify` check all the same."""
        for unusable in ("1 1 1 " + "ab" * 32, "3 1 1 abcd", "3 7 1 " + "ab" * 32, "nonsense"):
            self.assertEqual(self.found(OPPORTUNISTIC, tlsa=[unusable]), (REQUIRED, True, True, NOTHING))
        self.assertEqual(self.found(VERIFY, tlsa=["3 1 1 ab"]), (VERIFY, True, True, CERTIFICATE))
        self.assertEqual(self.found(OPPORTUNISTIC, sts=ENFORCED, tlsa=["3 1 1 ab"]), (MTA_STS, True, True, CERTIFICATE))

    def test_an_enforced_policy_names_the_hosts(self):
        """Their certificates must hold; others are not spoken to."""
        self.assertEqual(self.found(OPPORTUNISTIC, sts=ENFORCED), (MTA_STS, True, True, CERTIFICATE))
        self.assertEqual(self.found(OPPORTUNISTIC, sts=ENFORCED, host="MX1.pool.test.")[0], MTA_STS)
        for host in ("mx.other.test", "a.b.pool.test", "pool.test"):
            self.assertRaises(HostNotAllowed, self.found, OPPORTUNISTIC, sts=ENFORCED, host=host)

    def test_a_tested_policy_is_only_observed(self):
        """And never lowers what the operator asks for."""
        self.assertEqual(self.found(OPPORTUNISTIC, sts=TESTED, host="mx.other.test"), (MTA_STS_TESTING, True, False, OBSERVED))
        self.assertEqual(self.found(REQUIRED, sts=TESTED), (MTA_STS_TESTING, True, True, OBSERVED))
        self.assertEqual(self.found(VERIFY, sts=TESTED), (VERIFY, True, True, CERTIFICATE))


class PolicyTests(PlainTestCase):
    def test_a_failing_host_is_remembered_a_while(self):
        """Then TLS is tried again; other hosts are not concerned."""
        policy = TlsPolicy(OPPORTUNISTIC, plain_for_s=100.0)
        policy.remember_plain("mx", 1000.0)
        self.assertEqual([policy.is_plain(host, now) for host, now in (("mx", 1099.0), ("mx", 1100.0), ("other", 1001.0))], [True, False, False])

    def test_what_is_remembered_is_bounded(self):
        """A flood of broken hosts does not fill the memory."""
        policy = TlsPolicy(OPPORTUNISTIC)
        for number in range(tls_policy.MAX_REMEMBERED + 10):
            policy.remember_plain(f"mx{number}", 0.0)
        self.assertLessEqual(len(policy._plain_until), tls_policy.MAX_REMEMBERED)

    def test_an_unknown_policy_is_refused(self):
        """With the list of those that are known."""
        error = self.assertRaises(Invalid, TlsPolicy, "sometimes")
        self.assertIn("opportunistic", error.faults[0].help)

    def test_domains_have_policies_of_their_own(self):
        """Read from a setting, by A-label."""
        policy = TlsPolicy(VERIFY, domains=parse_policies("bank.test=required, bücher.test=none"))
        self.assertEqual([policy.of(each) for each in ("bank.test", "xn--bcher-kva.test", "other.test")], [REQUIRED, NONE, VERIFY])
        for wrong in ("bank.test", "bank.test=sometimes", "[127.0.0.1]=none", "=none"):
            self.assertRaises(Invalid, parse_policies, wrong)
