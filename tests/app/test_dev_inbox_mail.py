"""What a kept mail shows."""

from base64 import b64encode

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.app.dev_inbox_mail import Signature, check_signatures, read_mail
from tests.base import PlainTestCase

MIXED = b"""\
Subject: =?utf-8?q?gr=C3=BCn?=
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

gr=FCn
--a
Content-Type: text/html

<img src="cid:logo@x"><img src="cid:other">
--a--
--m
Content-Type: image/png; name=logo.png
Content-ID: <logo@x>
Content-Transfer-Encoding: base64

iVBO
--m
Content-Type: text/plain
Content-Disposition: attachment; filename=notes.txt

notes
--m--
""".replace(b"\n", b"\r\n")


class PartTests(PlainTestCase):
    def test_parts(self) -> None:
        """Text, HTML with its inline images, attachments and decoded header fields are found."""
        shown = read_mail(MIXED)
        self.assertEqual((shown.text, shown.fields[0]), ("grün", ("Subject", "grün")))
        self.assertEqual(shown.html, '<img src="data:image/png;base64,iVBO"><img src="cid:other">')
        self.assertEqual([(part.filename, part.media_type) for part in shown.attachments], [("logo.png", "image/png"), ("notes.txt", "text/plain")])

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.sampled_from([
        b"Content-Type: ", b"multipart/mixed; boundary=m", b"text/html; charset=nonsense", b"\r\n", b"--m", b"--m--", b"\xff", b"Content-Transfer-Encoding: base64",
        b"=?utf-8?b?x", b"?=", b"message/rfc822", b"Content-Disposition: attachment; filename*=utf-8''%ff", b"Subject: ", b"x",
    ]), max_size=20))
    def test_any_mail(self, parts: list[bytes]) -> None:
        """No mail is too broken to be shown."""
        read_mail(b"".join(parts))


class SignatureTests(PlainTestCase):
    def setUp(self) -> None:
        key = rsa.generate_private_key(65537, 1024)
        self.private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.record: str | None = "v=DKIM1; k=rsa; p=" + b64encode(public).decode()
        self.asked: list[tuple[str, str]] = []
        mail = b"From: a@a.test\r\nSubject: x\r\n\r\nbody\r\n"
        self.signed = dkim.sign(mail, b"s1", b"a.test", self.private) + mail

    async def public_record(self, selector: str, domain: str) -> str | None:
        self.asked.append((selector, domain))
        return self.record

    def verdicts(self, content: bytes) -> list[Signature]:
        return self.successResultOf(check_signatures(content, self.public_record))

    def test_good(self) -> None:
        """A signature that holds passes by the record of its selector and domain."""
        self.assertEqual(self.verdicts(self.signed), [Signature("a.test", "s1", "rsa-sha256", "pass")])
        self.assertEqual(self.asked, [("s1", "a.test")])

    def test_bad(self) -> None:
        """An altered mail, another key, no key, a broken record and a broken signature fail and say why."""
        self.assertEqual(self.verdicts(self.signed + b"more\r\n")[0].verdict[:5], "fail:")
        for record in (None, "", "v=DKIM1; p=", "v=DKIM1; p=AAAA", "nonsense", "ü"):
            self.record = record
            self.assertEqual(self.verdicts(self.signed)[0].verdict[:5], "fail:", record)
        for field in (b"nonsense", b"v=1; d=a.test; s=s1", b"\xff=1", b""):
            self.assertEqual(self.verdicts(b"DKIM-Signature: " + field + b"\r\nFrom: a@a.test\r\n\r\nx\r\n")[0].verdict[:5], "fail:", field)

    def test_unsigned(self) -> None:
        """A mail without a signature, or that is hardly a mail, has no verdict."""
        for content in (b"From: a@a.test\r\n\r\nx\r\n", b"", b"\r\n", b"no header at all", b" folded\r\n\r\n"):
            self.assertEqual(self.verdicts(content), [], content)
