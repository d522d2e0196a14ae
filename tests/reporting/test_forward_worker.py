import json
from typing import Any

from scaisend.caller import SERVICE, Caller
from scaisend.faults import Invalid, Unavailable
from scaisend.identity.instance_store import identity_epoch
from scaisend.identity.settings_store import change_setting
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.reporting.forward_worker import MOST_AN_HOUR, NO_DOMAIN, ForwardWorker
from scaisend.sending.accept import Accepted, Submission, accept
from scaisend.sending.request import read_send_request
from scaisend.storage.database import Txn
from tests.world.road import RoadTestCase
from tests.world.tenants import NOW, now

TO = "ops@acme.test"


class Died(Exception):
    pass


class ForwardTests(RoadTestCase):
    """Two tenants that may send; `turn` is one of a worker's, whose mails are accepted by the real transaction."""

    def setUp(self) -> None:
        super().setUp()
        self.refusal: Exception | None = None
        self.dies_at = ""
        self.worker = ForwardWorker(database=self.database, ids=self.ids, send=self.own, now_s=lambda: self.now_s, reached=self.reached)  # type: ignore[arg-type]

    def reached(self, point: str) -> None:
        if point == self.dies_at:
            raise Died

    async def own(self, tenant_id: str, partner_id: str, body: bytes, request_id: str) -> object:
        if self.refusal is not None:
            raise self.refusal
        request = read_send_request(body, now_s=self.now_s)
        caller = Caller(tenant_id, partner_id, SERVICE, frozenset({"mail.send"}), epoch=self.database.now(identity_epoch))
        given = Submission(
            caller=caller, request=request, request_id=request_id, message_ids=(self.ids.new("msg", tenant_id),), payload=json.dumps(request.shared), attachment_bytes=0,
            accepted_at=self.now_s, is_ours=True,
        )
        (answer,) = self.accept(given)
        assert isinstance(answer, Accepted), answer
        return answer

    def turn(self) -> None:
        now(self, self.worker.turn())

    def wish(self, setting: str = "forward_bounce", tenant_id: str = "", **values: object) -> None:
        self.database.now(change_setting, tenant_id or self.tenant.id, "mail_settings", setting, {"enabled": True, "email": TO, **values}, now_s=NOW)

    def happen(self, kind: str = events.BOUNCE, email: str = "jane@example.com", caller: Caller | None = None, **detail: object) -> str:
        """The event of a mail to the address."""
        message_id = self.send(email, caller=caller)
        return self.record(message_id, kind, (caller or self.caller).tenant_id, **detail)

    def record(self, message_id: str, kind: str, tenant_id: str = "", **detail: object) -> str:
        event = Event(kind, tenant_id or self.tenant.id, message_id, f"{message_id}.0", self.now_s, detail)
        self.database.now(record, self.ids, [Change(event)], self.now_s)
        return message_id

    def mails(self, tenant_id: str = "") -> list[tuple[Any, ...]]:
        """Message id, subject and address of the mails that this service wrote for the tenant."""
        return self.database.rows(
            "SELECT m.id, m.subject, r.email, r.status FROM messages m JOIN recipients r ON r.message_id = m.id JOIN mail_requests q ON q.id = m.request_id "
            "WHERE q.credential_id = 'service' AND m.tenant_id = ? ORDER BY m.id", tenant_id or self.tenant.id,
        )

    def open_rows(self) -> int:
        return int(self.database.rows("SELECT COUNT(*) FROM forwards WHERE due_at IS NOT NULL")[0][0])


