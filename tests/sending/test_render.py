"""From request to mail."""

from scaisend.content.substitutions import TooMuchText
from scaisend.sending.compose import compose, encode_attachment
from scaisend.sending.mail import Attached, Mail, Mailbox, Part
from scaisend.sending.render import RenderError, merged, own_message_id, render
from scaisend.sending.request import RecipientSpec
from tests.base import PlainTestCase

ACCEPTED_AT = 1_751_364_000.0
SHARED: dict[str, object] = {
    "from": {"email": "noreply@Bücher.example", "name": "Acme"},
    "subject": "Hello -name-",
    "content": [{"type": "text/plain", "value": "Dear -name-"}, {"type": "text/html", "value": "<body><p>Dear -name-</p></BODY></html>"}],
}


def _render(own: dict[str, object] | None = None, recipients: tuple[RecipientSpec, ...] = (), **shared: object) -> Mail:
    to = recipients or (RecipientSpec("to", "bob@example.org", None),)
    return render({**SHARED, **shared}, own or {}, to, message_id="msg_01kabc", accepted_at=ACCEPTED_AT)


class Rendered(PlainTestCase):
    def test_a_plain_request(self) -> None:
        """Sender, recipients, subject, parts and date are the request's; content is not changed without being asked."""
        mail = _render()
        self.assertEqual((mail.from_, mail.to), (Mailbox("noreply@Bücher.example", "Acme"), (Mailbox("bob@example.org"),)))
        self.assertEqual((mail.subject, mail.date_at), ("Hello -name-", ACCEPTED_AT))
        self.assertEqual(mail.parts, (Part("text/plain", "Dear -name-"), Part("text/html", "<body><p>Dear -name-</p></BODY></html>")))
        self.assertEqual(mail.message_id, "<01kabc@xn--bcher-kva.example>")
        compose(mail)

    def test_bcc_is_not_in_it(self) -> None:
        """To and Cc are shown in their order, Bcc nowhere."""
        mail = _render(None, (
            RecipientSpec("to", "a@example.org", "A"), RecipientSpec("cc", "c@example.org", None),
            RecipientSpec("bcc", "secret@example.org", "S"), RecipientSpec("to", "b@example.org", None),
        ))
        self.assertEqual(mail.to, (Mailbox("a@example.org", "A"), Mailbox("b@example.org")))
        self.assertEqual(mail.cc, (Mailbox("c@example.org"),))
        self.assertNotIn("secret", repr(mail))

    def test_own_goes_before_shared(self) -> None:
        """A personalization's from, subject and headers win, header names without regard to case."""
        own = {"from": {"email": "other@example.com"}, "subject": "Mine", "headers": {"x-a": "own", "X-C": "3"}}
        mail = _render(own, headers={"X-A": "shared", "X-B": "2"})
        self.assertEqual((mail.from_, mail.subject), (Mailbox("other@example.com"), "Mine"))
        self.assertEqual(dict(mail.headers), {"X-B": "2", "x-a": "own", "X-C": "3"})
        self.assertEqual(merged({"custom_args": {"a": "1", "b": "2"}}, {"custom_args": {"a": "3"}}, "custom_args"), {"a": "3", "b": "2"})

    def test_a_given_message_id_wins(self) -> None:
        """A Message-ID header is the mail's, with brackets added, so that events and mail agree."""
        mail = _render({"headers": {"message-ID": "mine@example.com"}})
        self.assertEqual(mail.message_id, "<mine@example.com>")
        self.assertEqual(own_message_id("msg_01k", "a@Example.COM"), "<01k@example.com>")

    def test_substitutions_and_sections(self) -> None:
        """Literal replacement in subject, reply-to, text and HTML, never in headers; values may name sections."""
        own = {"substitutions": {"-name-": "-who-", "-id-": "7"}, "headers": {"X-N": "-name-"}}
        mail = _render(own, sections={"-who-": "Ann (-id-)"}, reply_to={"email": "r+-id-@example.com", "name": "-name-"})
        self.assertEqual(mail.subject, "Hello Ann (7)")
        self.assertEqual(mail.parts[0].text, "Dear Ann (7)")
        self.assertEqual(mail.reply_to, (Mailbox("r+7@example.com", "Ann (7)"),))
        self.assertEqual(dict(mail.headers), {"X-N": "-name-"})

    def test_a_substitution_cannot_break_the_subject(self) -> None:
        """Line ends that a value brings into the subject or a name become spaces."""
        own = {"substitutions": {"-name-": "Ann\r\nBcc: evil@example.net\rx"}}
        mail = _render(own, reply_to={"email": "r@example.com", "name": "-name-"})
        self.assertEqual(mail.subject, "Hello Ann Bcc: evil@example.net x")
        self.assertEqual(mail.reply_to[0].name, "Ann Bcc: evil@example.net x")
        compose(mail)

    def test_reply_to_list(self) -> None:
        """All of reply_to_list stand in Reply-To."""
        mail = _render(reply_to_list=[{"email": "a@example.com"}, {"email": "b@example.com", "name": "B"}])
        self.assertEqual(mail.reply_to, (Mailbox("a@example.com"), Mailbox("b@example.com", "B")))

    def test_footer(self) -> None:
        """The footer follows the text, and stands before the end of the HTML body; not when it is off."""
        footer = {"enable": True, "text": "Bye", "html": "<p>Bye</p>"}
        mail = _render(mail_settings={"footer": footer})
        self.assertEqual(mail.parts[0].text, "Dear -name-\nBye")
        self.assertEqual(mail.parts[1].text, "<body><p>Dear -name-</p><p>Bye</p></BODY></html>")
        self.assertEqual(_render(mail_settings={"footer": {**footer, "enable": False}}).parts, _render().parts)
        bare = _render(mail_settings={"footer": footer}, content=[{"type": "text/html", "value": "</İ>x"}])
        self.assertEqual(bare.parts[0].text, "</İ>x<p>Bye</p>")

    def test_attachments(self) -> None:
        """Attachments are named by the object that holds them."""
        size = len(encode_attachment(b"x" * 99))
        about = {"filename": "a.png", "type": "image/png", "disposition": "inline", "content_id": "a", "size": 99, "object": "k", "encoded_size": size}
        self.assertEqual(_render(attachments=[about]).attachments, (Attached("a.png", "image/png", "inline", "a", "k", size),))


class NotRendered(PlainTestCase):
    def test_reasons(self) -> None:
        """A template without content, a missing subject or sender raise RenderError with a reason to show."""
        template_id = "d-" + "0" * 32
        for shared, said in (
            ({"template_id": template_id}, template_id), ({"subject": None}, "subject"), ({"from": None}, "sender"),
            ({"from": {"email": "a@bü cher"}}, "sender's address"), ({"template_id": "8fd9ba1b-3f1a-4f3a-9c1f-0d7d7cbb0b9c", "content": []}, "template"),
        ):
            error = self.assertRaises(RenderError, _render, None, **shared)
            self.assertIn(said, str(error))

    def test_a_substitution_bomb(self) -> None:
        """Content that substitutions would blow up beyond any mail is refused before it fills memory."""
        content = [{"type": "text/plain", "value": "x" * 1_000_000}]
        self.assertRaises(TooMuchText, _render, {"substitutions": {"x": "y" * 10_000}}, content=content)
