"""Mails as SendGrid's Inbound Parse would post them."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.inbound.form import FormFile
from scaisend.inbound.parse_form import Arrival, parse_form
from tests.base import PlainTestCase
from tests.submission.mails import mail, octets, rich_mail

ARRIVAL = Arrival("jane@x.test", ("in@parse.test", "two@parse.test"), "192.0.2.1", "pass", "{@x.test : pass}")
ALWAYS = {
    "headers", "dkim", "to", "html", "text", "from", "sender_ip", "spam_report", "envelope", "attachments", "subject", "spam_score", "charsets", "SPF",
}


def form_of(content: bytes, *, is_raw: bool = False) -> tuple[dict[str, str], list[FormFile]]:
    fields, files = parse_form(content, ARRIVAL, is_raw=is_raw)
    assert len(dict(fields)) == len(fields)
    return {name: value.decode() for name, value in fields}, files


class ParseFormTests(PlainTestCase):
    def test_plain(self) -> None:
        """Every field that is always there; text is UTF-8 whatever it came as."""
        content = mail(text="Gr\xfc\xdfe\r\n", Content_Type="text/plain; charset=iso-8859-1").decode().encode("latin-1")
        fields, files = form_of(content)
        self.assertEqual((set(fields), files), (ALWAYS, []))
        self.assertEqual((fields["text"], fields["html"], fields["attachments"]), ("Grüße\n", "", "0"))
        self.assertEqual((fields["from"], fields["to"], fields["subject"]), ("The Shop <shop@example.org>", "Jane <jane@example.com>", "Your order"))
        self.assertEqual(json.loads(fields["envelope"]), {"to": ["in@parse.test", "two@parse.test"], "from": "jane@x.test"})
        self.assertEqual((fields["sender_ip"], fields["SPF"], fields["dkim"]), ("192.0.2.1", "pass", "{@x.test : pass}"))
        self.assertTrue(fields["headers"].startswith("From: The Shop <shop@example.org>\nTo: "))
        self.assertEqual(json.loads(fields["charsets"]), dict.fromkeys(("from", "to", "subject", "text", "html"), "UTF-8"))

    def test_rich(self) -> None:
        """Files come with what is known of each; cc only where there is one."""
        message = rich_mail()
        message["Cc"] = "c@x.test"
        fields, files = form_of(octets(message))
        self.assertEqual((fields["text"], fields["cc"], fields["attachments"]), ("Grüße\n\n.punkt\n", "c@x.test", "3"))
        self.assertEqual([(each.name, each.filename, each.media_type) for each in files], [
            ("attachment1", "logo.png", "image/png"), ("attachment2", "Rechnung für Jané.pdf", "application/pdf"), ("attachment3", "list.csv", "text/csv"),
        ])
        self.assertEqual((files[0].content, files[1].content), (b"\x89PNG\x00\r\n\n", b"%PDF\x00\xff" * 50))
        info = json.loads(fields["attachment-info"])
        self.assertEqual(info["attachment1"], {"filename": "logo.png", "name": "logo.png", "type": "image/png", "content-id": "logo"})
        self.assertEqual(json.loads(fields["content-ids"]), {"logo": "attachment1"})

    def test_raw(self) -> None:
        """The whole mail in `email`, instead of what was read from it."""
        content = octets(rich_mail())
        fields, files = parse_form(content, ARRIVAL, is_raw=True)
        given_ = dict(fields)
        self.assertEqual((given_["email"], files), (content, []))
        self.assertEqual(set(given_), ALWAYS - {"headers", "text", "html", "attachments"} | {"email"})

    def test_a_mail_in_a_mail(self) -> None:
        """A forwarded mail is a file, not a source of fields."""
        message = rich_mail()
        message.add_attachment(rich_mail())
        fields, files = form_of(octets(message))
        self.assertEqual((fields["attachments"], files[3].media_type), ("4", "message/rfc822"))

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 2000), st.booleans())
    def test_nothing_breaks_it(self, noise: bytes, at: int, length: int, is_raw: bool) -> None:
        """Any octets make a form with every field."""
        whole = octets(rich_mail())
        fields, _ = parse_form(whole[:at] + noise + whole[at + length :], ARRIVAL, is_raw=is_raw)
        self.assertLessEqual({"to", "from", "subject", "envelope", "SPF", "dkim"}, set(dict(fields)))

    def test_garbage_still_has_its_words(self) -> None:
        """Lines that are no fields are passed over; a multipart without parts is a text."""
        fields, _ = form_of(b"not a field\r\nSubject: hi\r\nContent-Type: multipart/mixed\r\n\r\nhello\r\n")
        self.assertEqual((fields["subject"], fields["text"]), ("hi", "hello\n"))
