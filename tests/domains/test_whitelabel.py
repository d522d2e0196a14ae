from scaisend.domains.domains import DomainView
from scaisend.domains.store import Domain
from scaisend.domains.whitelabel import named, read_address, read_change, read_domain, read_id, shape, validation
from scaisend.faults import Invalid
from tests.base import PlainTestCase
from tests.world.tenants import NOW


def view(verified: bool = True, checked_at: float | None = NOW) -> DomainView:
    return DomainView(Domain("dom_1", "tnt_a", "example.com", verified, False, True, (), checked_at, None, NOW), ())


def record(purpose: str, kind: str = "TXT", value: str = "v", valid: bool = True, note: str | None = None) -> dict[str, object]:
    return {"type": kind, "name": f"{purpose}.example.com", "value": value, "purpose": purpose, "found": None, "valid": valid, "note": note}


RECORDS = [
    record("dkim", value="v=DKIM1; p=a"), record("dkim", value="v=DKIM1; p=b", valid=False), record("spf"), record("dmarc"),
    record("return_path", "MX", "10 mx.example.net"), record("return_path_spf", valid=False, note="it gives fail"),
]


class Shapes(PlainTestCase):
    def test_records_have_sendgrids_names(self) -> None:
        """The return path is mail_cname, keys are counted, an MX shows its host alone; DMARC has no name there."""
        shown = shape(view(), RECORDS, number=5, user_id=6, username="acme")
        self.assertEqual(list(shown["dns"]), ["mail_cname", "dkim1", "dkim2", "domain_spf", "subdomain_spf"])  # type: ignore[call-overload]
        self.assertEqual(shown["dns"]["mail_cname"], {"valid": True, "type": "mx", "host": "return_path.example.com", "data": "mx.example.net"})  # type: ignore[index]
        self.assertEqual(
            [shown[name] for name in ("id", "user_id", "username", "subdomain", "domain", "default", "valid", "last_validation_attempt_at")],
            [5, 6, "acme", "bounces", "example.com", True, True, int(NOW)],
        )
        self.assertNotIn("last_validation_attempt_at", shape(view(checked_at=None), [], number=5, user_id=6, username="a"))

    def test_validation_mirrors_the_records(self) -> None:
        """A reason stands where a record does not serve, and only there."""
        found = validation(view(verified=False), RECORDS, number=5)
        results: dict[str, dict[str, object]] = found["validation_results"]  # type: ignore[assignment]
        self.assertEqual((found["id"], found["valid"], list(results)), (5, False, [name for name, _ in named(RECORDS)]))
        self.assertEqual(results["dkim1"], {"valid": True, "reason": None})
        self.assertEqual(results["dkim2"], {"valid": False, "reason": "The record was not found in DNS."})
        self.assertEqual(results["subdomain_spf"]["reason"], "it gives fail")


class Reading(PlainTestCase):
    def test_ids(self) -> None:
        """Whole numbers in ASCII digits that fit into 31 bits."""
        self.assertEqual(read_id("12"), 12)
        for text in ("0", "-1", "1.0", "x", "", "٣", "2147483648", "9" * 40, "1 "):
            self.assertIsNone(read_id(text), text)

    def test_bodies(self) -> None:
        """Unknown fields are passed over, since SendGrid knows more; what is known must have its type."""
        self.assertEqual(read_domain({"domain": "a.example", "subdomain": "em", "ips": [], "default": True, "region": "eu"}, ()), ("a.example", True, ()))
        self.assertEqual(read_domain({"domain": "a.example", "ips": ["8.8.8.8", "8.8.8.8", "2001:DB8::1"]}, ("8.8.8.8", "2001:db8::1"))[2], ("8.8.8.8", "2001:db8::1"))
        self.assertEqual(read_address({"ip": " 8.8.8.8"}, ("8.8.8.8",)), "8.8.8.8")
        for given in ({}, {"ip": "8.8.4.4"}, {"ip": "x"}, {"ip": 1}):
            with self.assertRaises(Invalid) as refused:
                read_address(given, ("8.8.8.8",))
            self.assertEqual([each.field for each in refused.exception.faults], ["ip"])
        with self.assertRaises(Invalid) as refused:
            read_domain({"domain": "a.example", "ips": ["8.8.8.8", "8.8.4.4"]}, ("8.8.8.8",))
        self.assertEqual([each.field for each in refused.exception.faults], ["ips.1"])
        self.assertEqual(read_change({"custom_spf": True}), None)
        with self.assertRaises(Invalid) as caught:
            read_domain({"default": "yes", "ips": "1"}, ())
        self.assertEqual({each.field for each in caught.exception.faults}, {"domain", "default", "ips"})
