"""Composed mail, read back by the standard library's email package, which is not ours."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.sending.compose import (
    Composed,
    ComposeError,
    ObjectRef,
    compose,
    encode_attachment,
    join,
    object_keys,
    pack,
    unpack,
)
from scaisend.sending.mail import Attached, Mail, Mailbox, Part
from tests.base import PlainTestCase

DATE_AT = 1_751_364_000.5
# One character of each trap: quotes, specials, spaces, two to four byte UTF-8, combining and joined ones, astral, bidi.
_TEXT = st.text(st.sampled_from("ab Z09.,;:@<>()[]\\\"'=?_%é漢字🎉\u0301\u200d\u202eß-"), max_size=60)
_NAME = _TEXT.map(lambda name: " ".join(name.split()))
_BODY = st.text(st.sampled_from("ab é=.\n\r\t漢🎉-From<p>"), max_size=300)
_ADDRESS = st.sampled_from(["a@example.com", "x.y+z@example.org", "o'neil_{b}@sub.example.net", "k" * 64 + "@example.com"])
_MAILBOX = st.builds(Mailbox, _ADDRESS, st.one_of(st.none(), _NAME))


def _mail(**given: object) -> Mail:
    fields: dict[str, object] = {
        "from_": Mailbox("noreply@example.com", "Acme"), "to": (Mailbox("bob@example.org"),), "subject": "Hello", "date_at": DATE_AT,
        "message_id": "<01k@example.com>", "boundary_seed": "msg_01k", "parts": (Part("text/plain", "Hello Bob\n"),),
    }
    return Mail(**{**fields, **given})  # type: ignore[arg-type]


def _attached(name: str, content: bytes, **given: str | None) -> tuple[Attached, bytes]:
    encoded = encode_attachment(content)
    fields: dict[str, str | None] = {"media_type": "application/pdf", "disposition": "attachment", "content_id": None, **given}
    return Attached(name, object_key=f"key {name}", encoded_size=len(encoded), **fields), encoded  # type: ignore[arg-type]


def _read(composed: Composed, objects: dict[str, bytes] | None = None) -> EmailMessage:
    raw = join(composed.segments, objects or {})
    assert len(raw) == composed.size_bytes
    assert raw.endswith(b"\r\n")
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"") and b"\0" not in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii() is not composed.needs_smtputf8
    return cast("EmailMessage", message_from_bytes(raw, policy=policy.default))


def _mailboxes(message: EmailMessage, name: str) -> list[tuple[str, str]]:
    # By the older parser: the newer one keeps the space between two encoded words of a phrase, against RFC 2047 6.2.
    if name not in message:
        return []
    old = message_from_bytes(message.as_bytes(policy=policy.SMTPUTF8.clone(max_line_length=0, refold_source="none")))
    return [(address, str(make_header(decode_header(shown)))) for shown, address in getaddresses([str(old[name])])]


def _text_of(part: object) -> str:
    return cast("bytes", cast("EmailMessage", part).get_payload(decode=True)).decode("utf-8")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class ReadBack(PlainTestCase):
    @settings(deadline=None, max_examples=150)
    @given(_NAME, _MAILBOX, st.lists(_MAILBOX, min_size=1, max_size=4), st.lists(_MAILBOX, max_size=3), st.lists(_MAILBOX, max_size=2))
    def test_addresses_names_and_subject(
        self, subject: str, sender: Mailbox, to: list[Mailbox], cc: list[Mailbox], reply_to: list[Mailbox]
    ) -> None:
        """Whatever names and subjects hold, a reader sees the same addresses, names and subject."""
        message = _read(compose(_mail(from_=sender, to=tuple(to), cc=tuple(cc), reply_to=tuple(reply_to), subject=subject)))
        for name, mailboxes in (("From", [sender]), ("To", to), ("Cc", cc), ("Reply-To", reply_to)):
            self.assertEqual(_mailboxes(message, name), [(each.email, each.name or "") for each in mailboxes])
        self.assertEqual(str(message["Subject"]), subject)

    @settings(deadline=None, max_examples=200)
    @given(_BODY, _BODY)
    def test_text_and_html(self, text: str, html: str) -> None:
        """Both parts read back as they were given, line ends apart, whatever encoding each got."""
        message = _read(compose(_mail(parts=(Part("text/plain", text), Part("text/html", html)))))
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        plain, rich = message.iter_parts()
        self.assertEqual((plain.get_content_type(), rich.get_content_type()), ("text/plain", "text/html"))
        self.assertEqual((_lines(_text_of(plain)), _lines(_text_of(rich))), (_lines(text), _lines(html)))

    @settings(deadline=None, max_examples=100)
    @given(_BODY)
    def test_one_part(self, text: str) -> None:
        """A single part stands alone; its last line gets a line end."""
        message = _read(compose(_mail(parts=(Part("text/html", text),))))
        self.assertEqual(message.get_content_type(), "text/html")
        self.assertEqual(_lines(_text_of(message)).removesuffix("\n"), _lines(text).removesuffix("\n"))

    @settings(deadline=None, max_examples=100)
    @given(st.text(st.sampled_from("ab Z0.,;=?'\"\\é漢🎉/()%*"), max_size=120).map(lambda name: "n" + name.strip()), st.binary(max_size=500))
    def test_attachments(self, name: str, content: bytes) -> None:
        """An attachment's bytes and name read back, whatever the name."""
        attached, encoded = _attached(name, content)
        message = _read(compose(_mail(attachments=(attached,))), {attached.object_key: encoded})
        (found,) = message.iter_attachments()
        self.assertEqual(found.get_payload(decode=True), content)
        self.assertEqual((found.get_filename(), found.get_content_type()), (name, "application/pdf"))

    def test_long_lines_and_words(self) -> None:
        """Lines over 998 octets and words over a line, in text and subject, come through whole."""
        for text in ("x" * 998, "x" * 999, "é" * 5000, "a" * 997 + "\nb", "word " * 3000, "y" * 3000 + " end"):
            message = _read(compose(_mail(subject=text.replace("\n", " "), parts=(Part("text/plain", text + "\n"),))))
            self.assertEqual(_lines(_text_of(message)), text + "\n")
            self.assertEqual(" ".join(str(message["Subject"]).split()), " ".join(text.split()))

    def test_a_thousand_recipients(self) -> None:
        """A To of a thousand mailboxes is folded into short lines and reads back complete."""
        to = tuple(Mailbox(f"user{number}@example.org", f"Üser, {number}") for number in range(1000))
        composed = compose(_mail(to=to))
        self.assertLessEqual(max(map(len, join(composed.segments, {}).split(b"\r\n"))), 78)
        self.assertEqual(_mailboxes(_read(composed), "To"), [(each.email, each.name) for each in to])


