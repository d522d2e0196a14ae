from scaisend.sending import request_faults as say
from scaisend.sending.request import RecipientSpec
from tests.base import PlainTestCase
from tests.sending.bodies import DYNAMIC, LEGACY, body, fault, faults_of, personal, read

TO = [{"email": "jane@example.com"}]
TO_NEEDED = (
    "The to array is required for all personalization objects, and must have at least one email object with a valid email address."
)


class RecipientTests(PlainTestCase):
    def test_kinds(self) -> None:
        """Recipients come to, cc, bcc, whatever their order in the JSON; an empty or null name is none."""
        given = body(personalizations=[{
            "bcc": [{"email": "c@example.com", "name": ""}], "cc": [{"email": "b@example.com", "name": None}], "to": [{"email": "A@example.com", "name": "A"}],
        }])
        expected = (RecipientSpec("to", "A@example.com", "A"), RecipientSpec("cc", "b@example.com", None), RecipientSpec("bcc", "c@example.com", None))
        self.assertEqual(read(given).messages[0].recipients, expected)

    def test_to_needed(self) -> None:
        """Each personalization needs a `to`, and each that has none is named."""
        expected = [fault(TO_NEEDED, f"personalizations.{n}.to", "message.personalizations.to") for n in (0, 2)]
        self.assertEqual(faults_of(body(personalizations=[{"cc": TO}, {"to": TO}, {"to": []}])), expected)

    def test_types(self) -> None:
        """SendGrid's words for what has the wrong type, at any depth."""
        for given, expected in (
            ([None], fault("Invalid type. Expected: object, given: null.", "personalizations.0")),
            ([{"to": TO, "bcc": None}], fault("Invalid type. Expected: array, given: null.", "personalizations.0.bcc", "message.personalizations.bcc")),
            ([{"to": {"email": "a@example.com"}}], fault("Invalid type. Expected: array, given: object.", "personalizations.0.to", "message.personalizations.to")),
            ([{"to": ["a@example.com"]}], fault("Invalid type. Expected: object, given: string.", "personalizations.0.to.0", "message.personalizations.to")),
            ([{"to": [{"email": ["a@example.com"]}]}], fault("Invalid type. Expected: string, given: array.", "personalizations.0.to.0.email", "message.personalizations.to")),
            ({"to": TO}, fault("Invalid type. Expected: array, given: object.", "personalizations", "message.personalizations")),
        ):
            self.assertIn(expected, faults_of(body(personalizations=given)))

    def test_addresses(self) -> None:
        """Every bad address is named with its place."""
        given = body(personalizations=[{"to": [{"email": "jane"}, {"email": "a@example.com"}, {}], "cc": [{"email": "x" * 320 + "@example.com"}], "bcc": [{"email": "@"}]}])
        self.assertEqual(
            faults_of(given),
            [
                fault("Does not contain a valid address.", "personalizations.0.to.0.email", "message.personalizations.to"),
                fault("Does not contain a valid address.", "personalizations.0.to.2.email", "message.personalizations.to"),
                fault("The CC email exceeds the maximum total length of 320 characters", "personalizations.0.cc.0.email", "message.personalizations.cc"),
                fault("Does not contain a valid address.", "personalizations.0.bcc.0.email", "message.personalizations.bcc"),
            ],
        )

    def test_duplicate(self) -> None:
        """An address stands once in a personalization, whatever its case; the first that stands twice is named."""
        given = body(personalizations=[{"to": TO}, {"to": [{"email": "a@example.com"}], "cc": [{"email": "b@example.com"}, {"email": "A@Example.com"}], "bcc": [{"email": "b@example.com"}]}])
        message = (
            "Each email address in the personalization block should be unique between to, cc, and bcc. "
            "We found the first duplicate instance of [A@Example.com] in the personalizations.1.cc field."
        )
        self.assertEqual(faults_of(given), [fault(message, "personalizations.1", "message.recipient-errors")])
        self.assertEqual(len(read(body(personalizations=[{"to": TO}, {"to": TO}])).messages), 2)

    def test_counts(self) -> None:
        """A thousand personalizations and a thousand recipients in all are the most."""
        many = [{"to": [{"email": f"a{n}@example.com"}]} for n in range(1001)]
        self.assertEqual(len(read(body(personalizations=many[:1000])).messages), 1000)
        message = (
            "The personalization block is limited to 1000 personalizations per API request. You have provided 1001 personalizations. "
            "Please consider splitting this into multiple requests and resending your request."
        )
        self.assertEqual(faults_of(body(personalizations=many)), [fault(message, "personalizations", "message.personalizations")])
        everyone = [each["to"][0] for each in many]
        self.assertEqual(len(read(body(personalizations=[{"to": everyone[:600], "bcc": everyone[600:1000]}])).messages[0].recipients), 1000)
        for given in ([{"to": everyone}], [{"to": everyone[:600], "cc": everyone[600:]}], [{"to": everyone[:600]}, {"to": everyone[:401]}]):
            self.assertEqual([each.message for each in faults_of(body(personalizations=given))], [say.RECIPIENTS_MANY])


