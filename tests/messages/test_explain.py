from dataclasses import replace

import orjson

from scaisend.messages.explain import OVERDUE_S, Signing, explanation, lines_of
from scaisend.messages.read_store import Seen, SeenDialogue, SeenEvent, SeenMessage, SeenRecipient
from tests.base import PlainTestCase

NOW = 1_800_000_000.0
MESSAGE = SeenMessage("msg_1", "x1", "queued", None, "shop@acme.test", "Hi", None, None, None, None, 1, None, None, NOW - 600, NOW - 60)
WAITING = SeenRecipient("msg_1.0", "msg_1", 0, "to", "ann@example.net", None, "deferred", "retry", "452 4.2.2 full", NOW + 300, False, 1, 0, NOW - 60)
DEFERRED = {
    "attempt": 1, "stage": "rcpt", "code": 452, "status": "4.2.2", "response": "452 4.2.2 full", "rule": "mailbox-full", "host": "mx.example.net",
    "address": "192.0.2.1", "source": "198.51.100.7", "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384", "unrelated": 1,
}
SIGNING = Signing("acme.test", ("ss1-a (rsa-sha256)", "se1-a (ed25519-sha256)"))
SAID = SeenDialogue("dlg_1", "msg_1.0", "mx.example.net 192.0.2.1", None, None, "> RCPT TO:<ann@example.net>\n< 452 4.2.2 full", NOW - 60)


class ExplainTests(PlainTestCase):
    def explain(self, recipient: SeenRecipient = WAITING, *events: SeenEvent, dialogues=None, message: SeenMessage = MESSAGE, only=None):  # type: ignore[no-untyped-def]
        seen = Seen(message, (recipient,), frozenset([recipient.status]))
        return explanation(seen, events, SIGNING, NOW, dialogues=dialogues, only=only)

    def event(self, kind: str, happened_at: float = NOW - 60, **detail: object) -> SeenEvent:
        return SeenEvent("evt_1", "msg_1.0", 2, kind, happened_at, orjson.dumps(detail).decode())

    def test_a_deferred_mail(self) -> None:
        """Gate, next attempt, the attempt with host, source, TLS and reply, the cause from the reply, and who signs."""
        found = self.explain(WAITING, self.event("processed"), self.event("deferred", **DEFERRED))
        (told,) = found["recipients"]
        self.assertEqual((told["gate"], told["next_attempt_at"]), ("retry", "2027-01-15T08:05:00.000Z"))
        self.assertIn("full", told["likely_cause"])
        expected = {name: value for name, value in DEFERRED.items() if name != "unrelated"}
        self.assertEqual(told["attempts"], [{"outcome": "deferred", "happened_at": "2027-01-15T07:59:00.000Z"} | expected])
        self.assertEqual(found["signature"], {"domain": "acme.test", "selectors": list(SIGNING.selectors)})
        self.assertNotIn("other_dialogues", told)

    def test_dialogues(self) -> None:
        """The dialogue of an attempt stands with it; one that left no event stands apart."""
        lone = replace(SAID, id="dlg_2", happened_at=NOW - 90, dialogue="> EHLO out.test\n(lost)")
        (told,) = self.explain(WAITING, self.event("deferred", **DEFERRED), dialogues=[SAID, lone])["recipients"]
        self.assertEqual(told["attempts"][0]["dialogue"], SAID.dialogue)
        self.assertEqual([each["dialogue"] for each in told["other_dialogues"]], [lone.dialogue])

    def test_ends(self) -> None:
        """What ended has no gate and no next attempt; a late report's rule names the cause."""
        bounced = replace(WAITING, status="bounced", waiting=None, due_at=None)
        late = self.event("bounce", NOW - 10, rule="user-unknown", response="550 5.1.1 no such user", late=True)
        (told,) = self.explain(bounced, self.event("delivered", response="250 ok"), late)["recipients"]
        self.assertEqual((told["gate"], told["next_attempt_at"], [each["outcome"] for each in told["attempts"]]), (None, None, ["delivered", "bounce"]))
        self.assertIn("no such mailbox", told["likely_cause"])
        (told,) = self.explain(replace(bounced, status="dropped", reason="Bounced Address"))["recipients"]
        self.assertIn("suppression list", told["likely_cause"])

    def test_nobody_takes_it_up(self) -> None:
        """A mail that has been due for a minute without a worker says which process to look for."""
        stuck = replace(WAITING, status="queued", waiting=None, due_at=NOW - OVERDUE_S - 1, attempts=0)
        (told,) = self.explain(stuck)["recipients"]
        self.assertEqual(told["gate"], "delivery")
        self.assertIn("`scaisend smtp`", told["cure"])
        (told,) = self.explain(replace(stuck, due_at=NOW - 1))["recipients"]
        self.assertNotIn("`scaisend smtp`", told["cure"])

    def test_one_recipient(self) -> None:
        """Of one recipient when one is asked for."""
        self.assertEqual(self.explain(only="msg_1.9")["recipients"], [])

    def test_another_route(self) -> None:
        """Where a bulk job leads it is said."""
        found = self.explain(replace(WAITING, route="relay.test:25"))
        self.assertEqual(found["recipients"][0]["route"], "relay.test:25")
        self.assertIn("  goes to relay.test:25 instead of its domain's hosts: a bulk job's order", lines_of(found))
        self.assertIsNone(self.explain()["recipients"][0]["route"])

    def test_lines(self) -> None:
        """For people: the gate, the cause, the cure, and each attempt with its dialogue below."""
        lines = lines_of(self.explain(WAITING, self.event("deferred", **DEFERRED), dialogues=[SAID]))
        self.assertEqual(lines[0], "msg_1 from shop@acme.test, accepted 2027-01-15T07:50:00.000Z: deferred")
        self.assertIn("signed by ss1-a (rsa-sha256), se1-a (ed25519-sha256)", lines)
        self.assertIn(
            "  2027-01-15T07:59:00.000Z deferred at mx.example.net 192.0.2.1 from 198.51.100.7 TLSv1.3 TLS_AES_256_GCM_SHA384 (mailbox-full)", lines
        )
        self.assertEqual(lines[-2:], ["      > RCPT TO:<ann@example.net>", "      < 452 4.2.2 full"])
