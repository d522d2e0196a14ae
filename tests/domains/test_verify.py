"""What DNS says of a domain, judged by meaning."""

from base64 import b64encode

from scaisend.dns import Record
from scaisend.domains.dkim_keys import ED25519, RSA, published
from scaisend.domains.records import Hosts, wanted_records
from scaisend.domains.store import DomainKey
from scaisend.domains.verify import Judged, Verification, judge_dkim, judge_mx, read_tags, verify
from tests.base import PlainTestCase
from tests.world.dns_table import DnsTable

HOSTS = Hosts(("8.8.8.8",), "mail.example.net", "mx.example.net")
SPKI = b"\x30" * 24 + b"modulus" * 38 + b"abcd"
EDWARDS = bytes(range(32))
RSA_TEXT = b64encode(SPKI).decode()


class JudgeDkimTests(PlainTestCase):
    """One DKIM record."""

    def judge(self, *texts: str, algorithm: str = RSA, public: bytes = SPKI) -> Judged:
        return judge_dkim(texts, algorithm, public)

    def test_by_meaning(self) -> None:
        """Tags in any order, space within the key, defaults left out, unknown tags: the same key is the same."""
        folded = RSA_TEXT[:50] + " \t" + RSA_TEXT[50:]
        for text in (
            published(RSA, SPKI), f"p={RSA_TEXT}", f"k=rsa;p={RSA_TEXT};v=DKIM1;", f"v=DKIM1; p={folded}", f"v=DKIM1;h=sha1:sha256; s=email ;p={RSA_TEXT}; n=x; foo=bar",
            f"v=DKIM1; t=s; p={b64encode(SPKI[24:]).decode()}",
        ):
            self.assertTrue(self.judge(text).valid, text)
        self.assertTrue(self.judge(published(ED25519, EDWARDS), algorithm=ED25519, public=EDWARDS).valid)

    def test_refused(self) -> None:
        """Another key, a revoked one, another kind, and what is no record at all are told apart."""
        for text, word in (
            (published(RSA, SPKI[:-1] + b"x"), "another key"), (f"v=DKIM1; p={RSA_TEXT[:-40]}", "another key"), ("v=DKIM1; p=", "revoked"),
            (f"v=DKIM1; k=ed25519; p={RSA_TEXT}", "k="), (f"v=DKIM2; p={RSA_TEXT}", "v="), (f"h=sha1; p={RSA_TEXT}", "h="),
            (f"s=tlsrpt; p={RSA_TEXT}", "s="), ("hello", "tags"), (f"p={RSA_TEXT}; p={RSA_TEXT}", "tags"), ("v=DKIM1; p=###", "another key"),
            ("v=DKIM1", "another key"),
        ):
            verdict = self.judge(text)
            self.assertFalse(verdict.valid, text)
            self.assertIn(word, verdict.note or "")
        self.assertEqual(self.judge(), Judged(None, False))

    def test_notes(self) -> None:
        """Testing mode and a second record are valid, and said."""
        self.assertIn("t=y", self.judge(f"t=y:s; p={RSA_TEXT}").note or "")
        both = self.judge("v=DKIM1; p=", published(RSA, SPKI))
        self.assertTrue(both.valid)
        self.assertIn("several", both.note or "")

    def test_tags(self) -> None:
        """A tag list is read whole or not at all."""
        self.assertEqual(read_tags(" a = b ; c=d=e;"), {"a": "b", "c": "d=e"})
        for text in ("", ";", "a", "=b", "a=1;a=2"):
            self.assertIsNone(read_tags(text))


