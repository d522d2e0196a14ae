"""Mails → send requests, checked by the reader of send requests."""

import json
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import Invalid
from scaisend.submission.message import read_submission
from tests.base import PlainTestCase
from tests.submission.mails import b64, checked, mail, octets, request_of, rich_mail


def smtpapi(**given_: object) -> str:
    return json.dumps(given_)


class RecipientTests(PlainTestCase):
    def people(self, content: bytes, *recipients: str) -> list[dict[str, list[str]]]:
        return [{kind: [box["email"] for box in boxes] for kind, boxes in each.items()} for each in request_of(content, *recipients)["personalizations"]]

    def test_who_is_shown(self) -> None:
        """The envelope decides who gets it; To and Cc who of them is shown; the rest are bcc, and the Bcc field is gone."""
        content = mail(to="A <a@x.test>, absent@x.test", Cc="c@x.test", Bcc="d@x.test")
        self.assertEqual(self.people(content, "d@x.test", "A@x.test", "c@x.test"), [{"to": ["A@x.test"], "cc": ["c@x.test"], "bcc": ["d@x.test"]}])
        self.assertNotIn("absent", json.dumps(request_of(content, "a@x.test")))
        self.assertNotIn("Bcc", request_of(content, "a@x.test").get("headers", {}))
        checked(content, "d@x.test", "a@x.test", "c@x.test")

    def test_nobody_learns_of_the_hidden(self) -> None:
        """Where To and Cc name nobody of the envelope, each one gets a mail of its own."""
        content = mail(to="undisclosed-recipients:;")
        self.assertEqual(self.people(content, "a@x.test", "b@x.test"), [{"to": ["a@x.test"]}, {"to": ["b@x.test"]}])
        self.assertEqual(self.people(mail(to="list@x.test", Cc="c@x.test"), "a@x.test", "c@x.test"), [{"to": ["c@x.test"], "bcc": ["a@x.test"]}])

    def test_a_recipient_given_twice(self) -> None:
        """Twice in the envelope, or in To and Cc, it gets one mail."""
        self.assertEqual(self.people(mail(to="a@x.test", Cc="A@x.test"), "a@x.test", "A@X.test"), [{"to": ["A@X.test"]}])

    def test_smtpapi_to(self) -> None:
        """`to` replaces the envelope's recipients: a private copy each, with its own values."""
        header = smtpapi(to=["Ann <a@x.test>", "b@x.test"], sub={"-n-": ["Ann", "Bo"]}, unique_args={"who": "-n-", "k": "v"}, send_each_at=[1_800_000_100, 1_800_000_200])
        made = request_of(mail(text="Hi -n-\r\n", X_SMTPAPI=header), "ignored@x.test")["personalizations"]
        self.assertEqual(made, [
            {"to": [{"email": "a@x.test", "name": "Ann"}], "substitutions": {"-n-": "Ann"}, "custom_args": {"who": "Ann", "k": "v"}, "send_at": 1_800_000_100},
            {"to": [{"email": "b@x.test"}], "substitutions": {"-n-": "Bo"}, "custom_args": {"who": "Bo", "k": "v"}, "send_at": 1_800_000_200},
        ])
        self.assertEqual([each.send_at for each in checked(mail(X_SMTPAPI=header)).messages], [1_800_000_100, 1_800_000_200])

    def test_lists_that_do_not_line_up(self) -> None:
        """A recipient without its value is a fault: it would get somebody else's mail, or a tag."""
        for more in ({"sub": {"-n-": ["Ann"]}}, {"send_each_at": [1]}):
            self.assertRaises(Invalid, request_of, mail(X_SMTPAPI=smtpapi(to=["a@x.test", "b@x.test"], **more)))


