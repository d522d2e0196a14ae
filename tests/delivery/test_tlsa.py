"""TLSA records against certificates made here (RFC 6698, 7671)."""

import datetime
from hashlib import sha256, sha512

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scaisend.delivery.tlsa import authorities, of_host, usable
from tests.base import PlainTestCase


def certificate() -> tuple[bytes, bytes]:
    """A certificate and its key's SubjectPublicKeyInfo (DER)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1)
    ).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.DER), key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class TlsaTests(PlainTestCase):
    def test_every_selector_and_matching_type(self) -> None:
        """Certificate or key; whole, SHA-256 or SHA-512."""
        whole, key = certificate()
        other, _ = certificate()
        for selector, content in ((0, whole), (1, key)):
            for matching, data in ((0, content), (1, sha256(content).digest()), (2, sha512(content).digest())):
                for usage, finds in ((3, of_host), (2, lambda records, each: authorities(records, [each]))):
                    (record,) = usable([f"{usage} {selector} {matching} {data.hex()}"])
                    self.assertTrue(finds([record], whole), record)
                    if (usage, selector, matching) != (2, 0, 0):
                        self.assertFalse(finds([record], other), record)

    def test_an_authority_may_stand_whole_in_dns(self) -> None:
        """Then the host need not show it."""
        whole, _ = certificate()
        self.assertEqual(authorities(usable([f"2 0 0 {whole.hex()}"]), []), [whole])
        self.assertEqual(authorities(usable(["2 0 0 abcdef"]), []), [])

    def test_what_cannot_be_used(self) -> None:
        """The usages of the web, unknown numbers, digests of the wrong length, and what is no record."""
        good = "ab" * 32
        for record in (f"0 1 1 {good}", f"1 1 1 {good}", f"3 2 1 {good}", f"3 1 3 {good}", "3 1 1 ab", f"3 1 2 {good}", "3 1 0", "3 1 1 xyz", "", "3 1"):
            self.assertEqual(usable([record]), (), record)
        self.assertEqual(len(usable([f"3 1 1 {good[:30]} {good[30:]}"])), 1)

    def test_the_stronger_digest_counts(self) -> None:
        """Of the same usage and selector; whole data beside it counts too (RFC 7671 9)."""
        weak, strong = f"3 1 1 {'ab' * 32}", f"3 1 2 {'ab' * 64}"
        self.assertEqual([each.matching for each in usable([weak, strong, "3 1 0 ab", f"3 0 1 {'cd' * 32}"])], [2, 0, 1])

    def test_a_key_of_an_unknown_kind_matches_nothing(self) -> None:
        """A host may show any certificate: a key that nobody here knows is no match, and no fault of ours."""
        whole, key = certificate()
        strange = whole.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209"))
        self.assertNotEqual(strange, whole)
        self.assertIsNone(of_host(usable([f"3 1 1 {sha256(key).hexdigest()}"]), strange))

    def test_a_broken_certificate_matches_nothing(self) -> None:
        """It is not looked into."""
        self.assertIsNone(of_host(usable([f"3 1 1 {sha256(b'x').hexdigest()}"]), b"x"))
