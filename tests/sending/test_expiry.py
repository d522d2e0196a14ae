"""Paused mails that are held too long."""

from scaisend.sending import batches_store
from scaisend.sending.batches_store import HELD_FOR_S
from scaisend.sending.expiry import REASON, discard_expired
from tests.world.road import RoadTestCase
from tests.world.tenants import NOW


class ExpiryTests(RoadTestCase):
    def setUp(self) -> None:
        super().setUp()
        for tenant in (self.tenant, self.other):
            self.database.now(batches_store.make, tenant.id, f"b-{tenant.name}", NOW)
        self.batch = f"b-{self.tenant.name}"

    def stop(self, status: str = "pause") -> None:
        self.database.now(batches_store.set_status, self.tenant.id, self.batch, status, self.now_s)

    def discard(self, after_s: float) -> int:
        return self.database.now(discard_expired, self.ids, NOW + after_s)

    def test_72_hours(self) -> None:
        """They count from send_at, or from the acceptance; what is discarded says so, on its timeline too."""
        later = self.send("a@x.test", "b@x.test", batch_id=self.batch, send_at=int(NOW) + 3600)
        soon = self.send("c@x.test", batch_id=self.batch)
        self.stop()
        self.assertEqual(self.discard(HELD_FOR_S), 0)
        self.assertEqual(self.discard(HELD_FOR_S + 1), 1)
        self.assertEqual((self.message(soon), self.message(later)), (("cancelled",), ("paused",)))
        self.assertEqual(self.discard(HELD_FOR_S + 3601), 1)
        self.assertEqual((self.message(later, "status, due_at"), self.recipients(later, "status, reason")), (("cancelled", None), [("cancelled", REASON)] * 2))
        self.assertEqual(self.timeline(later), ["processed", "processed", "cancelled", "cancelled"])
        self.assertEqual(self.discard(HELD_FOR_S + 9999), 0)

    def test_what_is_not_paused_stays(self) -> None:
        """Scheduled mails, mails of other batches and of other tenants are not held."""
        self.send("a@x.test", batch_id=self.batch, send_at=int(NOW) + 3600)
        theirs = self.send("b@x.test", caller=self.stranger, batch_id=f"b-{self.other.name}")
        self.assertEqual(self.discard(100 * HELD_FOR_S), 0)
        self.stop()
        self.assertEqual(self.discard(100 * HELD_FOR_S), 1)
        self.assertEqual(self.message(theirs), ("queued",))