class Forwarding(ForwardTests):
    def test_each_event_once(self) -> None:
        """Bounces, blocks and spam reports go to the address of their setting, from the tenant's domain; another turn adds nothing."""
        self.wish()
        self.wish("forward_spam", email="abuse@acme.test")
        self.happen(response="550 no", status="5.1.1")
        self.happen(events.BLOCKED, "eve@example.com")
        self.happen(events.DELIVERED, "ann@example.com")
        self.record(self.happen(events.DELIVERED, "kim@example.com"), events.SPAM_REPORT)
        for _ in range(2):
            self.turn()
        self.assertEqual([each[1:] for each in self.mails()], [
            ("Bounce: jane@example.com", TO, "queued"), ("Bounce: eve@example.com", TO, "queued"), ("Spam report: kim@example.com", "abuse@acme.test", "queued"),
        ])
        self.assertEqual(self.database.rows("SELECT DISTINCT from_email FROM messages WHERE subject LIKE 'Bounce:%'"), [("postmaster@example.org",)])
        self.assertEqual(self.open_rows(), 0)

    def test_tenants_are_apart(self) -> None:
        """What happens to one tenant's mail is told to nobody else, whatever the other wishes."""
        self.wish(tenant_id=self.other.id, email="them@other.test")
        self.happen()
        self.turn()
        self.assertEqual((self.mails(), self.mails(self.other.id)), ([], []))
        self.happen(caller=self.stranger)
        self.turn()
        self.assertEqual((self.mails(), [each[2] for each in self.mails(self.other.id)]), ([], ["them@other.test"]))

    def test_died_behind_the_commit(self) -> None:
        """A turn that accepted the mail and died is taken again, and another process takes it too: one mail."""
        self.wish()
        self.happen()
        self.dies_at = "forwards.accepted"
        for _ in range(3):
            self.assertRaises(Died, self.turn)
        self.dies_at = ""
        self.turn()
        self.assertEqual((len(self.mails()), self.open_rows()), (1, 0))

    def test_no_circle(self) -> None:
        """A bounce of a mail that tells of a bounce is told to nobody; then its address is suppressed as any other."""
        self.wish()
        self.happen()
        self.turn()
        self.record(self.mails()[0][0], events.BOUNCE, bounce_type="hard", status="5.1.1", response="550 5.1.1 no such user", rule="x")
        self.turn()
        self.assertEqual((len(self.mails()), self.open_rows()), (1, 0))
        self.assertEqual([row[0] for row in self.database.rows("SELECT email FROM suppressions")], [TO])
        self.happen(email="eve@example.com")
        self.turn()
        self.assertEqual([each[3] for each in self.mails()], ["bounced", "dropped"])

    def test_switched_off(self) -> None:
        """What waits when the setting is switched off, and what happens while it is, is not mailed; nor is a suspended tenant's."""
        self.wish()
        self.happen()
        self.wish(enabled=False)
        self.happen(email="eve@example.com")
        self.turn()
        self.wish()
        self.happen(email="kim@example.com")
        self.database.connection.execute("UPDATE tenants SET status = 'suspended' WHERE id = ?", (self.tenant.id,))
        self.turn()
        self.assertEqual((self.mails(), self.open_rows()), ([], 0))

    def test_without_a_verified_domain(self) -> None:
        """It cannot be mailed, and the log says so."""
        self.wish()
        self.happen()
        self.database.connection.execute("UPDATE domains SET verified = 0 WHERE tenant_id = ?", (self.tenant.id,))
        taken: list[str] = []
        self.worker.log = type("Log", (), {"warn": lambda self, text, **fields: taken.append(text.format(**fields))})()
        self.turn()
        self.assertEqual((self.mails(), taken), ([], [f"{self.tenant.id}: 1 events of forward_bounce are not mailed: {NO_DOMAIN}"]))

    def test_refusals(self) -> None:
        """What cannot be accepted now waits; what never will be is let go, and holds up nobody."""
        self.wish()
        self.happen()
        self.refusal = Unavailable("objects")
        self.turn()
        self.assertEqual(self.open_rows(), 1)
        self.refusal = Invalid("no")
        self.turn()
        self.assertEqual((self.open_rows(), self.mails()), (0, []))

    def test_an_hour_of_storm(self) -> None:
        """Of an hour's events the first hundred are mailed one by one; the rest is a number when the hour is over, once."""
        self.wish()
        self.database.now(self.many, MOST_AN_HOUR + 7)
        for _ in range(2):
            self.turn()
        self.assertEqual((len(self.mails()), self.open_rows()), (MOST_AN_HOUR, 7))
        self.clock.advance(3_700)
        self.dies_at = "forwards.accepted"
        self.assertRaises(Died, self.turn)
        self.dies_at = ""
        for _ in range(2):
            self.turn()
        self.assertEqual([each[1] for each in self.mails()][MOST_AN_HOUR:], ["7 more bounces"])
        self.assertEqual(self.open_rows(), 0)
        self.happen(email="last@example.com")
        self.turn()
        self.assertEqual(self.mails()[-1][1], "Bounce: last@example.com")

    def many(self, txn: Txn, count: int) -> None:
        ids = [self.submission(json.dumps({
            "personalizations": [{"to": [{"email": f"u{number}@example.com"}]}], "from": {"email": "shop@example.org"}, "subject": "x",
            "content": [{"type": "text/plain", "value": "x"}],
        }).encode()) for number in range(count)]
        accepted = accept(txn, self.ids, ids)
        found = [each.message_ids[0] for each in accepted if isinstance(each, Accepted)]
        record(txn, self.ids, [Change(Event(events.BOUNCE, self.tenant.id, each, f"{each}.0", self.now_s)) for each in found], self.now_s)