class OwnTests(PlainTestCase):
    def test_own(self) -> None:
        """What a personalization has of its own is kept apart from what all share."""
        (message,) = read(personal(subject="Mine", headers={"X-A": "1"}, custom_args={"a": "b"}, substitutions={"-n-": "N", "-o-": None})).messages
        self.assertEqual(message.own, {"subject": "Mine", "headers": {"X-A": "1"}, "custom_args": {"a": "b"}, "substitutions": {"-n-": "N", "-o-": ""}})
        self.assertEqual(message.subject, "Mine")

    def test_from(self) -> None:
        """A personalization may have a sender of its own, in the request's domain."""
        (message,) = read(personal(**{"from": {"email": "Other@EXAMPLE.org", "name": "O"}})).messages
        self.assertEqual((message.from_email, message.from_domain, message.own), ("Other@EXAMPLE.org", "example.org", {"from": {"email": "Other@EXAMPLE.org", "name": "O"}}))
        for email in ("other@example.com", "other@sub.example.org"):
            self.assertEqual([each.message for each in faults_of(personal(**{"from": {"email": email}}))], [say.FROM_OTHER_DOMAIN])

    def test_template_data(self) -> None:
        """Data goes with a dynamic template, substitutions with anything but one."""
        self.assertEqual(
            faults_of(body(template_id=LEGACY, personalizations=[{"to": TO}, {"to": TO, "dynamic_template_data": {"a": 1}}])),
            [fault("Cannot use dynamic template data with a legacy template ID", "personalizations.1.dynamic_template_data", "message.personalizations.dynamic_template_data")],
        )
        self.assertEqual(
            faults_of(body(template_id=DYNAMIC, personalizations=[{"to": TO, "substitutions": {"a": "b"}}])),
            [fault("Substitutions may not be used with dynamic templating", "personalizations.0.substitutions", "message.personalizations.substitutions")],
        )
        self.assertEqual([each.field for each in faults_of(body(template_id=DYNAMIC, personalizations=[{"to": TO, "dynamic_template_data": []}]))], ["personalizations.0.dynamic_template_data"])

    def test_custom_args(self) -> None:
        """Shared and own arguments together are at most 10,000 bytes; an own one takes the place of the shared one."""
        read(body(custom_args={"k": "x" * 9000}, personalizations=[{"to": TO, "custom_args": {"k": "y" * 9000}}]))
        for shared, own in (({"k": "x" * 9000}, {"l": "y" * 1000}), ({}, {"k": "ü" * 5000})):
            found = faults_of(body(custom_args=shared, personalizations=[{"to": TO}, {"to": TO, "custom_args": own}]))
            self.assertEqual(found, [fault(say.CUSTOM_ARGS_LARGE, "personalizations.1.custom_args", "message.personalizations.custom_args")])
        self.assertEqual([each.field for each in faults_of(body(custom_args={"k": "x" * 10_000}))], ["custom_args"])

    def test_wrong_types(self) -> None:
        """Everything that a personalization may hold is checked for its type."""
        found = faults_of(personal(subject=1, send_at="x", headers=[], custom_args="x", substitutions=[], **{"from": "a@example.org"}))
        self.assertEqual({each.field for each in found}, {f"personalizations.0.{name}" for name in ("subject", "send_at", "headers", "custom_args", "substitutions", "from")})
