from typing import Any

from scaisend.app.erasing import Erasing, House, erase
from scaisend.delivery.claim import claim
from scaisend.faults import NotFound, Unavailable
from scaisend.identity.audit_store import acts
from scaisend.identity.settings_store import change_setting
from scaisend.messages import event as events
from scaisend.messages.event import Event
from scaisend.messages.record import Change, record
from scaisend.sealing import Sealer
from scaisend.sending.accept import Accepted, accept
from scaisend.suppressions.erased import Erasure
from scaisend.suppressions.groups_store import leave
from tests.suppressions.test_store import put_on_lists
from tests.world.road import WIDE, RoadTestCase, body
from tests.world.tenants import NOW, now

JANE = "jane@example.com"


class Shelf:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.away = False

    async def delete(self, name: str) -> None:
        if self.away:
            raise Unavailable("objects")
        if name not in self.kept:
            raise NotFound("no such object")
        del self.kept[name]


class ErasingTestCase(RoadTestCase):
    """A house in memory in which recipients can be erased."""

    def setUp(self) -> None:
        super().setUp()
        self.erasure = Erasure(Sealer(b"secret", lambda count: b"n" * count), lambda count: b"k" * count, lambda: self.now_s)
        self.objects = Shelf()
        self.house = House(self.database, self.objects, self.ids, self.erasure, lambda: self.now_s, self.rest)  # type: ignore[arg-type]

    async def rest(self, wait_s: float) -> None:
        self.clock.advance(wait_s)

    def erase(self, address: str = JANE, tenant_id: str | None = None) -> Erasing:
        return now(self, erase(self.house, tenant_id or self.tenant.id, address))  # type: ignore[no-any-return]

    def named(self, email: str) -> str:
        names = self.database.now(self.erasure.names)
        assert names is not None
        return names.name(self.tenant.id, email)

    def delivered(self, message_id: str, number: int = 0) -> None:
        recipient_id = f"{message_id}.{number}"
        detail = {"response": f"250 ok {JANE}", "code": 250, "host": "mx.example.com"}
        event = Event(events.DELIVERED, self.tenant.id, message_id, recipient_id, NOW, detail)
        self.database.now(record, self.ids, [Change(event, reason=f"250 {JANE}", attempted=True)], NOW)

    def everything(self) -> str:
        """All that the database holds, as text."""
        tables = [row[0] for row in self.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in self.database.rows(f"SELECT * FROM {table}"))


