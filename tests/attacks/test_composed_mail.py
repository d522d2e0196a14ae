"""Header injection into composed mail: nothing that a sender writes becomes a header, a recipient, or a part of its own."""

from email import message_from_bytes, policy

from hypothesis import given, settings
from hypothesis import strategies as st

from scaisend.faults import ScaiSendError
from scaisend.sending.compose import ComposeError, compose, join
from scaisend.sending.mail import Attached, Mail, Mailbox, Part
from tests.base import PlainTestCase

EVIL = "x\r\nBcc: victim@example.net\r\n\r\n<evil>"
_EVIL = st.one_of(
    st.sampled_from([EVIL, "a\nBcc: v@example.net", "a\rBcc: v@example.net", "a\r\n .\r\nQUIT", "a\0b", "=?utf-8?q?a=0D=0ABcc:_v?="]),
    st.text(st.sampled_from("a:,;<>@\"\\ \t\r\n\0\x0b\x0c\x1c\x85\u2028é=?.-"), max_size=30),
)
_FIELDS = {"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "X-Own", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}


def _mail(**given: object) -> Mail:
    fields: dict[str, object] = {
        "from_": Mailbox("noreply@example.com"), "to": (Mailbox("bob@example.org"),), "subject": "s", "date_at": 0.0,
        "message_id": "<a@example.com>", "boundary_seed": "seed", "parts": (Part("text/plain", "a"), Part("text/html", "b")),
    }
    return Mail(**{**fields, **given})  # type: ignore[arg-type]


class Injection(PlainTestCase):
    def test_line_ends_are_refused_everywhere(self) -> None:
        """CR, LF and NUL in any value of the header raise ComposeError; none is silently dropped or sent."""
        for evil in ("a\rb", "a\nb", "a\r\nb", "a\0b", "é\nb", "x" * 200 + "\n"):
            image = Attached("a", "image/png", "inline", "c", "k", 1)
            for given_ in (
                {"subject": evil}, {"message_id": f"<{evil}>"}, {"from_": Mailbox("a@example.com", evil)}, {"to": (Mailbox(evil),)},
                {"to": (Mailbox(f"{evil}@example.com", "n"),)}, {"cc": (Mailbox("a@example.com", evil),)},
                {"reply_to": (Mailbox("a@example.com", evil),)}, {"headers": {"X-Own": evil}}, {"headers": {evil: "x"}},
                {"headers": {"Message-ID": evil}}, {"headers": {"Date": evil}}, {"headers": {"X-Own: y\r\nBcc": "x"}},
                {"attachments": (Attached(evil, "image/png", "attachment", None, "k", 1),)},
                {"attachments": (Attached("a", "image/png", "inline", evil, "k", 1), image)},
            ):
                self.assertRaises(ComposeError, compose, _mail(**given_))

    def test_header_names(self) -> None:
        """A name with a colon, a space or a control character is refused."""
        for name in ("", "X Own", "X:Own", "X\tOwn", "Ü", "X-Own "):
            self.assertRaises(ComposeError, compose, _mail(headers={name: "x"}))

    def test_media_types_bring_no_fields(self) -> None:
        """A media type with line ends becomes a harmless one."""
        for media_type in ("text/plain\r\nBcc: v@example.net", "text/calendar; method=\r\nBcc: v@example.net", "text/x; a=\"\r\nBcc: v\""):
            attached = Attached("a", media_type, "attachment\r\nBcc: v@example.net", None, "k", 3)
            raw = join(compose(_mail(parts=(Part(media_type, "x"),), attachments=(attached,))).segments, {"k": b"x\r\n"})
            self.assertNotIn(b"Bcc", raw)

    @settings(deadline=None, max_examples=400)
    @given(_EVIL, _EVIL, _EVIL, _EVIL, _EVIL)
    def test_only_known_fields_come_out(self, subject: str, name: str, own: str, text: str, address: str) -> None:
        """Whatever goes in, a mail that comes out has the fields, recipients and parts that it should, and canonical lines."""
        try:
            composed = compose(_mail(
                subject=subject, to=(Mailbox("bob@example.org", name), Mailbox(address or "a@example.org")), headers={"X-Own": own},
                parts=(Part("text/plain", text), Part("text/html", name)),
            ))
        except ScaiSendError:
            return
        raw = join(composed.segments, {})
        bare = raw.replace(b"\r\n", b"")
        self.assertTrue(b"\r" not in bare and b"\n" not in bare and b"\0" not in bare)
        message = message_from_bytes(raw, policy=policy.default)
        self.assertLessEqual(set(message.keys()), _FIELDS)
        self.assertEqual(len(message.keys()), len(set(message.keys())))
        self.assertEqual([part.get_content_type() for part in message.walk()], ["multipart/alternative", "text/plain", "text/html"])

    def test_names_cannot_become_addresses(self) -> None:
        """A display name that spells an address list stays a name."""
        raw = join(compose(_mail(to=(Mailbox("bob@example.org", 'x" <victim@example.net>, "y'),))).segments, {})
        self.assertEqual([each.addr_spec for each in message_from_bytes(raw, policy=policy.default)["To"].addresses], ["bob@example.org"])
