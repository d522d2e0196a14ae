"""CR, LF and NUL in whatever becomes a header are refused, each with its field."""

from collections.abc import Callable

from tests.base import PlainTestCase
from tests.sending.bodies import body, faults_of, personal, read

TO = [{"email": "jane@example.com"}]
ATTACHMENT = {"content": "aGk=", "filename": "a.txt"}

# field of the fault, and the body that the evil text makes
PLACES: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("subject", lambda evil: body(subject=evil)),
    ("personalizations.0.subject", lambda evil: personal(subject=evil)),
    ("from.name", lambda evil: body(**{"from": {"email": "a@example.org", "name": evil}})),
    ("from.email", lambda evil: body(**{"from": {"email": f"a{evil}@example.org"}})),
    ("personalizations.0.from.name", lambda evil: personal(**{"from": {"email": "a@example.org", "name": evil}})),
    ("personalizations.0.from.email", lambda evil: personal(**{"from": {"email": f"a@example.org{evil}"}})),
    ("reply_to.name", lambda evil: body(reply_to={"email": "a@example.org", "name": evil})),
    ("reply_to.email", lambda evil: body(reply_to={"email": evil + "a@example.org"})),
    ("reply_to_list.1.name", lambda evil: body(reply_to_list=[{"email": "a@example.org"}, {"email": "b@example.org", "name": evil}])),
    ("personalizations.0.to.0.name", lambda evil: body(personalizations=[{"to": [{"email": "a@example.org", "name": evil}]}])),
    ("personalizations.0.to.0.email", lambda evil: body(personalizations=[{"to": [{"email": f'"{evil}"@example.org'}]}])),
    ("personalizations.0.cc.0.name", lambda evil: personal(cc=[{"email": "a@example.org", "name": evil}])),
    ("personalizations.0.bcc.0.email", lambda evil: personal(bcc=[{"email": f"a{evil}@example.org"}])),
    ("headers", lambda evil: body(headers={f"X-A{evil}": "1"})),
    ("headers.X-A", lambda evil: body(headers={"X-A": evil})),
    ("personalizations.0.headers", lambda evil: personal(headers={f"{evil}X-A": "1"})),
    ("personalizations.0.headers.X-A", lambda evil: personal(headers={"X-A": evil})),
    ("categories.0", lambda evil: body(categories=[evil])),
    ("content.0.type", lambda evil: body(content=[{"type": f"text/plain{evil}", "value": "x"}])),
    ("attachments.0.filename", lambda evil: body(attachments=[{**ATTACHMENT, "filename": evil}])),
    ("attachments.0.type", lambda evil: body(attachments=[{**ATTACHMENT, "type": f"text/plain{evil}"}])),
    ("attachments.0.disposition", lambda evil: body(attachments=[{**ATTACHMENT, "disposition": f"inline{evil}"}])),
    ("attachments.0.content_id", lambda evil: body(attachments=[{**ATTACHMENT, "content_id": evil}])),
    ("batch_id", lambda evil: body(batch_id=f"a{evil}")),
    ("template_id", lambda evil: body(template_id=f"d-{'0' * 32}{evil}")),
)


class HeaderInjectionTests(PlainTestCase):
    def test_everywhere(self) -> None:
        """Each field refuses each of CR, LF and NUL, alone and with a header behind it, at the start, within and at the end."""
        for field, make in PLACES:
            for evil in ("\r", "\n", "\0", "x\r\nBcc: eve@example.net\r\n", "x\n\n<html>", "x\0y", "\r\n ", "x\n"):
                self.assertEqual([each.field for each in faults_of(make(evil))], [field], f"{field} {evil!r}")

    def test_harmless(self) -> None:
        """Text that only looks odd is taken: tabs, other scripts, emoji with joiners, separators that end no line of mail."""
        for odd in ("a\tb", "Grüße 👨‍👩‍👧", "a\u2028b", "a\x85b", "=?utf-8?q?=0D=0A?=", "a, b; <c> \"d\""):
            read(body(subject=odd, headers={"X-A": odd}, reply_to={"email": "a@example.org", "name": odd}))

    def test_reserved(self) -> None:
        """Headers that the service writes itself cannot be given, in whatever case, for all or for one."""
        for name in ("To", "tO", "FROM", "Subject", "reply-to", "CC", "bcc", "Content-Type", "content-transfer-encoding", "Received", "DKIM-Signature", "X-SG-ID", "x-sg-eid"):
            self.assertEqual([each.message for each in faults_of(body(headers={name: "x"}))], ["Header can not be one of the reserved keys."])
            self.assertEqual([each.message for each in faults_of(personal(headers={name: "x"}))], ["Header cannot be one of the reserved keys."])

    def test_names(self) -> None:
        """A header's name holds no colon, blank, control or non-ASCII character, and is neither empty nor endless."""
        for name in ("", "X A", "X:A", "X-A:", "To : x", "Ü", "X\tA", "X\x7f", "x" * 256):
            self.assertEqual([each.field for each in faults_of(body(headers={name: "x"}))], ["headers"], name)