class ErasingTests(ErasingTestCase):
    def test_nothing_of_the_recipient_is_left(self) -> None:
        """Mails delivered and waiting, whatever the case they were written in: addresses, names, subjects, bodies and events' data are gone, counts stay."""
        done = self.send("Jane@Example.com", subject="Dear Jane Roe", custom_args={"customer": "Jane Roe"})
        self.delivered(done)
        self.set_row("INSERT INTO dialogues (id, tenant_id, recipient_id, destination, dialogue, happened_at) VALUES ('d', ?, ?, 'x', 'RCPT jane', 1)", self.tenant.id, f"{done}.0")
        self.set_row(
            "INSERT INTO inbound_mails (id, tenant_id, kind, mail_from, rcpt_to, recipient_id, peer, size_bytes, object_key, received_at) "
            "VALUES ('inb_1', ?, 'bounce', 'jane@example.com', 'bounces+x@y', ?, 'p', 1, 'inbound/inb_1', 1)", self.tenant.id, f"{done}.0")
        self.objects.kept["inbound/inb_1"] = b"mail"
        waiting = self.send(JANE, subject="Dear Jane Roe", send_at=int(NOW) + 3_600)
        theirs = self.send(JANE, caller=self.stranger)
        found = self.erase()
        self.assertEqual((found.recipients, found.ended, found.left, found.objects_deleted), (2, 1, 0, 1))
        self.assertEqual((self.recipients(done), self.recipients(waiting), self.message(waiting)), (["delivered"], ["failed"], ("failed",)))
        self.assertEqual(self.timeline(done), ["processed", "delivered"])
        self.assertEqual(self.recipients(theirs, "email"), [JANE])
        self.set_row("DELETE FROM recipients WHERE message_id = ?", theirs)
        self.set_row("DELETE FROM messages WHERE id = ?", theirs)
        self.set_row("DELETE FROM mail_requests WHERE tenant_id = ?", self.other.id)
        self.assertNotIn("jane", self.everything().lower())

    def test_mails_that_told_of_the_recipient(self) -> None:
        """A mail that told the tenant of a bounce names the recipient: it is erased with it, and while it is being written the recipient is left."""
        self.database.now(change_setting, self.tenant.id, "mail_settings", "forward_bounce", {"enabled": True, "email": "ops@example.org"}, now_s=NOW)
        refused = self.send(JANE)
        event = Event(events.BOUNCE, self.tenant.id, refused, f"{refused}.0", NOW, {"response": f"550 no {JANE}"})
        self.database.now(record, self.ids, [Change(event, reason=f"550 {JANE}", attempted=True)], NOW)
        ((event_id,),) = self.database.rows("SELECT event_id FROM forwards")
        told = self.send("ops@example.org", subject=f"Bounce: {JANE}")
        ((request_id,),) = self.database.rows("SELECT request_id FROM messages WHERE id = ?", told)
        self.set_row("UPDATE forwards SET request_id = ? WHERE event_id = ?", request_id, event_id)
        found = self.erase()
        self.assertEqual((found.ended, found.left), (1, 1))
        self.set_row("UPDATE forwards SET due_at = NULL WHERE event_id = ?", event_id)
        self.assertEqual(self.erase().left, 0)
        self.assertNotIn("jane", self.everything().lower())
        self.assertEqual((self.recipients(refused), self.recipients(told)), (["bounced"], ["failed"]))

    def test_twice(self) -> None:
        """The second time finds nothing more, and says so in the log again, without the address."""
        self.delivered(self.send(JANE))
        self.erase()
        self.assertEqual(self.erase(), Erasing())
        done = self.database.now(acts, self.tenant.id, before=None, most=10)
        self.assertEqual([act.action for act in done], ["recipient.erase"] * 2)
        self.assertEqual((done[1].change or {})["recipients"], 1)
        self.assertNotIn("jane", str(done))

    def test_suppressions_still_stop(self) -> None:
        """On the lists and among those who left a group the name stands for the address, at acceptance and at the claim; blocks and bypasses mean what they did."""
        self.database.now(lambda txn: txn.insert("asm_groups", ("id", "tenant_id", "name", "created_at", "updated_at"), [(7, self.tenant.id, "News", 0, 0)]))
        waiting = self.send("other@example.com")
        self.set_row("UPDATE recipients SET email = ?, status = 'queued', waiting = 'delivery', due_at = 1 WHERE message_id = ?", "joe@example.com", waiting)
        self.database.now(put_on_lists, [(self.tenant.id, "bounces", JANE), (self.tenant.id, "blocks", "joe@example.com"), (self.tenant.id, "unsubscribes", "joe@example.com")])
        self.database.now(leave, self.tenant.id, 7, ["ann@example.com"], NOW)
        for address in (JANE, "ann@example.com"):
            self.assertEqual(self.erase(address).suppressions, 1)
        name = self.named(JANE)
        self.assertEqual(self.database.rows("SELECT email, reason, ip FROM suppressions WHERE list = 'bounces'"), [(name, None, None)])
        given = [
            self.submission(body("Jane@example.com", "bob@example.com")), self.submission(body("ann@example.com", asm={"group_id": 7})),
            self.submission(body("ann@example.com")), self.submission(body(JANE), self.stranger),
            self.submission(body(JANE, mail_settings={"bypass_list_management": {"enable": True}})),
        ]
        answers = self.database.now(accept, self.ids, given, self.erasure)
        states = [self.recipients(answer.message_ids[0], "status") for answer in answers if isinstance(answer, Accepted)]
        self.assertEqual(states, [["dropped", "queued"], ["dropped"], ["queued"], ["queued"], ["queued"]])
        self.set_row("UPDATE suppressions SET email = ? WHERE list = 'unsubscribes'", self.named("joe@example.com"))
        self.set_row("UPDATE messages SET status = 'rendered', has_body = 1 WHERE id = ?", waiting)
        self.set_row("INSERT INTO bodies (message_id, tenant_id, content) VALUES (?, ?, x'00')", waiting, self.tenant.id)
        found: Any = self.database.now(claim, [f"{waiting}.0"], "att_9", self.now_s + 99, self.now_s + 60, WIDE, self.erasure)
        self.assertEqual([name for _, name in found.stopped], ["unsubscribes"])

    def test_what_a_worker_holds_is_left(self) -> None:
        """It is erased the next time, when its outcome is known."""
        mail = self.send(JANE)
        self.claim(mail)
        found = self.erase()
        self.assertEqual((found.recipients, found.left, self.recipients(mail, "email")), (0, 1, [JANE]))
        event = Event(events.DELIVERED, self.tenant.id, mail, f"{mail}.0", NOW, {})
        self.database.now(record, self.ids, [Change(event, attempt_id="att_1")], NOW)
        self.assertEqual((self.erase().recipients, self.recipients(mail, "status, email")), (1, [("delivered", "erased@erased.invalid")]))

    def test_others_keep_their_mail(self) -> None:
        """A mail that others wait for is theirs until it ended; other recipients of the request keep its content."""
        shared = self.send(JANE, "joe@example.com")
        (answer,) = self.accept(self.submission(body(personalizations=[{"to": [{"email": JANE}]}, {"to": [{"email": "ann@example.com"}]}])))
        assert isinstance(answer, Accepted)
        found = self.erase()
        self.assertEqual((found.recipients, found.ended, found.left), (1, 2, 1))
        self.assertEqual(self.recipients(shared, "status, email"), [("failed", JANE), ("queued", "joe@example.com")])
        payload = self.database.rows("SELECT payload FROM mail_requests WHERE id = ?", answer.request_id)[0][0]
        self.assertIn("It is on its way.", payload)
        self.delivered(shared, 1)
        self.assertEqual((self.erase().recipients, self.recipients(shared, "email")), (1, ["erased@erased.invalid", "joe@example.com"]))
        self.erase("ann@example.com")
        self.assertEqual(self.database.rows("SELECT payload FROM mail_requests WHERE id = ?", answer.request_id)[0][0], "{}")

    def test_objects(self) -> None:
        """Attachments go with the last request that names them; the object store away, nothing is forgotten and the next run does it."""
        for name in ("attachments/t/one", "attachments/t/two"):
            self.objects.kept[name] = b"x"
        first, second = self.send(JANE), self.send("joe@example.com")
        for mail, names in ((first, ("one", "two")), (second, ("two",))):
            listed = ", ".join(f'{{"object": "attachments/t/{name}"}}' for name in names)
            self.set_row("UPDATE mail_requests SET payload = ? WHERE id = (SELECT request_id FROM messages WHERE id = ?)", f'{{"attachments": [{listed}]}}', mail)
        self.objects.away = True
        self.assertRaises(Unavailable, self.erase)
        self.assertEqual(self.recipients(first, "email"), [JANE])
        self.objects.away = False
        found = self.erase()
        self.assertEqual((found.objects_deleted, found.objects_kept, list(self.objects.kept)), (1, 1, ["attachments/t/two"]))
        self.erase("joe@example.com")
        self.assertEqual(self.objects.kept, {})

    def test_many(self) -> None:
        """More than a page, of several spellings; each is erased once."""
        for number in range(130):
            self.send("jane@example.com" if number % 2 else "JANE@example.com")
        self.send("jane.roe@example.com")
        found = self.erase()
        self.assertEqual((found.recipients, found.ended, found.left), (130, 130, 0))
        self.assertEqual(self.database.rows("SELECT email, COUNT(*) FROM recipients GROUP BY email ORDER BY email"), [("erased@erased.invalid", 130), ("jane.roe@example.com", 1)])

    def test_a_crash_between_the_steps(self) -> None:
        """Wherever the database goes away, doing it again ends as if nothing had happened."""
        for commits in range(1, 8):
            mail = self.send(JANE)
            self.database.lost_commits = commits
            try:
                self.erase()
            except Exception as error:
                self.assertIsInstance(getattr(error, "value", error), Unavailable)
            self.database.lost_commits = 0
            self.assertEqual(self.erase().left, 0)
            self.assertEqual(self.recipients(mail, "status, email"), [("failed", "erased@erased.invalid")])
