from tests.base import PlainTestCase
from tests.sending.bodies import ABSENT, body, fault, faults_of, read

FROM_NEEDED = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name "
    'parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.'
)


class FromTests(PlainTestCase):
    def test_needed(self) -> None:
        """A missing sender is told in SendGrid's words, two blanks and all."""
        for sender in (ABSENT, {}, {"email": ""}, {"name": "x"}):
            self.assertEqual(faults_of(body(**{"from": sender})), [fault(FROM_NEEDED, "from.email", "message.from")])

    def test_bad(self) -> None:
        """A sender that is no object, and one that is no address."""
        self.assertEqual(faults_of(body(**{"from": "a@example.org"})), [fault("Invalid type. Expected: object, given: string.", "from", "message.from")])
        self.assertEqual(faults_of(body(**{"from": {"email": "a"}})), [fault("The from email does not contain a valid address.", "from.email", "message.from")])
        long = {"email": "x" * 320 + "@example.org"}
        self.assertEqual(faults_of(body(**{"from": long})), [fault("The From email exceeds the maximum total length of 320 characters", "from.email", "message.from")])

    def test_all_at_once(self) -> None:
        """All that is wrong with one mailbox is told."""
        found = faults_of(body(reply_to={"email": 5, "name": "x" * 256, "nick": ""}))
        self.assertEqual([each.field for each in found], ["reply_to.nick", "reply_to.email", "reply_to.name"])


class ReplyToTests(PlainTestCase):
    def test_types(self) -> None:
        """An array is no reply_to; SendGrid's words."""
        self.assertEqual(faults_of(body(reply_to=[])), [fault("Invalid type. Expected: object, given: array.", "reply_to", "message.reply_to")])
        self.assertEqual(faults_of(body(reply_to_list={})), [fault("Invalid type. Expected: array, given: object.", "reply_to_list", "message.reply_to_list")])

    def test_list(self) -> None:
        """Up to a thousand different addresses; the bad ones are named with their places."""
        many = [{"email": f"a{n}@example.org", "name": ""} for n in range(1000)]
        self.assertEqual(read(body(reply_to_list=many)).shared["reply_to_list"][999], {"email": "a999@example.org"})
        for given, field in (([*many, {"email": "b@example.org"}], "reply_to_list"), ([many[0], many[1], {"email": "A0@example.org"}], "reply_to_list"), ([many[0], {"email": "x"}], "reply_to_list.1.email")):
            self.assertEqual([each.field for each in faults_of(body(reply_to_list=given))], [field])