class Structure(PlainTestCase):
    def test_forms_inline_images_and_attachments(self) -> None:
        """Plain, AMP, HTML with its images, a calendar: alternative in that order, within mixed beside the attachments."""
        logo, logo_bytes = _attached("logo.png", b"png", media_type="image/png", disposition="inline", content_id="logo")
        pdf, pdf_bytes = _attached("a.pdf", b"%PDF")
        loose, loose_bytes = _attached("b.gif", b"gif", media_type="image/gif", disposition="inline")
        mail = _mail(
            parts=(
                Part("text/plain", "plain"), Part("text/html", '<img src="cid:logo">'), Part("text/x-amp-html", "<html amp4email>"),
                Part("text/calendar", "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"),
            ),
            attachments=(logo, pdf, loose),
        )
        composed = compose(mail)
        self.assertEqual(object_keys(composed.segments), (logo.object_key, pdf.object_key, loose.object_key))
        message = _read(composed, {logo.object_key: logo_bytes, pdf.object_key: pdf_bytes, loose.object_key: loose_bytes})
        shape = [part.get_content_type() for part in message.walk()]
        self.assertEqual(shape, [
            "multipart/mixed", "multipart/alternative", "text/plain", "text/x-amp-html", "multipart/related", "text/html", "image/png",
            "text/calendar", "application/pdf", "image/gif",
        ])
        parts = list(message.walk())
        self.assertEqual(parts[6]["Content-ID"], "<logo>")
        self.assertEqual(parts[6].get_content_disposition(), "inline")
        self.assertEqual(parts[7].get_param("method"), "REQUEST")
        self.assertEqual(parts[9].get_content_disposition(), "inline")

    def test_the_cheapest_encoding(self) -> None:
        """ASCII goes as it is, a few other letters make quoted-printable, many make base64."""
        for text, encoding in (("plain", "7bit"), ("Viele Grüße an alle hier im Haus " * 9, "quoted-printable"), ("漢字" * 50, "base64"), ("a" * 999, "quoted-printable")):
            self.assertEqual(_read(compose(_mail(parts=(Part("text/plain", text),))))["Content-Transfer-Encoding"], encoding)

    def test_a_boundary_never_occurs_in_a_part(self) -> None:
        """A part that holds the boundary that the seed gives first makes another one."""
        first = compose(_mail(parts=(Part("text/plain", "a"), Part("text/html", "b"))))
        boundary = _read(first).get_boundary() or ""
        parts = (Part("text/plain", f"--{boundary}--\nafter"), Part("text/html", "b"))
        message = _read(compose(_mail(parts=parts)))
        self.assertNotEqual(message.get_boundary(), boundary)
        self.assertEqual(_lines(_text_of(next(message.iter_parts()))), f"--{boundary}--\nafter")

    def test_media_types_keep_their_parameters(self) -> None:
        """A calendar keeps its method; a charset that is not ours goes; what is no media type becomes a harmless one."""
        message = _read(compose(_mail(parts=(Part("text/calendar; method=CANCEL; charset=latin1", "x"),))))
        self.assertEqual(message["Content-Type"].params, {"method": "CANCEL", "charset": "utf-8"})
        self.assertEqual(_read(compose(_mail(parts=(Part("nonsense", "x"),)))).get_content_type(), "text/plain")
        for media_type, expected in (("", "application/octet-stream"), ("message/rfc822", "application/octet-stream"), ("text/csv; header=present", "text/csv")):
            attached, encoded = _attached("a", b"x", media_type=media_type)
            (found,) = _read(compose(_mail(attachments=(attached,))), {attached.object_key: encoded}).iter_attachments()
            self.assertEqual((found.get_content_type(), found.get_payload(decode=True)), (expected, b"x"))

    def test_nothing_but_an_attachment(self) -> None:
        """A mail may have no text at all, and neither text nor attachment."""
        attached, encoded = _attached("a.pdf", b"%PDF")
        message = _read(compose(_mail(parts=(), attachments=(attached,))), {attached.object_key: encoded})
        self.assertEqual([part.get_content_type() for part in message.walk()], ["multipart/mixed", "application/pdf"])
        self.assertEqual(_read(compose(_mail(parts=()))).get_content(), "")