class VerifyTests(PlainTestCase):
    """A whole domain."""

    def setUp(self) -> None:
        self.keys = [
            DomainKey("dky_rsa", "dom_1", "ss1-x", RSA, b"", SPKI, "active", 0.0, None),
            DomainKey("dky_ed", "dom_1", "se1-x", ED25519, b"", EDWARDS, "pending", 0.0, None),
        ]
        self.table = DnsTable({
            ("ss1-x._domainkey.example.com", "TXT"): [published(RSA, SPKI)],
            ("se1-x._domainkey.example.com", "TXT"): [published(ED25519, EDWARDS)],
            ("example.com", "TXT"): ["v=spf1 include:_spf.example.org -all", "other"],
            ("_spf.example.org", "TXT"): ["v=spf1 ip4:8.8.0.0/16 -all"],
            ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=reject; rua=mailto:d@example.com"],
            ("bounces.example.com", "MX"): [(10, "MX.example.net")],
            ("bounces.example.com", "TXT"): ["v=spf1 a:mail.example.net -all"],
            ("mail.example.net", "A"): ["8.8.8.8"],
        })

    def verify(self, hosts: Hosts = HOSTS) -> Verification:
        wanted = wanted_records("example.com", self.keys, hosts)
        found = self.successResultOf(verify(self.table.resolve, "example.com", wanted=wanted, keys=self.keys, hosts=hosts))
        self.by_purpose = {record.purpose: it for record, it in found.judged}
        return found

    def put(self, name: str, kind: str, *records: Record) -> None:
        self.table.records[name, kind] = list(records)

    def test_all_is_well(self) -> None:
        """Everything is found and valid, whatever words the domain chose."""
        found = self.verify()
        self.assertEqual([it.valid for _, it in found.judged], [True] * 6)
        self.assertEqual(found.seen, {"dky_rsa", "dky_ed"})
        self.assertTrue(found.return_path_ready)

    def test_nothing_there(self) -> None:
        """An empty DNS finds nothing and is no trouble."""
        self.table.records = {}
        found = self.verify()
        self.assertEqual({(it.found, it.valid) for _, it in found.judged}, {(None, False)})
        self.assertEqual((found.seen, found.return_path_ready, found.dkim_in_trouble), (frozenset(), False, False))

    def test_spf_cure(self) -> None:
        """A record that does not let us send is told with the record that would."""
        self.put("example.com", "TXT", "v=spf1 mx -all")
        self.verify()
        self.assertIn("v=spf1 mx ip4:8.8.8.8 -all", self.by_purpose["spf"].note or "")
        self.put("example.com", "TXT", "v=spf1 ip4:8.8.8.8 -all", "v=spf1 mx -all")
        self.verify()
        self.assertFalse(self.by_purpose["spf"].valid)
        self.assertIn("permerror", self.by_purpose["spf"].note or "")

    def test_every_address_must_pass(self) -> None:
        """With two source addresses one that is let through is not enough."""
        self.verify(Hosts(("8.8.8.8", "9.9.9.9"), "mail.example.net", "mx.example.net"))
        self.assertFalse(self.by_purpose["spf"].valid)
        self.assertIn("9.9.9.9", self.by_purpose["spf"].note or "")

    def test_addresses_of_the_ehlo_name(self) -> None:
        """Without public source addresses those of the EHLO name are judged."""
        hosts = Hosts((), "mail.example.net", "mx.example.net")
        self.verify(hosts)
        self.assertTrue(self.by_purpose["spf"].valid)
        del self.table.records["mail.example.net", "A"]
        self.verify(hosts)
        self.assertIn("mail.example.net", self.by_purpose["spf"].note or "")

    def test_dmarc(self) -> None:
        """A policy of the domain above counts; two records, or none of the three policies, do not."""
        self.put("_dmarc.example.com", "TXT", "v=DMARC1; p=none", "v=DMARC1; p=reject")
        self.verify()
        self.assertFalse(self.by_purpose["dmarc"].valid)
        self.put("_dmarc.example.com", "TXT", "v=DMARC1; p=maybe")
        self.verify()
        self.assertFalse(self.by_purpose["dmarc"].valid)
        self.put("_dmarc.example.com", "TXT", "v=DMARC1;p=None")
        wanted = wanted_records("mail.example.com", [], HOSTS)
        found = self.successResultOf(verify(self.table.resolve, "mail.example.com", wanted=wanted, keys=[], hosts=HOSTS))
        dmarc = next(it for record, it in found.judged if record.purpose == "dmarc")
        self.assertEqual((dmarc.valid, dmarc.note), (True, "inherited from example.com"))

    def test_mx(self) -> None:
        """Ours must be among the most preferred hosts of the return path."""
        self.assertTrue(judge_mx([(10, "mx.example.net"), (10, "b.test"), (20, "c.test")], "mx.example.net").valid)
        self.assertFalse(judge_mx([(5, "b.test"), (10, "mx.example.net")], "mx.example.net").valid)
        self.assertFalse(judge_mx([(5, "b.test")], "mx.example.net").valid)
        self.assertEqual(judge_mx([], "mx.example.net"), Judged(None, False))

    def test_trouble_decides_nothing(self) -> None:
        """Where DNS does not answer, it is said, and told apart from absence."""
        self.table.trouble = {"ss1-x._domainkey.example.com", "_spf.example.org", "bounces.example.com"}
        found = self.verify()
        self.assertEqual((found.seen, found.dkim_in_trouble, found.return_path_in_trouble), ({"dky_ed"}, True, True))
        self.assertTrue(self.by_purpose["spf"].in_trouble)
        self.assertTrue(self.by_purpose["dmarc"].valid)
