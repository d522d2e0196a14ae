"""The instance's own DNS, judged."""

from dataclasses import replace

from scaisend.app.checks import AWAY, FAILED, OK, WARNING
from scaisend.app.dns_checks import Instance, instance_checks
from scaisend.dns import Record
from scaisend.domains.records import Hosts
from tests.base import PlainTestCase
from tests.world.dns_table import DnsTable
from tests.world.tenants import now

HELO, BOUNCES, LIST = "mail.example.net", "bounces.example.net", "bl.test"
FOUR, SIX = "8.8.4.4", "2001:4860:4860::8888"
SIX_POINTER = ".".join(reversed("20014860486000000000000000008888"))
GOOD: dict[tuple[str, str], list[Record]] = {
    (HELO, "A"): [FOUR], (HELO, "AAAA"): [SIX], ("4.4.8.8.in-addr.arpa", "PTR"): [HELO], (f"{SIX_POINTER}.ip6.arpa", "PTR"): [HELO],
    (BOUNCES, "MX"): [(10, HELO)], (BOUNCES, "TXT"): [f"v=spf1 a:{HELO} -all"],
}
INSTANCE = Instance(Hosts((), HELO, HELO), {}, BOUNCES)


class InstanceDns(PlainTestCase):
    def found(self, changes: dict[tuple[str, str], list[Record]] | None = None, instance: Instance = INSTANCE, trouble: str = "") -> dict[tuple[str, str], str]:
        """The state of each check."""
        self.table = DnsTable({**GOOD, **(changes or {})})
        self.table.trouble = {trouble}
        self.checks = now(self, instance_checks(self.table.resolve, instance, (LIST,)))
        return {(each.name, each.subject): each.status for each in self.checks}

    def wrong(self, changes: dict[tuple[str, str], list[Record]] | None = None, **more) -> dict[tuple[str, str], str]:  # type: ignore[no-untyped-def]
        return {key: state for key, state in self.found(changes, **more).items() if state != OK}

    def test_all_well(self) -> None:
        """EHLO name, PTR and forward confirmation of both addresses, bounce domain, and a list that has neither."""
        found = self.found()
        self.assertEqual(set(found.values()), {OK})
        self.assertEqual({subject for name, subject in found if name == "dns.fcrdns"}, {FOUR, SIX})
        self.assertEqual({subject for name, subject in found if name == "blocklist"}, {f"{FOUR} in {LIST}", f"{SIX} in {LIST}"})

    def test_no_reverse_dns(self) -> None:
        """Without a PTR the cure names the record and who publishes it."""
        self.assertEqual(self.wrong({("4.4.8.8.in-addr.arpa", "PTR"): []}), {("dns.ptr", FOUR): FAILED})
        self.assertIn("4.4.8.8.in-addr.arpa PTR mail.example.net", next(each.cure for each in self.checks if each.status == FAILED))

    def test_reverse_dns_that_is_not_confirmed(self) -> None:
        """A PTR to a name that leads elsewhere fails; to a confirmed name other than the EHLO name it is a warning."""
        self.assertEqual(self.wrong({("4.4.8.8.in-addr.arpa", "PTR"): ["pool-7.isp.test"]}), {("dns.fcrdns", FOUR): FAILED})
        changes: dict[tuple[str, str], list[Record]] = {("4.4.8.8.in-addr.arpa", "PTR"): ["pool-7.isp.test"], ("pool-7.isp.test", "A"): [FOUR]}
        self.assertEqual(self.wrong(changes), {("dns.ptr", FOUR): WARNING})

    def test_configured_sources(self) -> None:
        """Configured addresses are checked in place of the EHLO name's, each against its own name; private ones stand behind NAT."""
        given = Instance(Hosts(("1.1.1.1",), HELO, HELO), {"1.1.1.1": "out1.example.net"}, BOUNCES)
        changes: dict[tuple[str, str], list[Record]] = {
            ("1.1.1.1.in-addr.arpa", "PTR"): ["out1.example.net"], ("out1.example.net", "A"): ["1.1.1.1"], (BOUNCES, "TXT"): ["v=spf1 ip4:1.1.1.1 -all"],
        }
        self.assertEqual(self.wrong(changes, instance=given), {})
        self.assertEqual(self.wrong(instance=given), {("dns.helo", "out1.example.net"): FAILED, ("dns.ptr", "1.1.1.1"): FAILED, ("bounce.spf", BOUNCES): FAILED})
        behind = replace(INSTANCE, hosts=Hosts(("10.0.0.5",), HELO, HELO))
        self.assertIn(("dns.ptr", FOUR), self.found(instance=behind))

    def test_bounce_domain(self) -> None:
        """Another host's MX fails; an address without MX serves, and is a warning; no SPF fails with the record to publish."""
        self.assertEqual(self.wrong({(BOUNCES, "MX"): [(10, "mx.other.test")]}), {("bounce.mx", BOUNCES): FAILED})
        self.assertEqual(self.wrong({(BOUNCES, "MX"): [], (BOUNCES, "A"): [FOUR]}), {("bounce.mx", BOUNCES): WARNING})
        self.assertEqual(self.wrong({(BOUNCES, "TXT"): ["hello"]}), {("bounce.spf", BOUNCES): FAILED})
        self.assertIn(f'"v=spf1 a:{HELO} -all"', next(each.cure for each in self.checks if each.status == FAILED))

    def test_blocklists(self) -> None:
        """Listed fails; a list that refuses our resolver, and a resolver that invents answers, are no verdict."""
        for answer, state in (("127.0.0.2", FAILED), ("127.255.255.254", WARNING), ("203.0.113.9", WARNING)):
            self.assertEqual(self.wrong({(f"4.4.8.8.{LIST}", "A"): [answer]}), {("blocklist", f"{FOUR} in {LIST}"): state})
        self.assertEqual(self.wrong({(f"{SIX_POINTER}.{LIST}", "A"): ["127.0.0.4"]}), {("blocklist", f"{SIX} in {LIST}"): FAILED})

    def test_trouble(self) -> None:
        """DNS that does not answer for our own name is a dependency away; elsewhere it is a warning, never a verdict."""
        self.assertEqual(self.wrong(trouble=HELO)[("dns.helo", HELO)], AWAY)
        self.assertEqual(self.wrong(trouble="4.4.8.8.in-addr.arpa"), {("dns.ptr", FOUR): WARNING})
        self.assertEqual(self.wrong(trouble=BOUNCES), {("bounce.mx", BOUNCES): WARNING, ("bounce.spf", BOUNCES): WARNING})

    def test_a_private_name(self) -> None:
        """An EHLO name with a private address alone is a warning, and no list is asked about that address."""
        found = self.found({(HELO, "A"): ["10.0.0.5"], (HELO, "AAAA"): []})
        self.assertEqual(found[("dns.helo", HELO)], WARNING)
        self.assertEqual([name for name, _ in self.table.asked if name.endswith(LIST)], [])
