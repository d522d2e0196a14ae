"""DKIM keys, against a verifier of others."""

from base64 import b64decode

import dkim
from cryptography.hazmat.primitives.serialization import load_der_private_key

from scaisend.delivery.dkim import load_signing_key, sign
from scaisend.domains.dkim_keys import (
    ALGORITHMS,
    ED25519,
    RSA,
    RSA_BITS,
    SEAL,
    make_key,
    number_in,
    published,
    selector_of,
)
from scaisend.ids import IdMaker, lane_in
from scaisend.sealing import SealBroken, Sealer
from tests.base import PlainTestCase


class DkimKeyTests(PlainTestCase):
    """Making, sealing, naming, publishing."""

    def setUp(self) -> None:
        self.sealer = Sealer(b"secret", lambda count: b"n" * count)

    def test_sealed(self) -> None:
        """The private key is stored sealed, and opens under the same SECRET_KEY alone."""
        key = make_key(RSA, self.sealer)
        private = load_der_private_key(self.sealer.open(SEAL, key.sealed_private), None)
        self.assertEqual(private.key_size, RSA_BITS)
        with self.assertRaises(SealBroken):
            Sealer(b"other", lambda count: b"n" * count).open(SEAL, key.sealed_private)

    def test_a_published_key_verifies_our_signature(self) -> None:
        """What is signed with the private key is verified with the published record, by dkimpy."""
        mail = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\n\r\nhello\r\n"
        for algorithm in ALGORITHMS:
            key = make_key(algorithm, self.sealer)
            signing = load_signing_key("example.com", "s1", algorithm, self.sealer.open(SEAL, key.sealed_private))
            record = published(algorithm, key.public).encode()
            self.assertTrue(dkim.verify(sign(mail, [signing], 1_700_000_000.0) + mail, dnsfunc=lambda *_, record=record, **__: record), algorithm)

    def test_record(self) -> None:
        """Ed25519 publishes its 32 bytes, RSA a SubjectPublicKeyInfo."""
        record = published(ED25519, bytes(range(32)))
        self.assertEqual(record, "v=DKIM1; k=ed25519; p=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        value = published(RSA, make_key(RSA, self.sealer).public)
        self.assertTrue(value.startswith("v=DKIM1; k=rsa; p=MII"))
        self.assertGreater(len(b64decode(value.rpartition("p=")[2])), 290)

    def test_selectors(self) -> None:
        """A selector holds the tenant's lane and a number, and is a DNS label."""
        rsa, edwards = selector_of("tnt_a", RSA, 1), selector_of("tnt_a", ED25519, 12)
        lane = lane_in(IdMaker(now_s=lambda: 0.0, random_bits=lambda bits: 0).new("msg", "tnt_a"))
        self.assertEqual((rsa, edwards), (f"ss1-{lane}", f"se12-{lane}"))
        self.assertNotEqual(rsa, selector_of("tnt_b", RSA, 1))
        self.assertEqual([number_in(each) for each in (rsa, edwards, "s1", "default", "")], [1, 12, 0, 0, 0])
