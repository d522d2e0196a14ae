"""SPF, by the examples of RFC 7208 and by its limits."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.dns import Record
from scaisend.domains.spf import FAIL, NEUTRAL, NONE, PASS, PERMERROR, SOFTFAIL, TEMPERROR, check_spf
from tests.base import PlainTestCase
from tests.world.dns_table import DnsTable

# RFC 7208 appendix A.
EXAMPLE: dict[tuple[str, str], list[Record]] = {
    ("example.com", "MX"): [(10, "mail-a.example.com"), (20, "mail-b.example.com")],
    ("example.com", "A"): ["192.0.2.10", "192.0.2.11"],
    ("amy.example.com", "A"): ["192.0.2.65"],
    ("bob.example.com", "A"): ["192.0.2.66"],
    ("mail-a.example.com", "A"): ["192.0.2.129"],
    ("mail-b.example.com", "A"): ["192.0.2.130"],
    ("example.org", "MX"): [(10, "mail-c.example.org")],
    ("mail-c.example.org", "A"): ["192.0.2.140"],
    ("six.example.com", "AAAA"): ["2001:db8::6"],
}


class SpfTests(PlainTestCase):
    """Results by record and address."""

    def check(self, record: str | list[str], address: str = "192.0.2.65", trouble: str = "", **more: list[Record]) -> str:
        records: list[Record] = [record] if isinstance(record, str) else list(record)
        table = DnsTable(EXAMPLE | {("test.example", "TXT"): records} | {(name.replace("__", "."), "TXT"): each for name, each in more.items()})
        table.trouble = {trouble}
        self.outcome = self.successResultOf(check_spf(table.resolve, address, "test.example"))
        self.table = table
        return self.outcome.result

    def test_examples(self) -> None:
        """The RFC's own examples."""
        for record, address, result in (
            ("v=spf1 +all", "192.0.2.65", PASS),
            ("v=spf1 a:example.com -all", "192.0.2.10", PASS),
            ("v=spf1 a:example.com -all", "192.0.2.65", FAIL),
            ("v=spf1 a:example.org -all", "192.0.2.10", FAIL),
            ("v=spf1 mx:example.com -all", "192.0.2.129", PASS),
            ("v=spf1 mx:example.com -all", "192.0.2.10", FAIL),
            ("v=spf1 mx:example.com mx:example.org -all", "192.0.2.140", PASS),
            ("v=spf1 mx:example.com/30 mx:example.org/30 -all", "192.0.2.131", PASS),
            ("v=spf1 mx:example.com/30 mx:example.org/30 -all", "192.0.2.132", FAIL),
            ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", PASS),
            ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", FAIL),
            ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", PASS),
            ("v=spf1 ip6:2001:db8::/32 -all", "192.0.2.65", FAIL),
            ("v=spf1 a:six.example.com//120 -all", "2001:db8::9", PASS),
            ("v=spf1 a:six.example.com -all", "2001:db8::9", FAIL),
            ("v=spf1 a:example.com/24//64 -all", "192.0.2.200", PASS),
            ("v=spf1 ~all", "192.0.2.65", SOFTFAIL),
            ("v=spf1 ?all", "192.0.2.65", NEUTRAL),
            ("v=spf1", "192.0.2.65", NEUTRAL),
            ("V=SPF1 IP4:192.0.2.65 -ALL", "192.0.2.65", PASS),
            ("v=spf1 exp=why.example.com unknown=x -all", "192.0.2.65", FAIL),
            ("v=spf1 ptr -all", "192.0.2.65", FAIL),
        ):
            self.assertEqual(self.check(record, address), result, (record, address, self.outcome.reason))

    def test_which_record(self) -> None:
        """Other TXT records do not count; two SPF records are an error; none is none."""
        self.assertEqual(self.check(["other", "v=spf10 -all", "v=spf1 +all"]), PASS)
        self.assertEqual(self.check(["v=spf1 +all", "v=spf1 -all"]), PERMERROR)
        self.assertEqual(self.check(["other"]), NONE)
        self.assertEqual(self.check([]), NONE)

    def test_include(self) -> None:
        """An include matches when the other record passes; its fail does not end the check; its absence is an error."""
        self.assertEqual(self.check("v=spf1 include:a.test ~all", a__test=["v=spf1 ip4:192.0.2.65 -all"]), PASS)
        self.assertEqual(self.check("v=spf1 include:a.test ~all", a__test=["v=spf1 -all"]), SOFTFAIL)
        self.assertEqual(self.check("v=spf1 -include:a.test +all", a__test=["v=spf1 +all"]), FAIL)
        self.assertEqual(self.check("v=spf1 include:a.test ~all"), PERMERROR)
        self.assertEqual(self.check("v=spf1 include:a.test ~all", a__test=["v=spf1 bogus -all"]), PERMERROR)

    def test_redirect(self) -> None:
        """A redirect decides when nothing matches; where it leads nowhere it is an error."""
        self.assertEqual(self.check("v=spf1 redirect=a.test", a__test=["v=spf1 ip4:192.0.2.65 -all"]), PASS)
        self.assertEqual(self.check("v=spf1 redirect=a.test", a__test=["v=spf1 -all"]), FAIL)
        self.assertEqual(self.check("v=spf1 ?all redirect=a.test", a__test=["v=spf1 -all"]), NEUTRAL)
        self.assertEqual(self.check("v=spf1 redirect=a.test"), PERMERROR)
        self.assertEqual(self.check("v=spf1 redirect=a.test redirect=a.test", a__test=["v=spf1 +all"]), PERMERROR)

    def test_limits(self) -> None:
        """Ten lookups are allowed, over includes too, and two that find nothing."""
        chain = {f"l{n}__test": [f"v=spf1 include:l{n + 1}.test -all"] for n in range(1, 11)}
        self.assertEqual(self.check("v=spf1 include:l1.test -all", **chain, l11__test=["v=spf1 +all"]), PERMERROR)
        self.assertIn("10 DNS lookups", str(self.outcome.reason))
        self.assertEqual(self.check("v=spf1 include:l2.test -all", **chain, l11__test=["v=spf1 +all"]), PASS)
        self.assertEqual(self.outcome.lookups, 10)
        self.assertEqual(self.check("v=spf1 include:test.example -all"), PERMERROR)
        self.assertEqual(self.check("v=spf1 a:n1.test a:n2.test +all"), PASS)
        self.assertEqual(self.check("v=spf1 a:n1.test a:n2.test a:n3.test +all"), PERMERROR)

    def test_syntax(self) -> None:
        """A term that is not valid is an error wherever it stands."""
        for term in ("ip4:300.0.0.1", "ip4:192.0.2.0/33", "ip4:2001:db8::1", "ip6:1.2.3.4", "include:", "all:x", "include/24", "bogus",
                     "-redirect=x", "a:example.com/33", "exists", "%{x}", "a:%{z}.test", "ip4", "=x"):
            self.assertEqual(self.check(f"v=spf1 {term} +all"), PERMERROR, term)

    def test_trouble(self) -> None:
        """DNS in trouble is a temporary error."""
        self.assertEqual(self.check("v=spf1 a:example.com -all", trouble="example.com"), TEMPERROR)
        self.assertEqual(self.check("v=spf1 include:a.test -all", trouble="a.test"), TEMPERROR)
        self.assertEqual(self.check("v=spf1 +all", trouble="test.example"), TEMPERROR)

    def test_macros(self) -> None:
        """Macros of RFC 7208 7.4 name what is looked up."""
        for text, expanded in (
            ("%{ir}.%{v}._spf.%{d2}", "65.2.0.192.in-addr._spf.test.example"),
            ("%{i}.%{s}.x", "192.0.2.65.postmaster@test.example.x"),
            ("%{lr-}.%{o}", "postmaster.test.example"),
            ("%{d1}.%%.%_.%-", "example.%. .%20"),
        ):
            self.check(f"v=spf1 exists:{text} -all".replace("%_", "%_"))
            self.assertIn((expanded, "A"), self.table.asked)

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.sampled_from(["a", "mx", "include:", "redirect=", "ip4:", "192.0.2.0/24", "/", "%{", "}", "i", "all", "-", ":", "test.example", "=", "//", "9"]), max_size=8))
    def test_any_record_has_a_result(self, pieces: list[str]) -> None:
        """No record makes the check fail otherwise than by its result, and none asks without bound."""
        self.assertIn(self.check("v=spf1 " + "".join(pieces) + " -all"), (PASS, FAIL, SOFTFAIL, NEUTRAL, PERMERROR))
        self.assertLess(len(self.table.asked), 150)
