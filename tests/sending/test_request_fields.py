from scaisend.sending import request_faults as say
from scaisend.sending.request_fields import HORIZON_S
from tests.base import PlainTestCase
from tests.sending.bodies import DYNAMIC, LEGACY, NOW, body, fault, faults_of, read

PLAIN = {"type": "text/plain", "value": "x"}
HTML = {"type": "text/html", "value": "<p>x"}


class FieldTestCase(PlainTestCase):
    def refused(self, field: str, anchor: str | None, *cases: tuple[object, str], of: str = "") -> None:
        """Each value of the root's field is refused with exactly this message."""
        for value, message in cases:
            self.assertEqual(faults_of(body(**{of or field: value})), [fault(message, field, anchor)], repr(value)[:80])


class SendAtTests(FieldTestCase):
    def test_refused(self) -> None:
        """send_at is whole seconds, 72 hours ahead at most."""
        self.refused("send_at", "message.send_at", *((value, say.SEND_AT) for value in ("1800000000", 1.5, True, None, [], 10**30)))
        self.refused("send_at", "message.send_at", (int(NOW) + HORIZON_S + 1, "Scheduling more than 72 hours in advance is forbidden."))

    def test_taken(self) -> None:
        """The horizon itself is taken; what has passed is now."""
        self.assertEqual(read(body(send_at=int(NOW) + HORIZON_S)).messages[0].send_at, int(NOW) + HORIZON_S)
        for past in (0, -5, int(NOW)):
            self.assertEqual(read(body(send_at=past)).messages[0].send_at, None)


class ContentTests(FieldTestCase):
    def test_blocks(self) -> None:
        """Each block has a media type and a value."""
        for block, message, field in (
            ({"type": "text/plain", "value": ""}, "The content value must be a string at least one character in length.", "value"),
            ({"type": "text/plain", "value": None}, "The content value must be a string at least one character in length.", "value"),
            ({"type": "text/plain"}, say.CONTENT_VALUE_NEEDED, "value"),
            ({"value": "x"}, say.CONTENT_TYPE_NEEDED, "type"),
            ({"type": "", "value": "x"}, say.CONTENT_TYPE, "type"),
            ({"type": 1, "value": "x"}, say.CONTENT_TYPE, "type"),
            ({"type": "text/plain; charset=utf-8", "value": "x"}, "Cannot contain ';', or CRLF characters.", "type"),
            ({"type": "text", "value": "x"}, say.CONTENT_TYPE_MEDIA, "type"),
        ):
            self.assertEqual(faults_of(body(content=[block])), [fault(message, f"content.0.{field}", f"message.content.{field}")])
        self.refused("content.0", "message.content", (["x"], "Invalid type. Expected: object, given: string."), of="content")
        self.refused("content", "message.content", ({"type": "text/plain"}, "Invalid type. Expected: array, given: object."))

    def test_order(self) -> None:
        """text/plain comes first, then text/html, then all others."""
        amp, calendar = {"type": "text/x-amp-html", "value": "x"}, {"type": "text/calendar", "value": "x"}
        self.assertEqual(len(read(body(content=[PLAIN, HTML, amp, calendar])).shared["content"]), 4)
        for blocks in ([HTML, PLAIN], [amp, HTML], [calendar, PLAIN], [PLAIN, amp, HTML]):
            self.refused("content", "message.content", (blocks, say.CONTENT_ORDER))

    def test_once(self) -> None:
        """text/plain and text/html come once at most, whatever their case."""
        message = "If present, text/plain and text/html may only be provided once."
        self.refused("content", None, ([PLAIN, PLAIN], message), ([HTML, {**HTML, "type": "TEXT/HTML"}], message))


class TemplateTests(FieldTestCase):
    def test_ids(self) -> None:
        """A template id is `d-` and 32 hex digits, or a GUID."""
        for template_id in (DYNAMIC, LEGACY, LEGACY.upper()):
            self.assertEqual(read(body(template_id=template_id)).template_id, template_id)
        self.refused(
            "template_id", "message.template_id", *(
                (bad, f"The template_id must be a valid GUID, you provided '{bad}'.") for bad in ("", "x", "d-123", DYNAMIC.upper(), DYNAMIC + "0", LEGACY[:-1], f" {LEGACY}")
            ), (5, "The template ID must be a string, you provided integer."),
        )


class CategoryTests(FieldTestCase):
    def test_refused(self) -> None:
        """At most 10 categories, each once, of at most 255 ASCII characters."""
        long = "x" * 256
        self.refused(
            "categories", "message.categories",
            ("a", "Categories must be an array of strings."), (["a", 1], "Categories must be an array of strings."),
            ([str(n) for n in range(11)], "There is a limit of 10 categories for each email that is sent. You provided 11 categories."),
            (["b", "a", "b", "b"], "The categories must be a unique list, and you have included b more than once. "),
            (["ü"], "Categories can not contain non-ASCII characters."),
            ([long], f"Each category must not be longer than 255 characters. {long[:100]}… exceeds this limit"),
        )
        self.assertEqual(read(body(categories=["x" * 255, "b"])).categories, ("x" * 255, "b"))


class NameTests(FieldTestCase):
    def test_batch_id(self) -> None:
        """A batch id is of letters, digits, - and _."""
        self.refused("batch_id", "message.batch_id", (5, "The batch_id must be a string."), ("", "invalid batch id"), ("a b", "invalid batch id"), ("x" * 49, "invalid batch id"))

    def test_groups(self) -> None:
        """asm holds a group's number, and at most 25 to show."""
        self.refused("asm.group_id", "message.asm.group_id", *(({"group_id": value}, "The ASM group ID must be an integer.") for value in ("1", True, None, 1.0, -1, 2**31)), of="asm")
        self.refused("asm.group_id", "message.asm.group_id", ({}, "The ASM group ID must be an integer."), of="asm")
        shown = "message.asm.groups_to_display"
        self.refused("asm.groups_to_display", shown, *(({"group_id": 1, "groups_to_display": value}, say.GROUPS) for value in (1, ["1"], None, [True])), of="asm")
        self.refused("asm.groups_to_display", shown, ({"group_id": 1, "groups_to_display": list(range(26))}, say.GROUPS_MANY), of="asm")
        self.refused("asm", "message.asm", (5, "Invalid type. Expected: object, given: integer."))

    def test_pool(self) -> None:
        """A pool's name has 2 to 64 characters."""
        self.refused(
            "ip_pool_name", "message.ip_pool_name", (5, "The name of your IP pool must be a string."),
            ("x", "The IP Pool name must be a valid pool name for your account. You provided x."),
        )
        self.assertEqual(read(body(ip_pool_name="x" * 64)).ip_pool_name, "x" * 64)

    def test_subject(self) -> None:
        """A subject is a string that is not empty."""
        self.refused("subject", "message.subject", *((value, "The subject of your email must be a string at least one character in length.") for value in ("", 1, None, [])))
