"""What a domain publishes."""

import dns.zone

from scaisend.domains.dkim_keys import ED25519, RSA
from scaisend.domains.records import (
    Hosts,
    mechanisms,
    shown_records,
    split_txt,
    wanted_records,
    with_mechanisms,
    zone_line,
)
from scaisend.domains.store import DomainKey
from tests.base import PlainTestCase

HOSTS = Hosts(("8.8.8.8", "2001:4860::1"), "mail.example.net", "mx.example.net")


def key(selector: str, algorithm: str = RSA, status: str = "active") -> DomainKey:
    return DomainKey(f"dky_{selector}", "dom_1", selector, algorithm, b"", b"k" * 294, status, 0.0, None)


class RecordTests(PlainTestCase):
    """The records, and their forms."""

    def test_wanted(self) -> None:
        """Every key that is not retired, SPF, DMARC, and the return path's MX and SPF."""
        wanted = wanted_records("example.com", [key("s1"), key("e1", ED25519, "pending"), key("s0", RSA, "retired")], HOSTS)
        self.assertEqual([(each.type, each.name, each.purpose) for each in wanted], [
            ("TXT", "s1._domainkey.example.com", "dkim"), ("TXT", "e1._domainkey.example.com", "dkim"), ("TXT", "example.com", "spf"),
            ("TXT", "_dmarc.example.com", "dmarc"), ("MX", "bounces.example.com", "return_path"),
            ("TXT", "bounces.example.com", "return_path_spf"),
        ])
        values = {each.purpose: each.value for each in wanted}
        self.assertEqual(values["spf"], "v=spf1 ip4:8.8.8.8 ip6:2001:4860::1 ~all")
        self.assertEqual(values["return_path"], "10 mx.example.net")

    def test_behind_nat(self) -> None:
        """Private source addresses say nothing to others; the EHLO name stands for them."""
        self.assertEqual(mechanisms(Hosts(("10.0.0.5", "127.0.0.1"), "mail.example.net", "x")), "a:mail.example.net")
        self.assertEqual(mechanisms(Hosts((), "mail.example.net", "x")), "a:mail.example.net")

    def test_joined_with_the_domains_own(self) -> None:
        """Our mechanisms go before `all` or `redirect`, and are not repeated; one that is there without a pass gives way."""
        ours = "ip4:8.8.8.8 ip6:2001:4860::1"
        for own, joined in (
            ("v=spf1 include:_spf.example.org -all", f"v=spf1 include:_spf.example.org {ours} -all"),
            ("v=spf1 mx redirect=example.org", f"v=spf1 mx {ours} redirect=example.org"),
            ("v=spf1 mx", f"v=spf1 mx {ours}"),
            ("v=spf1 ?IP4:8.8.8.8 mx ~all", f"v=spf1 mx {ours} ~all"),
            ("v=spf1 IP4:8.8.8.8 ?all", "v=spf1 IP4:8.8.8.8 ip6:2001:4860::1 ?all"),
        ):
            self.assertEqual(with_mechanisms(own, HOSTS), joined)

    def test_shown(self) -> None:
        """A record shows what the last check found at its name and kind; without a check nothing is valid."""
        wanted = wanted_records("example.com", [key("s1")], HOSTS)
        self.assertFalse(any(each["valid"] or each["found"] for each in shown_records(wanted, [])))
        shown = shown_records(wanted, [{"type": "TXT", "name": "example.com", "found": "v=spf1 -all", "valid": False, "note": "n"}])
        self.assertEqual([each["found"] for each in shown], [None, "v=spf1 -all", None, None, None])
        self.assertEqual(set(shown[0]), {"type", "name", "value", "purpose", "found", "valid", "note"})

    def test_zone_lines(self) -> None:
        """The lines are read by a zone parser, and give the value back from its pieces."""
        wanted = wanted_records("example.com", [key("s1")], HOSTS)
        zone = dns.zone.from_text("$TTL 300\n" + "\n".join(zone_line(each) for each in wanted), "example.com", relativize=False, check_origin=False)
        for record in wanted:
            rdata = zone.find_rdataset(record.name + ".", record.type)[0]
            found = b"".join(rdata.strings).decode() if record.type == "TXT" else f"{rdata.preference} {rdata.exchange}".rstrip(".")
            self.assertEqual(found, record.value)

    def test_split(self) -> None:
        """No piece is longer than 255 octets."""
        self.assertEqual(split_txt("x" * 300), '"' + "x" * 255 + '" "' + "x" * 45 + '"')
        self.assertEqual(split_txt('a"b\\'), '"a\\"b\\\\"')
