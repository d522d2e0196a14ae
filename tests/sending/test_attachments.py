from base64 import b64encode, encodebytes, urlsafe_b64encode

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.base import PlainTestCase
from tests.sending.bodies import body, fault, faults_of, read

CONTENT = b64encode(b"hello").decode()


class AttachmentTests(PlainTestCase):
    @settings(deadline=None)
    @given(st.binary(min_size=1))
    def test_content(self, content: bytes) -> None:
        """Base64 is decoded byte for byte, in one line or in many."""
        for encoded in (b64encode(content).decode(), encodebytes(content).decode(), encodebytes(content).decode().replace("\n", "\r\n")):
            self.assertEqual(read(body(attachments=[{"content": encoded, "filename": "a"}])).attachments[0].content, content)

    def test_not_base64(self) -> None:
        """Other alphabets, data URLs, missing and surplus padding are refused."""
        expected = [fault("The attachment content must be base64 encoded.", "attachments.0.content", "message.attachments.content")]
        urlsafe = urlsafe_b64encode(b"\xfb\xff\xfe").decode()
        for content in (urlsafe, f"data:text/plain;base64,{CONTENT}", CONTENT.rstrip("="), CONTENT + "=", "aGk=aGk=", "aG k=", "ü", "=", "a", "aGk\0"):
            self.assertEqual(faults_of(body(attachments=[{"content": content, "filename": "a"}])), expected, content)

    def test_words(self) -> None:
        """Each field is told in SendGrid's words."""
        good = {"content": CONTENT, "filename": "a"}
        for change, field, message in (
            ({"content": ""}, "content", "The attachment content must be a string at least one character in length."),
            ({"content": 5}, "content", "The attachment content must be a string at least one character in length."),
            ({"filename": None}, "filename", "The filename of your attachment must be a string."),
            ({"type": ""}, "type", "The attachment type must be a string and at least one character in length."),
            ({"type": None}, "type", "The attachment type must be a string and at least one character in length."),
            ({"disposition": "Inline"}, "disposition", "The disposition of your attachment can be either 'inline' or 'attachment'."),
            ({"disposition": None}, "disposition", "The disposition of your attachment can be either 'inline' or 'attachment'."),
            ({"content_id": 5}, "content_id", "The content ID of your attachment must be a string. You provided integer."),
        ):
            self.assertEqual(faults_of(body(attachments=[{**good, **change}])), [fault(message, f"attachments.0.{field}", f"message.attachments.{field}")])

    def test_needed(self) -> None:
        """Content and filename are needed, and both are told."""
        self.assertEqual(
            faults_of(body(attachments=[{"content": CONTENT, "filename": ""}, {}])),
            [
                fault("The attachment content is required.", "attachments.1.content", "message.attachments.content"),
                fault("filename is required.", "attachments.1.filename", "message.attachments.filename"),
            ],
        )
        self.assertEqual([each.field for each in faults_of(body(attachments=["x"]))], ["attachments.0"])

    def test_media_types(self) -> None:
        """A given media type is kept with its parameters; what is none gives way to what the file's name says."""
        for kind, filename, expected in (
            ("application/pdf", "a.txt", "application/pdf"), ("text/calendar; method=REQUEST", "a.ics", "text/calendar; method=REQUEST"),
            ("pdf", "a.PDF", "application/pdf"), ("text/pläin", "a.txt", "text/plain"), ("x", "Rechnung März, 2026; neu.xyz", "application/octet-stream"),
        ):
            (attachment,) = read(body(attachments=[{"content": CONTENT, "filename": filename, "type": kind}])).attachments
            self.assertEqual((attachment.type, attachment.filename), (expected, filename))
        (untyped,) = read(body(attachments=[{"content": CONTENT, "filename": "a.png"}])).attachments
        self.assertEqual((untyped.type, untyped.disposition, untyped.content_id), ("image/png", "attachment", None))
