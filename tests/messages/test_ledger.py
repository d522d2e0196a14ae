from scaisend.messages.ledger import Ledger, violations
from scaisend.messages.ledger_store import Period, entries_again_across_tenants, ledger_page_across_tenants
from tests.messages.test_api import MessagesApiTestCase
from tests.world.messages import Made, To
from tests.world.tenants import NOW


class LedgerTests(MessagesApiTestCase):
    def entries(self, **period):  # type: ignore[no-untyped-def]
        return self.database.now(ledger_page_across_tenants, Period(**period), "").entries

    def violations(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for entry in self.entries():
            for each in violations(entry, NOW):
                found.setdefault(each.message_id, []).append(each.what)
        return found

    def execute(self, sql: str, *values: object) -> None:
        self.database.connection.execute(sql, values)

    def make_sound_ones(self) -> list[Made]:
        """A message in every state that one can be in."""
        made = [self.make(To(status=state, waiting=None), status=state) for state in ("delivered", "bounced", "failed", "dropped", "cancelled", "sandbox")]
        made += [
            self.make(To(), due_at=NOW), self.make(To(), status="scheduled", due_at=NOW + 9, send_at=NOW + 9), self.make(To(), status="paused"),
            self.make(To(attempt_id="att", due_at=NOW + 40), status="processing"), self.make(To(waiting="delivery", due_at=NOW), status="rendered"),
            self.make(To(status="sending", attempt_id="att", due_at=NOW + 40, waiting=None), status="rendered"),
            self.make(To(status="in_doubt", attempt_id="att", waiting="in_doubt", due_at=NOW + 900, resends=1), status="in_doubt"),
            self.make(To(status="in_doubt", attempt_id="att", waiting="held"), status="in_doubt"),
            self.make(To(status="deferred", waiting="greylisted", due_at=NOW + 60), To("b@x.test", "delivered", None), status="deferred"),
            self.make(To(status="delivered", waiting=None, event="delivered"), To("b@x.test", "bounced", None, event="blocked"), status="bounced"),
        ]
        return made

    def test_sums(self) -> None:
        """Every recipient is counted by its state, and those that wait by their reason; nothing sound is a violation."""
        self.make_sound_ones()
        ledger = Ledger()
        ledger.add(self.entries())
        self.assertEqual((ledger.accepted, ledger.recipients, ledger.copies, ledger.in_doubt), (16, 18, 1, 2))
        self.assertEqual(ledger.outcomes, {
            "delivered": 3, "bounced": 2, "failed": 1, "dropped": 1, "cancelled": 1, "sandbox": 1, "queued": 5, "sending": 1, "in_doubt": 2, "deferred": 1,
        })
        self.assertEqual(ledger.waiting, {"rendering": 2, "scheduled": 1, "paused": 1, "delivery": 1, "in_doubt": 1, "held": 1, "greylisted": 1})
        self.assertEqual(self.violations(), {})

    def test_after_acts_of_tenants(self) -> None:
        """What was failed, retried and cancelled by hand is sound after each step."""
        made = self.make(To(status="failed", waiting=None), To("b@x.test"), status="queued", due_at=NOW)
        for what in (self.api.retry, self.api.fail, self.api.retry, self.api.cancel):
            self.ask(what, made.id)
            self.assertEqual(self.violations(), {})

    def test_planted_violations(self) -> None:
        """Each way in which a mail can be lost, doubled or forgotten is found, once, and named."""
        planted = {}

        def plant(words: str, made: Made, *statements: tuple[object, ...]) -> None:
            for sql, *values in statements:
                self.execute(str(sql), *values)
            planted[made.id] = words

        self.make_sound_ones()
        one = self.make(To(status="delivered", waiting=None), To("b@x.test", "delivered", None), status="delivered")
        plant("2 recipients were accepted and 1 are there", one, ("DELETE FROM recipients WHERE id = ?", one.recipients[1]))
        one = self.make(To(status="delivered", waiting=None, event="bounce"), status="delivered")
        plant("delivered, and its ending event is bounce", one)
        one = self.make(To(status="delivered", waiting=None), status="delivered")
        plant("delivered with 0 ending events", one, ("UPDATE events SET type = 'deferred' WHERE message_id = ? AND seq = 2", one.id))
        one = self.make(To(status="delivered", waiting=None), status="delivered")
        plant("delivered with 2 ending events: delivered, delivered", one, ("UPDATE events SET type = 'delivered' WHERE message_id = ?", one.id))
        one = self.make(To(status="deferred", waiting="retry", due_at=NOW + 9, event="delivered"), status="deferred")
        plant("deferred in spite of an ending event: delivered", one)
        one = self.make(To(status="queued", waiting="delivery"), status="rendered")
        plant("queued, and nobody will ever look at it", one)
        one = self.make(To(status="in_doubt", waiting="in_doubt", attempt_id="att"), status="in_doubt")
        plant("in_doubt, and nobody will ever look at it", one)
        one = self.make(To(status="deferred", waiting="retry", due_at=NOW - 601), status="deferred")
        plant("deferred, due since 2027-01-15T07:49:59.000Z, and nobody took it", one)
        one = self.make(To(), due_at=NOW - 601)
        plant("due for rendering since 2027-01-15T07:49:59.000Z, and nobody took it", one)
        one = self.make(To(status="bounced", waiting=None), status="bounced")
        plant("2 events are there, the last has number 3, and 2 were recorded", one, ("UPDATE events SET seq = 3 WHERE message_id = ? AND seq = 2", one.id))
        one = self.make(To(status="bounced", waiting=None), status="deferred")
        plant("all recipients ended, bounced, and it is deferred", one)
        one = self.make(To(waiting="delivery", due_at=NOW), status="delivered")
        plant("it is delivered while recipients wait", one)
        one = self.make(To(status="sandbox", waiting=None, event="delivered"), status="sandbox")
        plant("sandbox with 1 ending events: delivered", one)
        self.assertEqual(self.violations(), {made_id: [words] for made_id, words in planted.items()})

    def test_period_and_tenant(self) -> None:
        """Only messages accepted in the period, of the tenant, are counted."""
        self.make(To(), accepted_at=NOW - 7200, due_at=NOW)
        late = self.make(To(), due_at=NOW)
        self.assertEqual([entry.message.id for entry in self.entries(since_at=NOW - 60)], [late.id])
        self.assertEqual(len(self.entries(tenant_id=self.tenant.id)), 2)
        self.assertEqual(self.entries(tenant_id=self.other.id), [])

    def test_pages(self) -> None:
        """Pages are bounded by recipients, and every message is in just one of them."""
        made = [self.make(*[To(f"{n}@x.test", "delivered", None) for n in range(900)], status="delivered").id for _ in range(13)]
        after: str | None = ""
        seen: list[list[str]] = []
        while after is not None:
            page = self.database.now(ledger_page_across_tenants, Period(), after)
            seen.append([entry.message.id for entry in page.entries])
            after = page.after
        self.assertEqual([each for ids in seen for each in ids], made)
        self.assertEqual([len(ids) for ids in seen], [11, 2])
        again = self.database.now(entries_again_across_tenants, made[:1])
        self.assertEqual((len(again[0].recipients), violations(again[0], NOW)), (900, []))

    def test_late_reports(self) -> None:
        """delivered and then bounced by a late report is sound; a second bounce, or one before delivered, is not."""
        sound, twice, turned = (self.make(To(status="bounced", waiting=None, event=event), status="bounced") for event in ("delivered", "delivered", "bounce"))
        for made, kinds in ((sound, ["bounce"]), (twice, ["bounce", "blocked"]), (turned, ["delivered"])):
            for number, kind in enumerate(kinds):
                self.execute(
                    "INSERT INTO events (id, tenant_id, message_id, recipient_id, seq, type, happened_at) VALUES (?, ?, ?, ?, ?, ?, 0)",
                    self.ids.new("evt"), self.tenant.id, made.id, made.recipients[0], 3 + number, kind,
                )
            self.execute("UPDATE messages SET event_seq = event_seq + ? WHERE id = ?", len(kinds), made.id)
        self.assertEqual(set(self.violations()), {twice.id, turned.id})
