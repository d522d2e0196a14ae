"""What SendGrid's validator was seen to answer, word by word: message, field and the end of its help."""

from collections.abc import Mapping
from typing import Any

from tests.base import PlainTestCase
from tests.sending.bodies import ABSENT, DYNAMIC, HELP, LEGACY, body, faults_of, personal

TO = [{"email": "jane@example.com"}]
FILE = {"content": "aGk=", "filename": "a"}
Row = tuple[bytes, str, str | None, str | None]


def whole(**fields: object) -> bytes:
    """A request whose personalizations are these alone."""
    return body(personalizations=[fields])


SEEN: tuple[Row, ...] = (
    (whole(to=[{"email": ["x"]}]), "Invalid type. Expected: string, given: array.", "personalizations.0.to.0.email", "message.personalizations.to"),
    (body(**{"from": "a@example.org"}), "Invalid type. Expected: object, given: string.", "from", "message.from"),
    (whole(to=["a@example.org"]), "Invalid type. Expected: object, given: string.", "personalizations.0.to.0", "message.personalizations.to"),
    (body(content=["x"]), "Invalid type. Expected: object, given: string.", "content.0", "message.content"),
    (body(personalizations=[None]), "Invalid type. Expected: object, given: null.", "personalizations.0", None),
    (personal(bcc=None), "Invalid type. Expected: array, given: null.", "personalizations.0.bcc", "message.personalizations.bcc"),
    (body(content={"type": "text/plain"}), "Invalid type. Expected: array, given: object.", "content", "message.content"),
    (body(custom_args=[]), "Invalid type. Expected: object, given: array.", "custom_args", "message.custom_args"),
    (body(reply_to=[]), "Invalid type. Expected: object, given: array.", "reply_to", "message.reply_to"),
    (body(category="x"), "Additional property category is not allowed.", "category", None),
    (whole(to=[{"email": "a@example.org", "x": 1}]), "Additional property x is not allowed.", "personalizations.0.to.0.x", None),
    (whole(to=[{"email": "nobody"}]), "Does not contain a valid address.", "personalizations.0.to.0.email", "message.personalizations.to"),
    (personal(cc=[{"email": "nobody"}]), "Does not contain a valid address.", "personalizations.0.cc.0.email", "message.personalizations.cc"),
    (personal(bcc=[{"email": "@"}]), "Does not contain a valid address.", "personalizations.0.bcc.0.email", "message.personalizations.bcc"),
    (body(**{"from": {"email": "nobody"}}), "The from email does not contain a valid address.", "from.email", "message.from"),
    (
        body(**{"from": ABSENT}), "The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain "
        'a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.', "from.email", "message.from",
    ),
    (body(personalizations=ABSENT), "The personalizations field is required and must have at least one personalization.", "personalizations", "-Personalizations-Errors"),
    (body(personalizations=[]), "The personalizations field is required and must have at least one personalization.", "personalizations", "-Personalizations-Errors"),
    (
        body(personalizations=[{"subject": "x"}]), "The to array is required for all personalization objects, and must have at least one email object with a valid "
        "email address.", "personalizations.0.to", "message.personalizations.to",
    ),
    (
        body(personalizations=[{"to": [{"email": f"{n}@example.com"}]} for n in range(1_001)]), "The personalization block is limited to 1000 personalizations per "
        "API request. You have provided 1001 personalizations. Please consider splitting this into multiple requests and resending your request.",
        "personalizations", "message.personalizations",
    ),
    (
        personal(cc=[{"email": "JANE@example.com"}]), "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first "
        "duplicate instance of [JANE@example.com] in the personalizations.0.cc field.", "personalizations.0", "message.recipient-errors",
    ),
    (
        body(subject=ABSENT), "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization "
        "has a subject defined.", "subject", "message.subject",
    ),
    (
        body(content=ABSENT), "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We "
        "typically suggest both text/plain and text/html blocks are included, but only one block is required.", "content", "message.content",
    ),
    (body(content=[{"type": "text/plain", "value": ""}]), "The content value must be a string at least one character in length.", "content.0.value", "message.content.value"),
    (
        body(content=[{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]), "Following RFC 1341, section 7.2, if either text/html or text/plain "
        "are to be sent in your email: text/plain needs to be first, followed by text/html, followed by any other content.", "content", "message.content",
    ),
    (body(attachments=[{**FILE, "content": "-_"}]), "The attachment content must be base64 encoded.", "attachments.0.content", "message.attachments.content"),
    (body(attachments=[{**FILE, "content": "data:text/plain;base64,aGk="}]), "The attachment content must be base64 encoded.", "attachments.0.content", "message.attachments.content"),
    (body(attachments=[{"filename": "a"}]), "The attachment content is required.", "attachments.0.content", "message.attachments.content"),
    (
        body(attachments=[{**FILE, "disposition": "x"}]), "The disposition of your attachment can be either 'inline' or 'attachment'.", "attachments.0.disposition",
        "message.attachments.disposition",
    ),
    (body(template_id="x"), "The template_id must be a valid GUID, you provided 'x'.", "template_id", "message.template_id"),
    (personal(dynamic_template_data={"a": 1}), "The template_id is required when using dynamic templates", "template_id", "message.template_id"),
    (
        body(template_id=LEGACY, personalizations=[{"to": TO, "dynamic_template_data": {"a": 1}}]), "Cannot use dynamic template data with a legacy template ID",
        "personalizations.0.dynamic_template_data", "message.personalizations.dynamic_template_data",
    ),
    (
        body(template_id=DYNAMIC, personalizations=[{"to": TO, "substitutions": {"a": "b"}}]), "Substitutions may not be used with dynamic templating",
        "personalizations.0.substitutions", "message.personalizations.substitutions",
    ),
    (body(mail_settings={"sandbox_mode": {"enable": "x"}}), "The sandbox mode enable param should be a boolean value.", "mail_settings.sandbox_mode.enable", "message.mail_settings.sandbox_mode.enable"),
)
WRITTEN: Mapping[str, tuple[bytes, str]] = {
    "There is a limit of 1000 total recipients (to + cc + bcc) per request.": (
        body(personalizations=[{"to": [{"email": f"{n}.{m}@example.com"} for n in range(501)]} for m in range(2)]), "personalizations",
    ),
    "The To email exceeds the maximum total length of 320 characters": (whole(to=[{"email": "a@" + "b" * 320 + ".com"}]), "personalizations.0.to.0.email"),
    "The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization.": (
        body(custom_args={"a": "x" * 10_001}), "custom_args",
    ),
    "The headers cannot contain duplicate keys.": (body(headers={"X-A": "1", "x-a": "2"}), "headers"),
    "Header can not be one of the reserved keys.": (body(headers={"Subject": "x"}), "headers"),
    "Header cannot be one of the reserved keys.": (personal(headers={"dkim-SIGNATURE": "x"}), "personalizations.0.headers"),
    "The send_at parameter is expecting a Unix timestamp as an integer. We will send immediately if you include a send_at timestamp that is in the past.": (
        body(send_at="tomorrow"), "send_at",
    ),
    "Scheduling more than 72 hours in advance is forbidden.": (body(send_at=1_900_000_000), "send_at"),
    "The ASM group ID must be an integer.": (body(asm={"group_id": "1"}), "asm.group_id"),
    "The ASM Group IDs to display must be an array of integers.": (body(asm={"group_id": 1, "groups_to_display": ["x"]}), "asm.groups_to_display"),
    "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time.": (
        body(asm={"group_id": 1, "groups_to_display": list(range(26))}), "asm.groups_to_display",
    ),
    "filename is required.": (body(attachments=[{"content": "aGk="}]), "attachments.0.filename"),
    "The filename of your attachment cannot contain CRLF characters.": (body(attachments=[{**FILE, "filename": "a\r\nb"}]), "attachments.0.filename"),
    "The content ID of your attachment cannot contain CRLF characters.": (body(attachments=[{**FILE, "content_id": "a\nb"}]), "attachments.0.content_id"),
    "There is a limit of 10 categories for each email that is sent. You provided 11 categories.": (body(categories=[str(n) for n in range(11)]), "categories"),
    "The categories must be a unique list, and you have included a more than once. ": (body(categories=["a", "a"]), "categories"),
    "Categories can not contain non-ASCII characters.": (body(categories=["ä"]), "categories"),
    "A content type is required, this tells email clients how to display the email.": (body(content=[{"value": "x"}]), "content.0.type"),
    "A content value is required, this is the content of the email you are sending.": (body(content=[{"type": "text/plain"}]), "content.0.value"),
    "The click tracking enable param should be a boolean value.": (
        body(tracking_settings={"click_tracking": {"enable": "x"}}), "tracking_settings.click_tracking.enable",
    ),
    "The open tracking substitution tag must be a string.": (
        body(tracking_settings={"open_tracking": {"substitution_tag": 1}}), "tracking_settings.open_tracking.substitution_tag",
    ),
    "The Google Analytics enable param must be a boolean value.": (body(tracking_settings={"ganalytics": {"enable": 1}}), "tracking_settings.ganalytics.enable"),
}


class SendGridsWords(PlainTestCase):
    def test_what_was_seen(self) -> None:
        """Message, field and help of each answer that was quoted from the live service."""
        self.maxDiff: Any = None
        for given, message, field, anchor in SEEN:
            found = faults_of(given)[0]
            self.assertEqual((found.message, found.field, found.help), (message, field, None if anchor is None else HELP + anchor))

    def test_what_is_written(self) -> None:
        """Message and field of what the documentation says."""
        for message, (given, field) in WRITTEN.items():
            found = faults_of(given)[0]
            self.assertEqual((found.message, found.field), (message, field))

    def test_what_is_not_read_at_all(self) -> None:
        """One bare `Bad Request` for broken JSON, and for values of a type that no string can be made of."""
        for given in (
            b"", b"{", b"false", b"[]", b'"x"', body(custom_args={"a": 1}), personal(substitutions={"a": True}), body(headers={"X-A": 5}), personal(custom_args={"a": {}}),
        ):
            (found,) = faults_of(given)
            self.assertEqual((found.message, found.field, found.help), ("Bad Request", None, None), given)
        self.assertRaises(AssertionError, faults_of, personal(substitutions={"a": None}))