class ContentTests(PlainTestCase):
    def test_plain(self) -> None:
        """A plain mail."""
        made = request_of(mail(Reply_To="help@example.org", X_Kept="1", Message_ID="<a@b>", Date="Mon, 1 Jan 2024 00:00:00 +0000"))
        self.assertEqual(made["from"], {"email": "shop@example.org", "name": "The Shop"})
        self.assertEqual((made["subject"], made["reply_to"]), ("Your order", {"email": "help@example.org"}))
        self.assertEqual(made["content"], [{"type": "text/plain", "value": "It is on its way.\n"}])
        self.assertEqual(made["headers"], {"X-Kept": "1", "Message-ID": "<a@b>", "Date": "Mon, 1 Jan 2024 00:00:00 +0000"})

    def test_rich(self) -> None:
        """Forms of the text become content, what is shown in the HTML is inline, files keep names and types."""
        content = octets(rich_mail())
        made = request_of(content)
        self.assertEqual([(each["type"], each["value"]) for each in made["content"]], [
            ("text/plain", "Grüße\n\n.punkt\n"), ("text/html", '<p>Grüße <img src="cid:logo"></p>\n'),
        ])
        image, pdf, csv = made["attachments"]
        self.assertEqual(image, {"type": "image/png", "filename": "logo.png", "disposition": "inline", "content_id": "logo", "content": b64(b"\x89PNG\x00\r\n\n")})
        self.assertEqual((pdf["filename"], pdf["disposition"], pdf["content"]), ("Rechnung für Jané.pdf", "attachment", b64(b"%PDF\x00\xff" * 50)))
        self.assertEqual((csv["type"], csv["content"]), ("text/csv; charset=utf-8", b64(b"a;b\r\n")))
        self.assertEqual(made["subject"], ("Bestätigung " + "lang " * 30).strip())
        self.assertEqual([each.filename for each in checked(content).attachments], ["logo.png", "Rechnung für Jané.pdf", "list.csv"])

    def test_more_forms(self) -> None:
        """Other forms of the text stand after the HTML, whatever their order was; a calendar is one."""
        message = MIMEMultipart("alternative")
        for text, kind in (("a", "plain"), ("BEGIN:VCALENDAR\nMETHOD:REQUEST\n", "calendar"), ("<p>", "html")):
            message.attach(MIMEText(text, kind))
        message["From"], message["Subject"] = "shop@example.org", "x"
        content = octets(message)
        self.assertEqual([each["type"] for each in request_of(content)["content"]], ["text/plain", "text/html", "text/calendar"])
        checked(content)

    def test_a_second_text(self) -> None:
        """A text after the text, as mailing lists add one, is shown inline; a text that is a file is a file."""
        message = MIMEMultipart()
        message["From"], message["Subject"] = "shop@example.org", "x"
        for each in ("one", "two"):
            message.attach(MIMEText(each))
        file = MIMEText("three")
        file["Content-Disposition"] = "attachment"
        message.attach(file)
        made = request_of(octets(message))
        self.assertEqual([each["value"] for each in made["content"]], ["one"])
        self.assertEqual([each["disposition"] for each in made["attachments"]], ["inline", "attachment"])
        checked(octets(message))

    def test_a_mail_within(self) -> None:
        """A forwarded mail is a file."""
        message = EmailMessage()
        message["From"], message["Subject"] = "shop@example.org", "x"
        message.set_content("see")
        message.add_attachment(rich_mail())
        (file,) = request_of(octets(message))["attachments"]
        self.assertEqual((file["type"], file["filename"]), ("message/rfc822", "message.eml"))

    def test_empty(self) -> None:
        """A mail without text has an empty line; one that is a file alone too."""
        self.assertEqual(request_of(mail(text=""))["content"], [{"type": "text/plain", "value": "\n"}])
        file = mail(text="JVBERg==", Content_Type="application/pdf", Content_Transfer_Encoding="base64")
        self.assertEqual((request_of(file)["content"][0]["value"], request_of(file)["attachments"][0]["content"]), ("\n", "JVBERg=="))
        template = mail(text="", Content_Type="application/pdf", X_SMTPAPI=smtpapi(filters={"templates": {"settings": {"template_id": "d-" + "0" * 32}}}))
        self.assertNotIn("content", request_of(template))

    def test_a_wrapper(self) -> None:
        """The filter `template` puts the HTML into its own."""
        header = smtpapi(filters={"template": {"settings": {"enable": 1, "text/html": "<b><% body %></b>"}}})
        self.assertEqual(request_of(mail(text="<p>", Content_Type="text/html", X_SMTPAPI=header))["content"][0]["value"], "<b><p></b>")

    def test_what_would_break(self) -> None:
        """Mails that are signed or encrypted as a whole are refused; nesting without end is."""
        for kind in ("multipart/signed", "multipart/encrypted", "application/pkcs7-mime"):
            self.assertRaises(Invalid, request_of, mail(text="--b\r\n\r\nx\r\n--b--\r\n", Content_Type=f'{kind}; boundary="b"'))
        nested = "x"
        for number in range(30):
            nested = f"Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n{nested}\r\n--b{number}--"
        self.assertRaises(Invalid, request_of, nested.encode())

    def test_senders(self) -> None:
        """Several senders are a fault; without From the envelope's sender stands for it; without either it is the reader's fault to tell."""
        self.assertRaises(Invalid, request_of, mail(From="a@x.test, b@x.test"))
        self.assertEqual(request_of(mail(From=""))["from"], {"email": "bounce@example.org"})
        self.assertNotIn("from", request_of(mail(From=""), sender=""))

    def test_headers_cannot_be_injected(self) -> None:
        """A CR or LF that hides in an encoded word is found by the reader, in every field."""
        evil = "=?utf-8?q?x=0D=0ABcc:_v@x.test?="
        for field in ("Subject", "X_Own", "From", "Reply_To"):
            value = evil if field in ("Subject", "X_Own") else f"{evil} <shop@example.org>"
            self.assertRaises(Invalid, checked, mail(**{field: value}))
        self.assertRaises(Invalid, checked, mail(X_SMTPAPI=smtpapi(category="a\r\nb")))

    def test_twins_of_headers(self) -> None:
        """Of a field that stands twice the first counts: a request has each name once. Of X-SMTPAPI too."""
        made = request_of(b"X-A: 1\r\nx-a: 2\r\nX-SMTPAPI: {\"category\": \"one\"}\r\nX-SMTPAPI: {\"category\": \"two\"}\r\n" + mail())
        self.assertEqual((made["headers"], made["categories"]), ({"X-A": "1"}, ["one"]))

    def test_likeness(self) -> None:
        """With an Idempotency-Key, another Message-ID and Date make the same mail; another text does not."""
        def likeness(**fields: str) -> tuple[str | None, bytes]:
            read = read_submission(mail(Idempotency_Key="k1", **fields), "s@x.test", ["jane@example.com"])
            return read.key, read.likeness

        self.assertEqual(likeness(Message_ID="<a@b>", Date="1"), likeness(Message_ID="<c@d>", Date="2"))
        self.assertNotEqual(likeness(Subject="other"), likeness())
        self.assertNotIn("Idempotency-Key", request_of(mail(Idempotency_Key="k1")).get("headers", {}))

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=100), st.integers(0, 2000), st.integers(0, 300))
    def test_nothing_breaks_it(self, noise: bytes, at: int, length: int) -> None:
        """A garbled mail is a request that can be judged, or a fault."""
        whole = octets(rich_mail())
        try:
            checked(whole[:at] + noise + whole[at + length :])
        except Invalid:
            pass