class Header(PlainTestCase):
    def test_a_report_on_tls_is_a_report(self) -> None:
        """By its outermost type (RFC 8460 5.3)."""
        attached, encoded = _attached("a!b!1!2.json.gz", b"packed", media_type="application/tlsrpt+gzip")
        message = _read(compose(_mail(attachments=(attached,))), {attached.object_key: encoded})
        self.assertEqual([part.get_content_type() for part in message.walk()], ["multipart/report", "text/plain", "application/tlsrpt+gzip"])
        self.assertEqual(message.get_param("report-type"), "tlsrpt")

    def test_what_is_always_there(self) -> None:
        """Date is the moment given, in UTC; MIME-Version and Message-ID stand once; nobody is in Bcc."""
        message = _read(compose(_mail()))
        self.assertEqual(message["Date"], "Tue, 01 Jul 2025 10:00:00 +0000")
        self.assertEqual((message.get_all("Message-ID"), message.get_all("MIME-Version")), (["<01k@example.com>"], ["1.0"]))
        self.assertEqual(message.defects, [])

    def test_own_message_id_and_date_win(self) -> None:
        """A sender's Message-ID, with or without brackets, and Date replace ours."""
        message = _read(compose(_mail(headers={"message-id": "mine@example.net", "Date": "Mon, 30 Jun 2025 10:00:00 +0200"})))
        self.assertEqual(message.get_all("Message-ID"), ["<mine@example.net>"])
        self.assertEqual(message.get_all("Date"), ["Mon, 30 Jun 2025 10:00:00 +0200"])

    def test_fields_that_are_ours_stay_ours(self) -> None:
        """Own headers cannot repeat or replace what composing writes, nor show a Bcc."""
        names = ("From", "TO", "cc", "Bcc", "Subject", "Reply-To", "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Return-Path", "DKIM-Signature")
        mail = _mail(headers=dict.fromkeys(names, "evil@example.net"))
        self.assertNotIn(b"evil", join(compose(mail).segments, {}))

    def test_own_headers_in_order(self) -> None:
        """Own headers keep name, order and value; other letters are encoded, addresses in them stay readable."""
        headers = {"X-B": "1", "X-A": "Jörg Müller <j@example.com>", "References": " ".join(f"<{number}@example.com>" for number in range(40))}
        raw = join(compose(_mail(headers=headers)).segments, {})
        self.assertLess(raw.index(b"X-B"), raw.index(b"X-A"))
        self.assertIn(b"?= <j@example.com>\r\n", raw)
        message = message_from_bytes(raw, policy=policy.default)
        self.assertEqual({name: str(message[name]) for name in headers}, headers)

    def test_internationalised_addresses(self) -> None:
        """A domain goes out as A-labels; a local part that is not ASCII stands as UTF-8 and needs SMTPUTF8."""
        composed = compose(_mail(to=(Mailbox("bob@bücher.example", "Bücher"),)))
        self.assertFalse(composed.needs_smtputf8)
        self.assertEqual(_mailboxes(_read(composed), "To"), [("bob@xn--bcher-kva.example", "Bücher")])
        composed = compose(_mail(cc=(Mailbox("jörg@bücher.example"),)))
        self.assertTrue(composed.needs_smtputf8)
        self.assertIn("Cc: jörg@xn--bcher-kva.example\r\n".encode(), join(composed.segments, {}))

    def test_nobody_in_sight(self) -> None:
        """A mail to bcc recipients alone has an empty group in To."""
        self.assertIn(b"To: undisclosed-recipients:;\r\n", join(compose(_mail(to=())).segments, {}))


class Stored(PlainTestCase):
    def test_the_same_mail_has_the_same_bytes(self) -> None:
        """Composing twice makes no difference; another seed another boundary."""
        parts = (Part("text/plain", "é"), Part("text/html", "b"))
        self.assertEqual(compose(_mail(parts=parts)), compose(_mail(parts=parts)))
        self.assertNotEqual(compose(_mail(parts=parts)), compose(_mail(parts=parts, boundary_seed="other")))

    def test_packed_and_unpacked(self) -> None:
        """A mail comes out of the database as it went in, with its references."""
        attached, _ = _attached("a.pdf", b"x" * 100)
        for mail in (_mail(), _mail(attachments=(attached, attached))):
            segments = compose(mail).segments
            self.assertEqual(unpack(pack(segments)), segments)
        self.assertIn(ObjectRef(attached.object_key, attached.encoded_size), segments)

    def test_an_unusable_content_id_is_refused(self) -> None:
        """A content_id that cannot stand in angle brackets raises ComposeError."""
        for content_id in ("a b", "a>b", "é"):
            attached, _ = _attached("a.png", b"x", disposition="inline", content_id=content_id)
            self.assertRaises(ComposeError, compose, _mail(parts=(Part("text/html", "x"),), attachments=(attached,)))
