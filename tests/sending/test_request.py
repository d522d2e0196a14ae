import json
import random

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from sendgrid.helpers.mail import (
    Asm,
    Attachment,
    BatchId,
    Bcc,
    Cc,
    ClickTracking,
    Content,
    CustomArg,
    From,
    Header,
    Mail,
    MailSettings,
    OpenTracking,
    Personalization,
    ReplyTo,
    SandBoxMode,
    SendAt,
    Substitution,
    To,
    TrackingSettings,
)

from scaisend.faults import Invalid, UnsupportedType
from scaisend.sending import request_faults as say
from scaisend.sending.request import RecipientSpec, read_send_request
from tests.base import PlainTestCase
from tests.sending.bodies import ABSENT, DYNAMIC, LEGACY, NOW, body, fault, faults_of, personal, read


class DecodingTests(PlainTestCase):
    def test_malformed(self) -> None:
        """What is not a JSON object is one Bad Request without field and help."""
        for given_body in (b"", b"{", b"false", b"null", b"[]", b'"x"', b"1", b"{}{}", b'{"a":NaN}', b"\xef\xbb\xbf{}", b'{"a":"\\ud800"}', b"[" * 5000):
            self.assertEqual(faults_of(given_body), [fault("Bad Request", None)], given_body)

    def test_not_utf8(self) -> None:
        """A body in another encoding is refused as such."""
        latin = body(subject="GrXe").replace(b"GrXe", "Grüße".encode("latin-1"))
        error = self.assertRaises(UnsupportedType, read_send_request, latin, now_s=NOW)
        self.assertEqual(error.faults, (fault("Invalid UTF8 in request", None),))

    def test_wrong_scalar_hides_all_else(self) -> None:
        """A value that is no string in a map of strings is one Bad Request, whatever else is wrong."""
        for name in ("custom_args", "headers"):
            self.assertEqual(faults_of(body(subject=5, **{name: {"a": 1}})), [fault("Bad Request", None)])
        for name in ("custom_args", "headers", "substitutions"):
            for value in (1, 1.5, True, [], {}):
                self.assertEqual(faults_of(personal(subject="", **{name: {"a": value}})), [fault("Bad Request", None)])


