from scaisend.inbound.outcome import MESSAGE_ID, TOKEN, SpokenOf, change_of, claimed, own_message, return_path_in
from scaisend.inbound.reading import ARF, AUTOREPLY, BOUNCE, DELAY, SUCCESS, Reading, Reported
from scaisend.inbound.store import KnownRecipient
from tests.base import PlainTestCase
from tests.inbound.reports import KEY, token_of
from tests.world.tenants import NOW

MESSAGE = "msg_01kabcdefghjkmnpqrstvwxyz0"
ANN = KnownRecipient(f"{MESSAGE}.0", MESSAGE, "tnt_1", "Ann@x.test", "delivered")
HARD = Reported("ann@x.test", "failed", "5.1.1", "550 no", None, "hard", "user-unknown")


def kind_for(reading: Reading, status: str = "delivered", proof: str = TOKEN):
    recipient = KnownRecipient(ANN.recipient_id, ANN.message_id, ANN.tenant_id, ANN.email, status)
    change = change_of(reading, SpokenOf(recipient, proof), NOW)
    return None if change is None else change.event.type


class ChangeTests(PlainTestCase):
    def test_failures(self):
        """A failure is a bounce or blocked for what is delivered, in doubt or under way, and nothing for what ended otherwise."""
        bounce = Reading(BOUNCE, "dsn", (HARD,))
        for status in ("delivered", "in_doubt", "sending", "deferred", "queued"):
            self.assertEqual(kind_for(bounce, status), "bounce", status)
        for status in ("bounced", "failed", "dropped", "cancelled", "sandbox"):
            self.assertIsNone(kind_for(bounce, status), status)
        block = Reported("ann@x.test", "failed", "5.7.1", "550 no", None, "block", "policy")
        self.assertEqual(kind_for(Reading(BOUNCE, "dsn", (block,))), "blocked")
        self.assertIsNone(kind_for(Reading(BOUNCE, "unnamed")))

    def test_the_recipient_meant(self):
        """Of several failures the one of our address counts, by its original address or local part too; another's is marked as forwarded."""
        other = Reported("x@y.test", "failed", "5.2.2", "552 full", None, "soft", "mailbox-full")
        change = change_of(Reading(BOUNCE, "dsn", (other, HARD)), SpokenOf(ANN, TOKEN), NOW)
        self.assertEqual((change.event.detail["bounce_type"], "forwarded" in change.event.detail), ("hard", False))
        for told in (Reported("x@y.test", "failed", original="ANN@x.test"), Reported("ann@inner.test", "failed")):
            self.assertNotIn("forwarded", change_of(Reading(BOUNCE, "dsn", (told,)), SpokenOf(ANN, TOKEN), NOW).event.detail)
        self.assertTrue(change_of(Reading(BOUNCE, "dsn", (other,)), SpokenOf(ANN, TOKEN), NOW).event.detail["forwarded"])

    def test_the_rest(self):
        """Successes decide doubts alone; complaints are events; delays and automatic replies are nothing."""
        success = Reading(SUCCESS, "dsn", (Reported("ann@x.test", "relayed", "2.0.0"),))
        self.assertEqual([kind_for(success, status) for status in ("in_doubt", "delivered", "bounced")], ["delivered", None, None])
        self.assertEqual(kind_for(Reading(ARF, "arf.abuse", feedback_type="abuse"), "bounced"), "spam_report")
        self.assertIsNone(kind_for(Reading(ARF, "arf.not-spam", feedback_type="not-spam")))
        self.assertIsNone(kind_for(Reading(DELAY, "dsn", (Reported("ann@x.test", "delayed"),))))
        self.assertIsNone(kind_for(Reading(AUTOREPLY, "autoreply.header")))

    def test_claims(self):
        """The only recipient of a message is meant, or the one that is named; nobody when none or two are."""
        bob = KnownRecipient(f"{MESSAGE}.1", MESSAGE, "tnt_1", "bob@x.test", "delivered")
        self.assertEqual(claimed(Reading(BOUNCE, "dsn", (HARD,)), [ANN]), ANN)
        self.assertEqual(claimed(Reading(BOUNCE, "dsn", (HARD,)), [bob, ANN]), ANN)
        self.assertIsNone(claimed(Reading(BOUNCE, "dsn"), [bob, ANN]))
        self.assertIsNone(claimed(Reading(BOUNCE, "dsn", (HARD,)), []))
        self.assertEqual(change_of(Reading(BOUNCE, "dsn", (HARD,)), SpokenOf(ANN, MESSAGE_ID), NOW).event.detail["proof"], MESSAGE_ID)


class TokenTests(PlainTestCase):
    def test_tokens_inside(self):
        """Found anywhere in the mail, in any case, across a quoted-printable line break; forged ones are passed over, up to a bound."""
        token = token_of(ANN.recipient_id)
        for content in (
            f"Original-Mail-From: <bounces+{token}@b.test>", f"BOUNCES+{token.upper()}@b.test", f"bounces+{token[:20]}=\r\n{token[20:]}@b.test",
            f"bounces+{'a' * 53}@b.test bounces+{token}@b.test",
        ):
            self.assertEqual(return_path_in(content.encode(), KEY, NOW).recipient_id, ANN.recipient_id, content)
        for content in (f"bounces+{token[:-1]}@b.test", f"bounces+{'a' * 53}@b.test", "", ("bounces+" + "a" * 53 + "@b.test ") * 30 + f"bounces+{token}@b.test"):
            self.assertIsNone(return_path_in(content.encode(), KEY, NOW))

    def test_own_message_ids(self):
        """Ours lead to the message; others, of which a request may bring any, to none."""
        self.assertEqual(own_message("<01kabcdefghjkmnpqrstvwxyz0@acme.test>"), MESSAGE)
        for other in (None, "", "<x@y.test>", "<01kabcdefghjkmnpqrstvwxyz@acme.test>", "<ILOU@x>"):
            self.assertIsNone(own_message(other))
