"""Policies of domains as text (RFC 8461)."""

from scaisend.delivery.mta_sts import ENFORCE, LONGEST_AGE_S, BadPolicy, Sts, parse, policy_id
from tests.base import PlainTestCase

TEXT = b"version: STSv1\r\nmode: enforce\r\nmx: MX1.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


class PolicyTextTests(PlainTestCase):
    def test_a_policy_is_read(self) -> None:
        """With CRLF or LF, unknown fields, and the last line's end missing."""
        expected = Sts(ENFORCE, ("mx1.example.com", "*.example.net"), 604800)
        self.assertEqual(parse(TEXT), expected)
        self.assertEqual(parse(TEXT.replace(b"\r\n", b"\n") + b"later_field: x\n\nmode: none"), expected)
        self.assertEqual(parse("\n".join(expected.lines).encode()), expected)

    def test_the_longest_age_is_a_year(self) -> None:
        """More is no reason to refuse it."""
        self.assertEqual(parse(TEXT.replace(b"604800", b"9999999999")).max_age_s, LONGEST_AGE_S)

    def test_what_is_no_policy(self) -> None:
        """Above all what a web server says when it has no such page."""
        wrong = [
            b"", b"<html>not found</html>", TEXT.replace(b"STSv1", b"STSv2"), TEXT.replace(b"enforce", b"perhaps"), TEXT.replace(b"604800", b"-1"),
            TEXT.replace(b"604800", "٣".encode()), TEXT.replace(b"mx: ", b"host: "), TEXT.replace(b"MX1.example.com", b"mx1 .example.com"),
            TEXT.replace(b"*.example.net", b"*"), TEXT.replace(b"*.example.net", b"mx.*.net"), TEXT + b"#" * 70_000,
        ]
        for body in wrong:
            self.assertRaises(BadPolicy, parse, body)
        self.assertEqual(parse(b"version: STSv1\nmode: none\nmax_age: 86400").hosts, ())

    def test_a_wildcard_is_one_label(self) -> None:
        """As in certificates (RFC 8461 4.1)."""
        policy = parse(TEXT)
        for host, allowed in (("mx1.example.com", True), ("MX1.Example.com.", True), ("a.example.net", True), ("a.b.example.net", False), ("example.net", False)):
            self.assertEqual(policy.allows(host), allowed, host)


class RecordTests(PlainTestCase):
    def test_the_id(self) -> None:
        """Of the one record that is ours; two of them are none."""
        for records, expected in (
            (["v=STSv1; id=20260101T000000;"], "20260101T000000"), (["v=STSv1;id=1"], "1"), (["v=spf1 -all", "v=STSv1; id=a1; x=y"], "a1"),
            (["v=STSv1; id=1", "v=STSv1; id=2"], None), (["v=STSv1; id="], None), (["v=STSv1; id=" + "a" * 33], None), (["v=STSv1; id=a b"], None),
            (["v=STSv12; id=1"], None), ([""], None), ([], None),
        ):
            self.assertEqual(policy_id(records), expected, records)
