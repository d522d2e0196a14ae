from scaisend.messages.held_store import (
    GIVE_UP,
    RELEASE,
    decide_across_tenants,
    held_across_tenants,
    hold_messages_across_tenants,
    to_hold_across_tenants,
)
from tests.base import PlainTestCase
from tests.world.inline_database import inline_database
from tests.world.messages import To, insert_message
from tests.world.tenants import NOW, id_maker


class HeldTests(PlainTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database, self.ids = inline_database(), id_maker()

    def make(self, *recipients: To, tenant_id: str = "tnt_a", **more):  # type: ignore[no-untyped-def]
        return self.database.now(insert_message, self.ids, tenant_id, recipients, **more)

    def to_hold(self, before: float = NOW + 1, tenant_id: str | None = None) -> list[str]:
        return self.database.now(to_hold_across_tenants, before, tenant_id, "", 100)

    def hold(self, *message_ids: str) -> int:
        return self.database.now(hold_messages_across_tenants, self.ids, sorted(message_ids), NOW)

    def decide(self, act, *found: tuple[str, str]):  # type: ignore[no-untyped-def]
        return self.database.now(decide_across_tenants, self.ids, found, act, "why", "cli", NOW)

    def test_what_is_held(self) -> None:
        """Open recipients of what was accepted before; nothing that has ended, came later, is for later, or is held already."""
        due = self.make(To(due_at=NOW), due_at=NOW)
        sending = self.make(To(status="sending", attempt_id="att", due_at=NOW + 9), To("b@x.test", "delivered", None), status="sending", body=b"mail")
        self.make(To(status="delivered", waiting=None), status="delivered")
        self.make(To(), accepted_at=NOW + 2, due_at=NOW)
        self.make(To(waiting="scheduled"), status="scheduled", send_at=NOW + 500, due_at=NOW + 500)
        past = self.make(To(waiting="scheduled"), status="scheduled", send_at=NOW, due_at=NOW)
        other = self.make(To(), tenant_id="tnt_b", due_at=NOW)
        mine = sorted((due.id, sending.id, past.id))
        self.assertEqual(self.to_hold(tenant_id="tnt_a"), mine)
        self.assertEqual(self.to_hold(), sorted((*mine, other.id)))
        self.assertEqual(self.hold(*mine), 3)
        self.assertEqual(self.to_hold(), [other.id])
        rows = self.database.rows("SELECT status, waiting, attempt_id FROM recipients WHERE status <> 'delivered' AND message_id IN (?, ?, ?)", *mine)
        self.assertEqual(set(rows), {("in_doubt", "held", None)})
        self.assertEqual(set(self.database.rows("SELECT due_at, attempt_id FROM messages WHERE id IN (?, ?, ?)", *mine)), {(None, None)})
        self.assertEqual(self.database.now(held_across_tenants, "tnt_b", "", 9), [])
        self.assertEqual([each for each, _ in self.database.now(held_across_tenants, "tnt_a", "", 9)], mine)

    def test_decisions(self) -> None:
        """Released mail goes on where it can, as a possible copy; what is given up failed; another tenant's message is not touched."""
        packed = self.make(To(due_at=NOW), status="queued", body=b"mail")
        plain = self.make(To(), due_at=NOW)
        self.hold(packed.id, plain.id)
        self.assertEqual(self.decide(RELEASE, (packed.id, "tnt_b")).count, 0)
        acted = self.decide(RELEASE, (packed.id, "tnt_a"))
        self.assertEqual((acted.deliver, acted.render), ((packed.recipients[0],), ()))
        self.assertEqual(self.database.rows("SELECT status, resends FROM recipients WHERE id = ?", packed.recipients[0]), [("queued", 1)])
        self.assertEqual(self.decide(GIVE_UP, (packed.id, "tnt_a"), (plain.id, "tnt_a")).count, 1)
        self.assertEqual(self.database.rows("SELECT status FROM messages WHERE id = ?", plain.id), [("failed",)])
