"""Signatures, verified by dkimpy (RSA) and OpenDKIM (RSA and Ed25519), two programs that are not ours."""

import re
from base64 import b64encode

import dkim as dkimpy
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.delivery.dkim import ED25519, RSA, SigningKey, UnusableKey, load_signing_key, sign, sign_segments
from scaisend.sending.compose import compose, encode_attachment
from scaisend.sending.mail import Attached, Mail, Mailbox, Part
from scaisend.sending.segments import filled
from tests.base import PlainTestCase
from tests.world.opendkim import verdicts

SIGNED_AT = 1_751_364_000.9
MAIL = (
    b"From: Acme <noreply@example.com>\r\nTo: bob@example.org\r\nSubject: Your  order\r\n of today\r\n"
    b"Date: Tue, 01 Jul 2025 10:00:00 +0000\r\nMessage-ID: <a@example.com>\r\nX-Other: not signed\r\n"
    b"List-Unsubscribe: <https://example.com/u>,\r\n\t<mailto:u@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Hello  Bob, \r\n\r\n\tindented\t text   with runs  \r\n.\r\nend\r\n\r\n\r\n"
)


def _der(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


RSA_PRIVATE = rsa.generate_private_key(65537, 2048)
ED_PRIVATE = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = load_signing_key("example.com", "r1", RSA, _der(RSA_PRIVATE))
ED_KEY = load_signing_key("example.com", "e1", ED25519, _der(ED_PRIVATE))
_RSA_PUBLIC = b64encode(RSA_PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
_ED_PUBLIC = b64encode(ED_PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
RECORDS = {
    "r1._domainkey.example.com": f"v=DKIM1; k=rsa; p={_RSA_PUBLIC}",
    "e1._domainkey.example.com": f"v=DKIM1; k=ed25519; p={_ED_PUBLIC}",
}


def _dns(name: bytes, timeout: float = 5) -> bytes:
    return RECORDS[name.decode().rstrip(".")].encode()


def _dkimpy_passes(signed: bytes) -> bool:
    return bool(dkimpy.DKIM(signed).verify(dnsfunc=_dns))


def _signed(message: bytes, *keys: SigningKey) -> bytes:
    return sign(message, keys, SIGNED_AT) + message


def _listed(signature: bytes) -> list[bytes]:
    return re.sub(rb"\s", b"", re.search(rb" h=([^;]*);", signature)[1]).split(b":")  # type: ignore[index]


_WORDS = st.text(st.sampled_from("ab.= \t<>:;é"), max_size=12).map(lambda text: text.encode())
_LINES = st.lists(_WORDS, max_size=8).map(b"\r\n".join)
_NAMES = st.sampled_from([b"To", b"Cc", b"Subject", b"Date", b"Reply-To", b"MIME-Version", b"X-A", b"List-Unsubscribe"])
_FIELDS = st.lists(
    st.tuples(_NAMES, st.lists(st.text(st.sampled_from("ab. \t:;"), max_size=8).map(lambda text: "x" + text), min_size=1, max_size=3)),
    max_size=7, unique_by=lambda field: field[0],
)


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    fields = draw(_FIELDS)
    fields.insert(draw(st.integers(0, len(fields))), (b"From", ["A  B <a@example.com>"]))
    head = b"".join(name + b": " + "\r\n ".join(lines).encode() + b"\r\n" for name, lines in fields)
    body = draw(_LINES) + draw(st.sampled_from([b"\r\n", b" \r\n\t\r\n\r\n"]))
    return head + b"\r\n" + (body if draw(st.booleans()) else b"")


class VerifiedByOthers(PlainTestCase):
    @settings(deadline=None, max_examples=200)
    @given(_messages())
    def test_dkimpy_verifies_whatever_is_signed(self, message: bytes) -> None:
        """No header or body in canonical lines gives a signature that dkimpy refuses."""
        self.assertTrue(_dkimpy_passes(_signed(message, RSA_KEY)), message)

    @settings(deadline=None, max_examples=25)
    @given(_messages())
    def test_opendkim_verifies_whatever_is_signed(self, message: bytes) -> None:
        """The same of OpenDKIM, with both algorithms."""
        self.assertEqual(verdicts(_signed(message, ED_KEY, RSA_KEY), RECORDS), {"r1": "pass", "e1": "pass"}, message)

    def test_opendkim_verifies_both_algorithms(self) -> None:
        """OpenDKIM passes the RSA and the Ed25519 signature of one mail."""
        self.assertEqual(verdicts(_signed(MAIL, RSA_KEY, ED_KEY), RECORDS), {"r1": "pass", "e1": "pass"})

    def test_opendkim_verifies_an_empty_body(self) -> None:
        """A mail without a body, and one of empty lines alone, pass: both hash as nothing."""
        head = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        for message in (head, head + b"\r\n \r\n\t\r\n"):
            self.assertEqual(verdicts(_signed(message, RSA_KEY), RECORDS), {"r1": "pass"})
            self.assertTrue(_dkimpy_passes(_signed(message, RSA_KEY)))

    def test_opendkim_sees_changes(self) -> None:
        """A changed body and an added second Subject, Reply-To or Cc fail: those are oversigned."""
        signed = _signed(MAIL, RSA_KEY)
        self.assertEqual(verdicts(signed.replace(b"indented", b"indentex"), RECORDS), {"r1": "fail"})
        for added in (b"Subject: evil\r\n", b"Reply-To: evil@example.net\r\n", b"Cc: evil@example.net\r\n", b"From: evil@example.net\r\n"):
            self.assertEqual(verdicts(added + signed, RECORDS), {"r1": "fail"}, added)

    def test_fields_that_are_not_signed_may_be_added(self) -> None:
        """Received and other trace fields on the way break nothing."""
        signed = b"Received: from a by b\r\nX-Scanned: yes\r\n" + _signed(MAIL, RSA_KEY)
        self.assertEqual(verdicts(signed, RECORDS), {"r1": "pass"})


    def test_a_composed_mail(self) -> None:
        """What composing writes, with an attachment in its own segment, is signed without joining it, and passes."""
        content = encode_attachment(bytes(range(256)) * 40)
        mail = Mail(
            Mailbox("noreply@example.com", "Jörg, Acme"), (Mailbox("bob@example.org", "Bob"),), "Ihre Bestellung für März " * 9, SIGNED_AT,
            "<01k@example.com>", "msg_01k", headers={"List-Unsubscribe": f"<https://example.com/{'u' * 90}>, <mailto:u@example.com>"},
            parts=(Part("text/plain", "Grüße  \n\n\tBob\n"), Part("text/html", "  <p>\n    Hello  </p> \n\n")),
            attachments=(Attached("Prüfung.pdf", "application/pdf", "attachment", None, "k", len(content)),),
        )
        segments = filled(compose(mail).segments, {"k": content})
        signed = sign_segments(segments, [ED_KEY, RSA_KEY], SIGNED_AT) + b"".join(segments)
        self.assertEqual(verdicts(signed, RECORDS), {"r1": "pass", "e1": "pass"})
        self.assertTrue(_dkimpy_passes(signed))


class WhatIsSigned(PlainTestCase):
    def test_rsa_is_topmost(self) -> None:
        """The RSA signature comes first, in whatever order the keys are given."""
        self.assertEqual(re.findall(rb"a=([\w-]+);", sign(MAIL, [ED_KEY, RSA_KEY], SIGNED_AT)), [RSA.encode(), ED25519.encode()])

    def test_present_fields_once_and_six_oversigned(self) -> None:
        """h= lists the signed fields that are there, then From, To, Cc, Subject, Date and Reply-To once more."""
        listed = _listed(sign(MAIL, [ED_KEY], SIGNED_AT))
        self.assertEqual(listed[:8], [
            b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"list-unsubscribe",
        ])
        self.assertEqual(listed[8:], [b"from", b"to", b"cc", b"subject", b"date", b"reply-to"])

    def test_duplicate_fields_are_hashed_from_the_bottom(self) -> None:
        """A mail that has a field twice is still signed as RFC 6376 5.4.2 says."""
        message = MAIL.replace(b"To: bob", b"To: ann@example.org\r\nTo: bob")
        self.assertTrue(_dkimpy_passes(_signed(message, RSA_KEY)))
        self.assertEqual(verdicts(_signed(message, RSA_KEY), RECORDS), {"r1": "pass"})

    def test_lines_are_short(self) -> None:
        """The fields are folded to 78 columns, and end in CRLF without a bare CR or LF."""
        fields = sign(MAIL, [RSA_KEY, ED_KEY], SIGNED_AT)
        self.assertTrue(fields.endswith(b"\r\n"))
        self.assertNotIn(b"\n", fields.replace(b"\r\n", b""))
        self.assertLessEqual(max(map(len, fields.split(b"\r\n"))), 78)
        self.assertIn(b" t=1751364000;", fields)

    def test_no_key_no_field(self) -> None:
        """A domain without an active key sends unsigned."""
        self.assertEqual(sign(MAIL, [], SIGNED_AT), b"")

    @settings(deadline=None, max_examples=200)
    @given(_messages(), st.lists(st.integers(0, 200), max_size=5))
    def test_segments_sign_as_the_whole(self, message: bytes, cuts: list[int]) -> None:
        """Wherever the body is cut into segments, the signature is that of the joined mail."""
        body_at = message.index(b"\r\n\r\n") + 4
        places = [body_at + cut for cut in sorted(cuts) if body_at + cut < len(message)]
        segments = [message[start:end] for start, end in zip([0, *places], [*places, len(message)], strict=True)]
        self.assertEqual(sign_segments(segments, [ED_KEY], SIGNED_AT), sign(message, [ED_KEY], SIGNED_AT))


class Keys(PlainTestCase):
    def test_broken_and_foreign_keys_are_refused(self) -> None:
        """Bytes that are no key, and a key of the other algorithm, raise UnusableKey that names selector and domain."""
        for algorithm, der in ((RSA, b"junk"), (RSA, _der(ED_PRIVATE)), (ED25519, _der(RSA_PRIVATE)), ("rsa-sha1", _der(RSA_PRIVATE))):
            error = self.assertRaises(UnusableKey, load_signing_key, "example.com", "r1", algorithm, der)
            self.assertIn("r1 of example.com", str(error))
