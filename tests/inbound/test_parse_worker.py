"""Kept mails become events and suppressions, each once."""

import json
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, succeed

from scaisend.faults import Unavailable
from scaisend.inbound.parse_worker import KEPT_FOR_S, ParseWorker
from scaisend.inbound.store import KeptMail, keep_across_tenants, kept_across_tenants
from scaisend.messages.ledger import violations
from scaisend.messages.ledger_store import Period, ledger_page_across_tenants
from scaisend.storage.disk_objects import DiskObjects
from tests.base import ReactorTestCase
from tests.inbound.reports import KEY, VACATION, arf, dsn, token_of
from tests.world.inline_database import inline_database
from tests.world.messages import Made, To, insert_message
from tests.world.tenants import NOW, id_maker, make_a_tenant

HOST = "bounce.example.test"
LATER = NOW + 3600


class Counts:
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def read_back(self, kind: str) -> None:
        self.kinds.append(kind)


class ParseWorkerTests(ReactorTestCase):
    def setUp(self) -> None:
        self.database = inline_database()
        self.ids = id_maker()
        self.tenant = make_a_tenant(self.database, self.ids)
        self.objects = DiskObjects(directory=Path(self.mktemp()), reactor=reactor)
        self.addCleanup(self.objects.close)
        self.counts = Counts()
        self.now = LATER

    def worker(self, **more) -> ParseWorker:  # type: ignore[no-untyped-def]
        return ParseWorker(
            database=self.database, objects=self.objects, ids=self.ids, token_key=KEY, now_s=lambda: self.now,
            in_thread=lambda fn: succeed(fn()), metrics=self.counts, **more,
        )

    async def turn(self, **more) -> None:  # type: ignore[no-untyped-def]
        await ensureDeferred(self.worker(**more).turn())

    def make(self, *recipients: To, status: str = "delivered") -> Made:
        given = recipients or (To(status="delivered", waiting=None),)
        return self.database.now(insert_message, self.ids, self.tenant.id, given, status=status)

    def keep(self, content: bytes, rcpt_to: str, recipient_id: str | None = None, object_key: str | None = None) -> str:
        mail = KeptMail(
            id=self.ids.new("inb"), kind="unparsed", mail_from="", rcpt_to=rcpt_to, peer="192.0.2.1 mx", size_bytes=len(content), received_at=NOW,
            recipient_id=recipient_id, content=None if object_key else content, object_key=object_key,
        )
        self.database.now(keep_across_tenants, [mail])
        return mail.id

    def keep_for(self, made: Made, content: bytes, place: int = 0) -> str:
        """Kept as the listener keeps what came to the return path of this recipient."""
        recipient_id = made.recipients[place]
        return self.keep(content, f"bounces+{token_of(recipient_id)}@{HOST}", recipient_id)

    def events(self, made: Made) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
        rows = self.database.rows("SELECT type, detail FROM events WHERE message_id = ? AND type <> 'processed' ORDER BY seq", made.id)
        return [(kind, json.loads(detail) if detail else {}) for kind, detail in rows]

    def kinds(self, made: Made) -> list[str]:
        return [kind for kind, _ in self.events(made)]

    def lists(self) -> list[tuple[str, str, str]]:
        return self.database.rows("SELECT list, email, rule FROM suppressions ORDER BY list, email")

    def states(self, made: Made) -> list[str]:
        found = [row[0] for row in self.database.rows("SELECT status FROM recipients WHERE message_id = ? ORDER BY number", made.id)]
        return [*found, self.database.rows("SELECT status FROM messages WHERE id = ?", made.id)[0][0]]

    def left(self) -> list[str]:
        return [mail.kind for mail in self.database.now(kept_across_tenants)]

    def broken_laws(self) -> list[str]:
        page = self.database.now(ledger_page_across_tenants, Period(), "")
        return [each.what for entry in page.entries for each in violations(entry, NOW)]

    async def test_a_late_hard_bounce(self) -> None:
        """A report with a valid token turns delivered into bounced, with an event, the bounce list, its evidence, and a sound ledger."""
        made = self.make()
        self.keep_for(made, dsn("Ann@example.net"))
        await self.turn()
        self.assertEqual(self.kinds(made), ["delivered", "bounce"])
        detail = self.events(made)[1][1]
        self.assertEqual((detail["bounce_type"], detail["status"], detail["proof"], detail["late"]), ("hard", "5.1.1", "token", True))
        self.assertEqual(self.states(made), ["bounced", "bounced"])
        self.assertEqual(self.lists(), [("bounces", "ann@example.net", "user-unknown")])
        event_id, reason = self.database.rows("SELECT event_id, reason FROM suppressions")[0]
        self.assertEqual(self.database.rows("SELECT type FROM events WHERE id = ?", event_id), [("bounce",)])
        self.assertIn("User unknown", reason)
        self.assertEqual((self.left(), self.counts.kinds, self.broken_laws()), ([], ["bounce"], []))

    async def test_twice_is_once(self) -> None:
        """The same report twice, and two workers at once, make one event and one entry."""
        made = self.make()
        self.keep_for(made, dsn("ann@example.net"))
        self.keep_for(made, dsn("ann@example.net"))
        await self.turn()
        self.keep_for(made, dsn("ann@example.net"))
        await self.turn()
        self.assertEqual((self.kinds(made), len(self.lists()), self.left(), self.broken_laws()), (["delivered", "bounce"], 1, [], []))

    async def test_another_worker_was_quicker(self) -> None:
        """A mail that another process recorded between reading and recording is not recorded again."""
        made = self.make()
        self.keep_for(made, dsn("ann@example.net"))
        second = self.worker()

        def other_first(fn):  # type: ignore[no-untyped-def]
            found = fn()
            deferred = ensureDeferred(second.turn())
            return deferred.addCallback(lambda _: found)

        worker = ParseWorker(
            database=self.database, objects=self.objects, ids=self.ids, token_key=KEY, now_s=lambda: self.now, in_thread=other_first,
        )
        await ensureDeferred(worker.turn())
        self.assertEqual((self.kinds(made), self.left()), (["delivered", "bounce"], []))

    async def test_a_lost_commit_is_made_good(self) -> None:
        """With the database away nothing is lost, and the next turn records it; a commit whose answer was lost is not repeated."""
        made = self.make()
        self.keep_for(made, dsn("ann@example.net"))
        self.database.away = True
        with self.assertRaises(Unavailable):
            await self.turn()
        self.database.away = False
        self.database.lost_commits = 2  # the claim's, then the record's
        with self.assertRaises(Unavailable):
            await self.turn()
        self.database.lost_commits = 0
        await self.turn()
        await self.turn()
        self.assertEqual((self.kinds(made), len(self.lists()), self.broken_laws()), (["delivered", "bounce"], 1, []))

    async def test_blocks_soft_bounces_and_delays(self) -> None:
        """A policy refusal is blocked and on the block list; a full mailbox is on none; a delay is nothing."""
        blocked, full, slow = self.make(), self.make(), self.make()
        self.keep_for(blocked, dsn("ann@example.net", status="5.7.1", diagnostic="smtp; 550 5.7.1 Message rejected due to local policy"))
        self.keep_for(full, dsn("ann@example.net", status="5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full"))
        self.keep_for(slow, dsn("ann@example.net", action="delayed", status="4.4.1", diagnostic="smtp; connection timed out"))
        await self.turn()
        self.assertEqual([self.kinds(each) for each in (blocked, full, slow)], [["delivered", "blocked"], ["delivered", "bounce"], ["delivered"]])
        self.assertEqual((self.lists(), self.left(), self.broken_laws()), ([("blocks", "ann@example.net", "policy")], [], []))

    async def test_a_doubt_is_decided(self) -> None:
        """A report decides what became of a mail in doubt: failed, or delivered."""
        lost, there = (
            self.make(To(status="in_doubt", waiting="in_doubt", due_at=NOW + 900, attempt_id="att_1"), status="in_doubt") for _ in range(2)
        )
        self.keep_for(lost, dsn("ann@example.net"))
        self.keep_for(there, dsn("ann@example.net", action="relayed", status="2.0.0", diagnostic="smtp; 250 Ok"))
        await self.turn()
        self.assertEqual((self.states(lost), self.states(there)), (["bounced"] * 2, ["delivered"] * 2))
        self.assertEqual(self.broken_laws(), [])

    async def test_what_ended_otherwise_stays(self) -> None:
        """A recipient that bounced, was dropped, cancelled or failed is not changed by a report."""
        for state in ("bounced", "dropped", "cancelled", "failed"):
            made = self.make(To(status=state, waiting=None), status=state)
            self.keep_for(made, dsn("ann@example.net"))
            await self.turn()
            self.assertEqual(self.states(made), [state, state])
        self.assertEqual(self.lists(), [])

    async def test_a_complaint(self) -> None:
        """A complaint is recorded once, with the token inside it, whatever the recipient's state, and stops later mail."""
        made = self.make()
        return_path = f"bounces+{token_of(made.recipients[0])}@{HOST}"
        for _ in range(2):
            self.keep(arf("ann@example.net", original_mail_from=return_path), f"fbl@{HOST}")
        await self.turn()
        self.keep(arf("ann@example.net", original_mail_from=return_path), f"fbl@{HOST}")
        await self.turn()
        self.assertEqual(self.kinds(made), ["delivered", "spam_report"])
        self.assertEqual(self.database.rows("SELECT list, email, ip FROM suppressions"), [("spam_reports", "ann@example.net", "192.0.2.9")])
        self.assertEqual((self.states(made), self.left(), self.broken_laws()), (["delivered"] * 2, [], []))

    async def test_reports_that_are_no_complaints(self) -> None:
        """not-spam and auth-failure reports change nothing."""
        made = self.make()
        for kind in ("not-spam", "auth-failure"):
            self.keep_for(made, arf("ann@example.net", kind=kind))
        await self.turn()
        self.assertEqual((self.kinds(made), self.lists()), (["delivered"], []))

    async def test_forged_tokens_never_suppress(self) -> None:
        """A report whose token is altered, of another key or too old is nobody's: no event, no entry; it is kept for the operator."""
        made = self.make()
        good = token_of(made.recipients[0])
        for forged in (good[:-1] + ("a" if good[-1] != "a" else "b"), token_of(made.recipients[0], key=b"x" * 32), token_of(made.recipients[0], NOW - 40 * 86_400)):
            self.keep(arf("ann@example.net", original_mail_from=f"bounces+{forged}@{HOST}"), f"fbl@{HOST}")
            self.keep(dsn("ann@example.net", original=f"Return-Path: <bounces+{forged}@{HOST}>"), f"postmaster@{HOST}")
        await self.turn()
        self.assertEqual((self.kinds(made), self.lists()), (["delivered"], []))
        self.assertEqual(sorted(self.left()), ["arf"] * 3 + ["bounce"] * 3)

    async def test_a_message_id_makes_an_event_and_no_suppression(self) -> None:
        """Without a token, our own Message-ID in the copy of the original leads to an event alone."""
        made = self.make()
        self.keep(dsn("ann@example.net", original=f"Message-ID: <{made.id[4:]}@acme.test>"), f"postmaster@{HOST}")
        self.keep(dsn("ann@example.net", original="Message-ID: <something@else.test>"), f"postmaster@{HOST}")
        await self.turn()
        self.assertEqual((self.kinds(made), self.lists(), self.left()), (["delivered", "bounce"], [], ["bounce"]))
        self.assertEqual(self.events(made)[1][1]["proof"], "message_id")

    async def test_a_message_id_of_several_recipients(self) -> None:
        """The one whose address the report names is meant; when it names none of them, nobody is."""
        made = self.make(To("ann@example.net", "delivered", None), To("bob@example.net", "delivered", None))
        original = f"Message-ID: <{made.id[4:]}@acme.test>"
        self.keep(dsn("BOB@example.net", original=original), f"postmaster@{HOST}")
        self.keep(dsn("cy@example.net", original=original), f"postmaster@{HOST}")
        await self.turn()
        self.assertEqual(self.states(made)[:2], ["delivered", "bounced"])
        self.assertEqual(self.left(), ["bounce"])

    async def test_somebody_behind_a_list(self) -> None:
        """A report of another address than ours, from behind a list, is an event; the list's address is not stopped."""
        made = self.make()
        self.keep_for(made, dsn("gone@elsewhere.test"))
        await self.turn()
        self.assertEqual((self.kinds(made), self.lists()), (["delivered", "bounce"], []))
        self.assertTrue(self.events(made)[1][1]["forwarded"])
        again = self.make()
        self.keep_for(again, dsn("ann@inner.example.net"))
        await self.turn()
        self.assertEqual([row[0] for row in self.lists()], ["bounces"])

    async def test_automatic_replies_are_nothing(self) -> None:
        """A vacation notice to a return path makes no event and is not kept; ordinary mail is kept."""
        made = self.make()
        self.keep_for(made, VACATION)
        self.keep_for(made, b"From: Ann <ann@example.net>\r\nSubject: Re: Your order\r\n\r\nThanks!\r\n")
        self.keep_for(made, b"\x00\xff" * 500)
        self.keep_for(made, b"")
        await self.turn()
        self.assertEqual((self.kinds(made), self.lists(), self.left()), (["delivered"], [], ["other"] * 3))

    async def test_large_mails_and_lost_objects(self) -> None:
        """A large mail is read from the object store and its object deleted with it; one whose object is lost is kept as unread."""
        made = self.make()
        await self.objects.put("inbound/one", dsn("ann@example.net") + b"x" * 400_000)
        path = f"bounces+{token_of(made.recipients[0])}@{HOST}"
        self.keep(b"", path, made.recipients[0], "inbound/one")
        self.keep(b"", path, made.recipients[0], "inbound/lost")
        await self.turn()
        self.assertEqual((self.kinds(made), self.left()), (["delivered", "bounce"], ["other"]))
        self.assertFalse(await self.objects.exists("inbound/one"))
        self.flushLoggedErrors()

    async def test_more_than_a_batch(self) -> None:
        """A hundred and twenty mails are read in one turn."""
        made = [self.make() for _ in range(120)]
        for each in made:
            self.keep_for(each, dsn("ann@example.net"))
        await self.turn()
        self.assertEqual(({tuple(self.kinds(each)) for each in made}, self.left()), ({("delivered", "bounce")}, []))

    async def test_unread_mails_are_forgotten_after_a_month(self) -> None:
        """What nobody asked for is gone with its object; what is newer stays."""
        await self.objects.put("inbound/old", b"?")
        self.keep(b"", f"postmaster@{HOST}", None, "inbound/old")
        await self.turn()
        self.assertEqual(self.left(), ["other"])
        self.now = NOW + KEPT_FOR_S + 1
        await self.turn()
        self.assertEqual(self.left(), [])
        self.assertFalse(await self.objects.exists("inbound/old"))

    async def test_opting_out_by_mail(self) -> None:
        """A mail to an unsubscribe address hands its token on, in the transaction that forgets the mail."""
        seen = []
        self.keep(b"Subject: unsubscribe\r\n\r\n", f"unsubscribe+tok@{HOST}")
        await self.turn(unsubscribe=lambda txn, token, now: seen.append((token, now)))
        self.assertEqual((seen, self.left()), ([("tok", LATER)], []))

    async def test_two_tenants(self) -> None:
        """A complaint of one tenant's mail stops no mail of another's to the same address."""
        other = make_a_tenant(self.database, self.ids, "Other")
        mine = self.make()
        self.database.now(insert_message, self.ids, other.id, [To(status="delivered", waiting=None)], status="delivered")
        self.keep_for(mine, dsn("ann@example.net"))
        await self.turn()
        self.assertEqual(self.database.rows("SELECT tenant_id FROM suppressions"), [(self.tenant.id,)])
