"""SPF and DKIM of mails that arrive: signed by us and by dkimpy, altered, with keys that are gone."""

from base64 import b64encode
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.dns import Answer, DnsTrouble, NoSuchName
from scaisend.domains.dkim_keys import RSA, make_key, published
from scaisend.inbound.arrival_verdicts import dkim_of, signatures_of, spf_of
from scaisend.sealing import Sealer
from tests.base import PlainTestCase
from tests.submission.mails import mail
from tests.world.tenants import now

SEALER = Sealer(b"k" * 32, lambda count: b"r" * count)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def private_pem() -> bytes:
    return key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def record() -> str:
    return f"v=DKIM1; k=rsa; p={b64encode(key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()}"


class Zone:
    """Names with TXT records; those in `trouble` cannot be looked up now."""

    def __init__(self, **records: str) -> None:
        self.records = {name.replace("__", "."): text for name, text in records.items()}
        self.trouble: set[str] = set()

    async def resolve(self, name: str, kind: str) -> Answer:
        if name in self.trouble:
            raise DnsTrouble(f"{name} is in trouble")
        if name not in self.records or kind != "TXT":
            raise NoSuchName(name)
        return Answer((self.records[name],), 60.0)


class SpfTests(PlainTestCase):
    def test_results(self) -> None:
        """The sender's domain decides, or the EHLO name of a null sender; what is no domain has no policy."""
        zone = Zone(x__test="v=spf1 ip4:192.0.2.1 -all", mx__test="v=spf1 ip4:192.0.2.2 ~all")
        zone.trouble.add("sad.test")
        for ip, sender, helo, result in (
            ("192.0.2.1", "a@x.test", "mx.test", "pass"), ("192.0.2.9", "a@X.test", "", "fail"), ("192.0.2.2", "", "mx.test", "pass"),
            ("192.0.2.3", "", "mx.test", "softfail"), ("192.0.2.1", "a@nowhere.test", "", "none"), ("192.0.2.1", "", "[192.0.2.1]", "none"),
            ("192.0.2.1", "a@sad.test", "", "temperror"), ("local", "a@x.test", "", "permerror"), ("::ffff:192.0.2.1", "a@x.test", "", "pass"),
        ):
            self.assertEqual(now(self, spf_of(zone.resolve, ip, sender, helo)), result, (ip, sender, helo))


class DkimTests(PlainTestCase):
    def signed(self, domain: bytes = b"x.test") -> bytes:
        content = mail()
        return dkim.sign(content, b"s1", domain, private_pem(), include_headers=[b"From", b"To", b"Subject"]) + content

    def verdict(self, content: bytes, zone: Zone) -> str:
        return dkim_of(content, now(self, signatures_of(zone.resolve, content)))

    def test_verdicts(self) -> None:
        """Good, altered, another's key, no key, a key that cannot be looked up, unsigned: as SendGrid writes them."""
        good = Zone()
        good.records = {"s1._domainkey.x.test": record()}
        other = Zone()
        other.records = {"s1._domainkey.x.test": published(RSA, make_key(RSA, SEALER).public)}
        away = Zone()
        away.trouble = {"s1._domainkey.x.test"}
        self.assertEqual(self.verdict(self.signed(), good), "{@x.test : pass}")
        self.assertEqual(self.verdict(self.signed().replace(b"on its way", b"not on its way"), good), "{@x.test : fail}")
        self.assertEqual([self.verdict(self.signed(), zone) for zone in (other, Zone(), away)], ["{@x.test : fail}", "{@x.test : fail}", "{@x.test : temperror}"])
        self.assertEqual(self.verdict(mail(), good), "none")

    def test_several(self) -> None:
        """Each signature has its verdict, in order; five are looked at."""
        zone = Zone()
        zone.records = {"s1._domainkey.x.test": record()}
        twice = dkim.sign(self.signed(), b"s1", b"y.test", private_pem(), include_headers=[b"From"]) + self.signed()
        self.assertEqual(self.verdict(twice, zone), "{@y.test : fail, @x.test : pass}")
        self.assertEqual(len(now(self, signatures_of(zone.resolve, b"DKIM-Signature: d=a; s=b\r\n" * 50 + mail()))), 5)

    @settings(deadline=None, max_examples=100)
    @given(st.binary(max_size=60), st.integers(0, 700), st.integers(0, 100))
    def test_nothing_breaks_it(self, noise: bytes, at: int, length: int) -> None:
        """A garbled signature is none, or no good one."""
        zone = Zone()
        zone.records = {"s1._domainkey.x.test": record()}
        whole = self.signed()
        self.verdict(whole[:at] + noise + whole[at + length :], zone)