class WholeTests(PlainTestCase):
    def test_smallest(self) -> None:
        """The smallest request becomes one message."""
        request = read(body())
        self.assertEqual(
            request.shared,
            {
                "from": {"email": "shop@example.org", "name": "The Shop"}, "subject": "Your order",
                "content": [{"type": "text/plain", "value": "It is on its way."}],
            },
        )
        (message,) = request.messages
        self.assertEqual((message.own, message.from_email, message.from_domain, message.subject, message.send_at), ({}, "shop@example.org", "example.org", "Your order", None))
        self.assertEqual(message.recipients, (RecipientSpec("to", "jane@example.com", "Jane"),))
        self.assertEqual((request.from_domains, request.sandbox, request.scheduled, request.attachments), ({"example.org"}, False, False, ()))

    def test_all_faults_at_once(self) -> None:
        """An empty object is told everything that it lacks; SendGrid's words, fields and help."""
        self.assertEqual(
            faults_of(b"{}"),
            [
                fault(say.FROM_NEEDED, "from.email", "message.from"),
                fault("The personalizations field is required and must have at least one personalization.", "personalizations", "-Personalizations-Errors"),
                fault(say.CONTENT_NEEDED, "content", "message.content"),
                fault(say.SUBJECT_NEEDED, "subject", "message.subject"),
            ],
        )

    def test_unknown_property(self) -> None:
        """A property that SendGrid does not know is refused, wherever it stands."""
        for given_body, name in (
            (body(category="x"), "category"),
            (personal(unique_args={}), "unique_args"),
            (body(**{"from": {"email": "a@example.org", "nick": "x"}}), "nick"),
            (body(asm={"group_id": 1, "x": 1}), "x"),
            (body(mail_settings={"footer": {"x": 1}}), "x"),
            (body(content=[{"type": "text/plain", "value": "x", "charset": "y"}]), "charset"),
            (body(attachments=[{"content": "aGk=", "filename": "", "name": "x"}]), "name"),
        ):
            (found,) = faults_of(given_body)
            self.assertEqual((found.message, found.help), (f"Additional property {name} is not allowed.", None))
            self.assertTrue(found.field is not None and found.field.split(".")[-1] == name)

    def test_empty_objects(self) -> None:
        """Empty objects and arrays that libraries send are taken, and leave nothing behind."""
        plain = read(body())
        given_body = body(
            headers={}, custom_args={}, categories=[], attachments=[], sections={}, mail_settings={}, tracking_settings={}, reply_to_list=[],
            personalizations=[
                {"to": [{"email": "jane@example.com", "name": "Jane"}], "cc": [], "bcc": [], "headers": {}, "custom_args": {}, "substitutions": {}, "dynamic_template_data": {}},
            ],
        )
        self.assertEqual(read(given_body), plain)

    def test_null_is_no_absence(self) -> None:
        """An explicit null is not taken for an absent object or array."""
        for name, kind in (("content", "array"), ("from", "object"), ("custom_args", "object"), ("attachments", "array"), ("asm", "object"), ("personalizations", "array")):
            self.assertIn(f"Invalid type. Expected: {kind}, given: null.", [each.message for each in faults_of(body(**{name: None}))])

    def test_subject(self) -> None:
        """A subject is needed unless each personalization has one or a template is named."""
        needed = fault(say.SUBJECT_NEEDED, "subject", "message.subject")
        two = [{"to": [{"email": "a@example.com"}], "subject": "A"}, {"to": [{"email": "b@example.com"}]}]
        self.assertEqual(faults_of(body(subject=ABSENT)), [needed])
        self.assertEqual(faults_of(body(subject=ABSENT, personalizations=two)), [needed])
        self.assertEqual([each.subject for each in read(body(personalizations=two)).messages], ["A", "Your order"])
        self.assertEqual([each.subject for each in read(body(subject=ABSENT, personalizations=two[:1])).messages], ["A"])
        self.assertEqual(read(body(subject=ABSENT, content=ABSENT, template_id=DYNAMIC)).messages[0].subject, None)

    def test_content_needed(self) -> None:
        """Content is needed unless a template is named."""
        needed = [fault(say.CONTENT_NEEDED, "content", "message.content")]
        self.assertEqual(faults_of(body(content=ABSENT)), needed)
        self.assertEqual(faults_of(body(content=[])), needed)
        self.assertEqual(read(body(content=ABSENT, template_id=LEGACY)).template_id, LEGACY)

    def test_dynamic_data_needs_a_template(self) -> None:
        """Template data without a template is one fault, however many personalizations have some."""
        each = {"to": [{"email": "a@example.com"}], "dynamic_template_data": {"a": 1}}
        needed = fault("The template_id is required when using dynamic templates", "template_id", "message.template_id")
        self.assertEqual(faults_of(body(personalizations=[each, each])), [needed])

    def test_reply_to_both(self) -> None:
        """reply_to and reply_to_list exclude each other."""
        mailbox = {"email": "a@example.org"}
        self.assertEqual([each.field for each in faults_of(body(reply_to=mailbox, reply_to_list=[mailbox]))], ["reply_to_list"])

    def test_size(self) -> None:
        """Attachments and content together are at most 30 MB, decoded."""
        megabytes = "A" * (4 * 1024 * 1024)
        attachment = {"content": megabytes, "filename": "a"}
        read(body(attachments=[attachment] * 9))
        self.assertEqual([each.message for each in faults_of(body(attachments=[attachment] * 10))], [say.MESSAGE_LARGE])
        html = [{"type": "text/html", "value": "ü" * (16 * 1024 * 1024)}]
        self.assertEqual([each.field for each in faults_of(orjson.dumps({**json.loads(body()), "content": html}))], ["content"])

    def test_doubled_headers(self) -> None:
        """A key that stands twice in the JSON text of headers is found; the same key elsewhere is none of its business."""
        for path, given_body in (("headers", body(headers={"X-A": "1", "Z": "2"})), ("personalizations.0.headers", personal(headers={"X-A": "1", "Z": "2"}))):
            read(given_body)
            doubled = given_body.replace(b'"Z"', b'"X-A"')
            self.assertEqual([(each.message, each.field) for each in faults_of(doubled)], [("The headers cannot contain duplicate keys.", path)])
        both = [{"to": [{"email": "a@example.com"}], "headers": {"X-A": "1"}, "custom_args": {"X-A": "1"}}]
        read(body(headers={"X-A": "0"}, personalizations=both, custom_args={"X-A": "X-A"}))
        self.assertEqual([each.field for each in faults_of(body(headers={"X-A": "1", "x-a": "2"}))], ["headers"])

    def test_sandbox_and_bypass(self) -> None:
        """What accepting needs to know of the settings is told."""
        request = read(body(mail_settings={"sandbox_mode": {"enable": True}, "bypass_spam_management": {"enable": True}, "bypass_bounce_management": {"enable": False}}))
        self.assertEqual((request.sandbox, request.bypass), (True, {"spam"}))

    def test_scheduled(self) -> None:
        """A personalization's send_at wins; only one to come makes the request a scheduled one."""
        later = int(NOW) + 600
        two = [{"to": [{"email": "a@example.com"}]}, {"to": [{"email": "b@example.com"}], "send_at": int(NOW) - 5}]
        request = read(body(send_at=later, personalizations=two))
        self.assertEqual(([each.send_at for each in request.messages], request.scheduled), ([later, None], True))
        self.assertFalse(read(body(send_at=int(NOW) - 5)).scheduled)

    def test_shared_is_json(self) -> None:
        """What is kept of a request can be written as JSON, and holds no attachment's content."""
        request = read(body(
            attachments=[{"content": "aGVsbG8=", "filename": "a.txt", "content_id": "<x>", "disposition": "inline"}], categories=["a"],
            reply_to={"email": "a@example.org"}, headers={"X-A": "1"}, custom_args={"a": "b"}, sections={"-s-": "t"}, ip_pool_name="main",
            asm={"group_id": 7, "groups_to_display": [7, 8]}, batch_id="batch_1", tracking_settings={"click_tracking": {"enable": True}},
            mail_settings={"footer": {"enable": True, "text": "f"}, "bcc": {"enable": True, "email": "b@example.com"}},
        ))
        shared = orjson.loads(orjson.dumps(request.shared))
        self.assertEqual(
            set(shared),
            {"from", "subject", "content", "attachments", "categories", "reply_to", "headers", "custom_args", "sections", "ip_pool_name", "asm", "tracking_settings", "mail_settings"},
        )
        self.assertEqual(shared["attachments"], [{"filename": "a.txt", "type": "text/plain", "disposition": "inline", "size": 5, "content_id": "x"}])
        self.assertEqual(shared["mail_settings"], {"footer": {"enable": True, "text": "f"}})
        self.assertEqual((request.asm_group_id, request.asm_groups_to_display, request.batch_id, request.ip_pool_name, request.categories), (7, (7, 8), "batch_1", "main", ("a",)))
        self.assertEqual(request.attachments[0].content, b"hello")

    def test_internationalised_sender(self) -> None:
        """A sender may be internationalised; its domain is known by its A-labels."""
        self.assertEqual(read(body(**{"from": {"email": "jörg@bücher.example"}})).from_domains, {"xn--bcher-kva.example"})


class LibraryTests(PlainTestCase):
    """Bodies made by SendGrid's own Python library."""

    def read(self, mail: Mail):  # type: ignore[no-untyped-def]
        return read(json.dumps(mail.get()).encode())

    def test_simple(self) -> None:
        """The first example of its manual is read."""
        request = self.read(Mail("from@example.org", "to@example.com", "Sending with SendGrid is Fun", "plain", "<b>html</b>"))
        self.assertEqual([each["type"] for each in request.shared["content"]], ["text/plain", "text/html"])
        self.assertEqual(request.messages[0].recipients, (RecipientSpec("to", "to@example.com", None),))

    def test_is_multiple(self) -> None:
        """`is_multiple` makes a message of each recipient, with substitutions of its own."""
        to = [To(f"to{n}@example.com", f"To {n}", substitutions={"-name-": f"N{n}"}, subject=f"S{n}") for n in range(3)]
        request = self.read(Mail(From("from@example.org"), to, "all", html_content="<p>-name-</p>", is_multiple=True))
        messages = sorted((each.subject, each.own["substitutions"]) for each in request.messages)  # the library turns their order round
        self.assertEqual(messages, [(f"S{n}", {"-name-": f"N{n}"}) for n in range(3)])

    def test_dynamic_template(self) -> None:
        """A mail of a dynamic template needs neither subject nor content, and its data arrives unchanged."""
        mail = Mail("from@example.org", "to@example.com")
        mail.template_id = DYNAMIC
        mail.dynamic_template_data = {"camelCase": [1, {"x": None}], "snake_case": True}
        request = self.read(mail)
        self.assertEqual(request.messages[0].own, {"dynamic_template_data": {"camelCase": [1, {"x": None}], "snake_case": True}})

    def test_everything(self) -> None:
        """The helpers' settings, attachments, arguments and schedules are read."""
        mail = Mail(From("from@example.org", "Sender"), subject="Hello", plain_text_content=Content("text/plain", "x"))
        personalization = Personalization()
        for each in (To("to@example.com", "To"), Cc("cc@example.com"), Bcc("bcc@example.com")):
            personalization.add_email(each)
        personalization.add_header(Header("X-Test", "yes"))
        personalization.add_substitution(Substitution("%name%", "N"))
        personalization.add_custom_arg(CustomArg("user", "1"))
        mail.add_personalization(personalization)
        mail.reply_to = ReplyTo("reply@example.org", "Reply")
        mail.attachment = Attachment("aGVsbG8=", "a.pdf", "application/pdf", "inline", "cid1")
        mail.batch_id = BatchId("batch_1")
        mail.asm = Asm(3, [3, 4])
        mail.send_at = SendAt(int(NOW) + 60)
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(True))
        mail.tracking_settings = TrackingSettings(click_tracking=ClickTracking(True, False), open_tracking=OpenTracking(True, None))
        request = self.read(mail)
        (message,) = request.messages
        self.assertEqual([(each.kind, each.email) for each in message.recipients], [("to", "to@example.com"), ("cc", "cc@example.com"), ("bcc", "bcc@example.com")])
        self.assertEqual(message.own, {"headers": {"X-Test": "yes"}, "substitutions": {"%name%": "N"}, "custom_args": {"user": "1"}})
        self.assertEqual((message.send_at, request.sandbox, request.asm_group_id, request.batch_id), (int(NOW) + 60, True, 3, "batch_1"))
        self.assertEqual((request.attachments[0].content, request.attachments[0].content_id), (b"hello", "cid1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
GOOD = json.loads(body(
    template_id=LEGACY, reply_to={"email": "a@example.org"}, categories=["a"], headers={"X-A": "1"}, custom_args={"a": "b"}, send_at=1, batch_id="b",
    sections={"a": "b"}, ip_pool_name="main", asm={"group_id": 1, "groups_to_display": [1]}, attachments=[{"content": "aGk=", "filename": "x", "type": "a/b", "disposition": "inline", "content_id": "c"}],
    mail_settings={"footer": {"enable": True, "text": "x"}, "sandbox_mode": {"enable": False}}, tracking_settings={"ganalytics": {"utm_name": "x"}},
    personalizations=[{
        "to": [{"email": "a@example.com", "name": "A"}], "cc": [{"email": "b@example.com"}], "bcc": [{"email": "c@example.com"}], "subject": "x", "headers": {"X-B": "1"},
        "from": {"email": "b@example.org"}, "substitutions": {"a": None}, "custom_args": {"c": "d"}, "send_at": 5,
    }],
))


def _spoil(value, dice: random.Random, junk: list[object]):  # type: ignore[no-untyped-def]
    """A copy in which something has been replaced, removed or added."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        spoiled = dict(value)
        name = dice.choice(list(spoiled))
        turn = dice.random()
        if turn < 0.1:
            del spoiled[name]
        elif turn < 0.2:
            spoiled["extra"] = dice.choice(junk)
        else:
            spoiled[name] = _spoil(spoiled[name], dice, junk)
        return spoiled
    if isinstance(value, list) and value and dice.random() < 0.9:
        return [*value[:-1], _spoil(value[-1], dice, junk), *([dice.choice(junk)] if dice.random() < 0.3 else [])]
    return dice.choice(junk)


class PropertyTests(PlainTestCase):
    def check(self, given_body: bytes) -> None:
        try:
            request = read_send_request(given_body, now_s=NOW)
        except (Invalid, UnsupportedType) as error:
            self.assertTrue(error.faults)
            return
        orjson.dumps(request.shared)
        for message in request.messages:
            orjson.dumps(message.own)
            self.assertTrue(message.recipients)
            self.assertIn(message.from_domain, request.from_domains)

    def test_good(self) -> None:
        """The request that the next test spoils is good."""
        read(json.dumps(GOOD).encode())

    @settings(deadline=None, max_examples=400)
    @given(st.lists(JSON, min_size=1, max_size=4), st.integers(), st.integers(1, 4))
    def test_spoiled(self, junk: list[object], seed: int, times: int) -> None:
        """Whatever stands wherever in a request, the outcome is a request or a refusal with faults."""
        dice, spoiled = random.Random(seed), GOOD
        for _ in range(times):
            spoiled = _spoil(spoiled, dice, [*junk, None, "", 0, [], {}, [None], {"email": 1}])
        self.check(json.dumps(spoiled).encode())

    @settings(deadline=None, max_examples=150)
    @given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_anything(self, given_body: bytes) -> None:
        """Any bytes are a request or a refusal with faults."""
        self.check(given_body)

    def test_deep(self) -> None:
        """Nesting that JSON readers allow and writers do not is a fault where it can stand, and never an error."""
        for depth in (240, 252, 300, 1000, 100_000):
            data = b'{"a":' * depth + b"1" + b"}" * depth
            for given_body in (
                personal(dynamic_template_data="@").replace(b'"subject": "Your order"', b'"template_id": "' + DYNAMIC.encode() + b'"').replace(b'"@"', data),
                body(headers={"X-A": "X-A"}, custom_args="@").replace(b'"@"', data), body(personalizations="@").replace(b'"@"', data),
            ):
                self.check(given_body)
